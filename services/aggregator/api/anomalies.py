"""Incidents as the API and the pages ask them: what fires, what fired, since when, how sure, how many, what next."""

from collections import Counter
from datetime import date, datetime
from typing import Annotated, Final, NamedTuple

import msgspec

from proofwatch.access.roles import Act
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.sentences import incident_facts, incident_title
from proofwatch.events.enumerations import AnomalyRule
from proofwatch.exits.table import ANOMALIES
from proofwatch.instants import ms_of
from proofwatch.web.cursors import read, written
from proofwatch.web.sessions import Caller
from services.aggregator.adapters.incidents_told import incidents_firing, incidents_of
from services.aggregator.api.anomaly_bodies import Anomalies, Anomaly, Evidence, Firing, Slice, State
from services.aggregator.api.asking import Source, instant, refusals

_Place = tuple[
    Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)], Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,128}$")]
]
_PLACE: Final = msgspec.json.Decoder(_Place)


class Sought(NamedTuple):
    """Which incidents are asked for; None: any. `since`: those that were known then or later.

    A date is its midnight by the tenant's clock.
    """

    tenant: str
    state: State = "any"
    evidence: Evidence = "strong"
    kind: AnomalyRule | None = None
    since: datetime | date | None = None


class ToldAnomalies:
    """What a person or a machine may see of incidents. Every call raises `Problem`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def page(self, caller: Caller, sought: Sought, limit: int, cursor: str = "") -> Anomalies:
        """Return some incidents of a tenant, once it is on record who asks; those known last first."""
        after = read(cursor, _PLACE) if cursor else None
        with refusals(caller):
            now = self._source.tenants.of(sought.tenant)
            since_ms = None if sought.since is None else ms_of(instant("since", sought.since, now.zone))
            await self._source.admitted(ANOMALIES, caller, sought.tenant, now)
            async with self._source.reading() as connection:
                state = None if sought.state == "any" else sought.state
                found = await incidents_of(connection, sought.tenant, state)
        there = sorted((_place(each), each) for each in found if _is_sought(each, sought, since_ms))
        left = [each for place, each in there if after is None or place > after]
        more = written(_place(left[limit - 1])) if len(left) > limit else None
        return Anomalies(
            tenant=sought.tenant, zone=now.zone or "UTC", anomalies=[_shown(each) for each in left[:limit]], next=more
        )

    async def firing(self, caller: Caller) -> list[Firing]:
        """Return how many fire at which tenants that are there for who asks; numbers alone, which leave no entry.

        Empty, too, for whom figures are not for.
        """
        if not caller.session.may(Act.READ_FIGURES):
            return []
        with refusals(caller):
            async with self._source.reading() as connection:
                found = await incidents_firing(connection)
        strong = [each for each in found if each.evidence == "strong" and caller.session.sees(each.tenant)]
        firing = Counter(each.tenant for each in strong)
        critical = Counter(each.tenant for each in strong if each.severity == "critical")
        return [Firing(tenant=each, firing=n, critical=critical[each]) for each, n in sorted(firing.items())]


def _place(each: Incident) -> _Place:
    return -ms_of(each.known_at), each.incident_id


def _is_sought(each: Incident, sought: Sought, since_ms: int | None) -> bool:
    return (
        sought.evidence in ("any", each.evidence)
        and (sought.kind is None or sought.kind in each.rules)
        and (since_ms is None or ms_of(each.known_at) >= since_ms)
    )


def _shown(each: Incident) -> Anomaly:
    event, facts = event_of(each), incident_facts(each)
    return Anomaly(
        incident_id=each.incident_id, revision=each.revision, tenant=each.tenant, state=each.state,
        evidence=each.evidence, severity=each.severity,
        root=[Slice(segment_name=one.segment_name, segment_value=one.segment_value) for one in event.root],
        since=each.since, since_low=each.since_low, since_high=each.since_high, known_at=each.known_at,
        until=each.until, ended_by=each.ended_by, merged_into=each.merged_into, rules=list(each.rules),
        metric=event.metric, direction=event.direction, window_start=event.window_start, window_end=event.window_end,
        k=event.k, n=event.n, rate=event.rate, low=event.low, high=event.high, expected_rate=event.expected_rate,
        chance=each.chance, rejected=each.rejected, rejected_people=each.rejected_people, accepted=each.accepted,
        action=event.action, findings=1 + len(each.children), title=incident_title(each), course=facts.until,
        sure=facts.evidence, people=facts.people, next_step=facts.next_step, needed=facts.needed,
    )  # fmt: skip
