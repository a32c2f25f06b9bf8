"""Platform alerts of tenants whose dead letters exceed the cap: each begins and ends once, in the lane's own act.

An alert is published with the batch that takes its tenant over the cap, or back within it, so that a batch that comes
again tells the same and a crash tells nothing twice. After a restart the alerts that stand are found at the end of the
alerts' topic, by the header that says what they concern. No personal data: a tenant is an organisation.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.enumerations import PlatformAlertState
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import PLATFORM_ALERTS
from proofwatch.events.types import PlatformAlert

CONCERNS: Final = "proofwatch.concerns"
_TAIL: Final = 5_000
"""Offsets of the alerts' topic that are read for those that stand; it is quiet by nature."""

FiringAlerts = Mapping[str, str]
"""The id of the alert that fires for each tenant."""


class Place(NamedTuple):
    """Where dead letters are counted: the stage that refuses, and the partition that it reads."""

    stage: str
    source: TopicPartition

    def concerns(self, tenant: str) -> str:
        """Return what an alert concerns, as one text."""
        return f"{self.stage}/{self.source.topic}/{self.source.partition}/{tenant}"


class Changed(NamedTuple):
    """The alerts that stand now, and those to publish."""

    firing: FiringAlerts
    outputs: list[Outgoing]


def changed(place: Place, before: FiringAlerts, over: Mapping[str, int], position: int, at_ms: int) -> Changed:
    """Return what follows from the tenants that are `over` the cap now, with their number of dead letters.

    `position` and `at_ms` (log time, milliseconds since the Unix epoch) are those at the end of the batch.
    """
    firing = {tenant: before[tenant] for tenant in over if tenant in before}
    outputs = []
    for tenant, count in sorted(over.items()):
        if tenant not in before:
            firing[tenant] = derived_id("platform-alert", "dead_letters", place.concerns(tenant), position)
            outputs.append(_alert(place, tenant, firing[tenant], "firing", count, at_ms))
    ended = sorted(before.keys() - over.keys())
    outputs += [_alert(place, tenant, before[tenant], "resolved", 0, at_ms) for tenant in ended]
    return Changed(firing, outputs)


async def read_firing(bus: Bus, place: Place, over: Mapping[str, int]) -> FiringAlerts:
    """Return the alerts that stand for the tenants that are `over`, as the alerts' topic has them."""
    wanted = {place.concerns(tenant): tenant for tenant in over}
    found: dict[str, str] = {}
    if not wanted:
        return found
    try:
        ends = await bus.ends(PLATFORM_ALERTS)
    except UnknownTopic:
        return found
    for partition, end in ends.items():
        async for record in bus.read(TopicPartition(PLATFORM_ALERTS, partition), max(0, end - _TAIL)):
            tenant = wanted.get(dict(record.headers).get(CONCERNS, b"").decode())
            if tenant is None or record.value is None:
                continue
            alert = PLATFORM_ALERT.decode(record.value)
            if alert.state == "firing":
                found[tenant] = alert.alert_id
            else:
                found.pop(tenant, None)
    return found


def _alert(place: Place, tenant: str, alert_id: str, state: PlatformAlertState, count: int, at_ms: int) -> Outgoing:
    stage, (topic, partition) = place
    summary = (
        f"{topic}/{partition}: {count:,} records of tenant {tenant} could not be read lately; they are dead letters, "
        f"and what is good of the tenant is decided. Look with `proofwatch dlq list --topic {topic}`, have the "
        f"producer mended, then `proofwatch dlq redrive`."
        if state == "firing"
        else f"{topic}/{partition}: the records of tenant {tenant} are within the dead-letter cap again."
    )
    alert = PlatformAlert(
        schema_version=1,
        alert_id=alert_id,
        state=state,
        severity="warning" if state == "firing" else "info",
        service=stage,
        kind="dead_letters",
        raised_at=datetime.fromtimestamp(at_ms / 1000, UTC),
        summary=summary,
        values={"dead_letters": float(count), "partition": float(partition)},
    )
    headers = ((CONCERNS, place.concerns(tenant).encode()),)
    return Outgoing(PLATFORM_ALERTS, stage.encode(), PLATFORM_ALERT.encode(alert), None, at_ms, headers)
