"""The stage of the notifier: decode, route, and put before the groups that it concerns."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec, topics
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import ms_of
from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.plans import DIGESTED, Plans
from services.notifier.core.routing import Target, target, targets
from services.notifier.ports import Arrivals

Tx = TypeVar("Tx")

_MAX_ID: Final = 128  # the schema's limit of source_id
_MAX_REVISION: Final = 2**63 - 1


class NotifierStage(Generic[Tx]):
    """Puts incidents, cases and platform alerts before the groups whose channels may be told of them."""

    def __init__(
        self, arrivals: Arrivals[Tx], plans: Plans, came: Callable[[Fact], int], past_ms: int, wire: Wire = JSON
    ) -> None:
        """`came`: when a fact came; one that was true more than `past_ms` before goes into a digest."""
        self._arrivals = arrivals
        self._plans = plans
        self._came = came
        self._past_ms = past_ms
        self._incident, self._escalation = wire.decoder(codec.INCIDENT), wire.decoder(codec.ESCALATION)
        self._platform_alert = wire.decoder(codec.PLATFORM_ALERT)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Keep what is new of the batch; return rejections. What people are told of it, the dispatcher decides."""
        rejections: list[Rejection] = []
        facts: list[Fact] = []
        for record in batch.records:
            try:
                fact = _fact(self._decode, batch.source.topic, record)
            except Rejected as rejected:
                rejections.append(Rejection.of(record, rejected))
                continue
            facts += [fact] if fact else []
        if facts:
            await self._keep(facts, batch.source, tx)
        return rejections

    async def _keep(self, facts: Sequence[Fact], source: TopicPartition, tx: Tx) -> None:
        newest = dict(await self._arrivals.known([*{fact.alert_id for fact in facts}], tx))
        new: list[tuple[Fact, int]] = []
        for fact in facts:
            if fact.source_revision > newest.get(fact.alert_id, 0):
                newest[fact.alert_id] = fact.source_revision
                new.append((fact, self._came(fact)))
        if not new:
            return
        await self._arrivals.keep([*{fact.alert_id: (fact, came_ms) for fact, came_ms in new}.values()], tx)
        told: dict[str, set[str]] = {}
        for alert_id, group_id in await self._arrivals.told([*newest], tx):
            told.setdefault(alert_id, set()).add(group_id)
        begun: dict[str, Target] = {}
        going: list[tuple[str, Fact, int]] = []
        for fact, came_ms in new:
            found = {each.group_id: each for each in self._targets(fact, came_ms)}
            begun.update(found)
            going += [(each, fact, came_ms) for each in sorted(found.keys() | told.get(fact.alert_id, set()))]
        await self._arrivals.add(going, [*begun.values()], source, tx)

    def _targets(self, fact: Fact, came_ms: int) -> Iterator[Target]:
        is_past = came_ms - ms_of(fact.at) > self._past_ms
        for each in targets(fact, self._plans.by_path, self._plans.root):
            yield target(fact, DIGESTED, each.channel) if is_past and not fact.is_over else each

    def _decode(self, topic: str, value: bytes | None) -> Fact | None:
        match topic:
            case topics.INCIDENTS:
                return of_incident(self._incident(value))
            case topics.ESCALATIONS:
                return of_escalation(self._escalation(value))
            case _:
                return of_platform_alert(self._platform_alert(value))


def _fact(decode: Callable[[str, bytes | None], Fact | None], topic: str, record: Record) -> Fact | None:
    try:
        fact = decode(topic, record.value)
    except OverflowError:
        raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
    if fact and (not 0 < len(fact.source_id) <= _MAX_ID or "\0" in fact.source_id):
        raise Rejected("schema_mismatch", f"the event's id must be text of 1 to {_MAX_ID} characters without U+0000")
    if fact and fact.source_revision > _MAX_REVISION:
        raise Rejected("schema_mismatch", f"$.revision: must be a whole number from 1 to {_MAX_REVISION}")
    return fact
