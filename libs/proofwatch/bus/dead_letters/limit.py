"""A stage that halts its service instead of draining a broken topic into the dead letters.

Held to the cap is each tenant, or the partition as a whole (`Cap.by_tenant`). A tenant beyond it halts nobody: a
platform alert tells when that begins and ends (`dead_letters.alerts`), the log every minute, and `OVER` counts it.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

import structlog

from proofwatch.bus.dead_letters import alerts, tenants
from proofwatch.bus.dead_letters.cap import WINDOW, Breach, Cap, Tally, rebuild_tally
from proofwatch.bus.dead_letters.letter import MESSAGE_CHARACTERS, read_headers
from proofwatch.bus.dead_letters.tenants import Account
from proofwatch.bus.errors import Halted, UnknownTopic
from proofwatch.bus.lazy_outputs import passed
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Batch, Outgoing, Output, Part, Rejection, TopicPartition
from proofwatch.bus.stage import History, Stage
from proofwatch.bus.wrappers.wrapper import Wrapper
from proofwatch.events.topics import dead_letter_topic, load_manifests

Tx = TypeVar("Tx", contravariant=True)

_log = structlog.get_logger(__name__)
_OFFSET: Final = attrgetter("offset")
_AGAIN_MS: Final = 60_000
"""How often it is said that a tenant is still beyond its cap."""
_TAIL: Final = 4
"""Offsets read for each dead letter that the caps can ask for: a marker beside each, and two stages on the topic."""
_OFF: Final = {
    "rate": "PROOFWATCH_DEAD_LETTER_RATE_CAP=0",
    # so many in a row are too large a share as well
    "run": "PROOFWATCH_DEAD_LETTER_RUN_CAP=0 PROOFWATCH_DEAD_LETTER_RATE_CAP=0",
}


OVER: Final[dict[tuple[str, str, int], int]] = {}
"""How many tenants are beyond the cap in this process, by group, topic and partition; for metrics."""


class _At(NamedTuple):
    position: int
    tally: Tally | Account
    alerts: alerts.FiringAlerts


class DeadLetterLimit(Wrapper[Tx]):
    """`stage`, with its rejections counted. Raises `Halted` before the batch is committed.

    What a batch adds counts once the next batch begins where it ended, for then it was committed. A batch that comes
    again is judged anew, from where it begins.
    """

    def __init__(self, stage: Stage[Tx], cap: Cap, group: str, bus: Bus) -> None:
        """`group`: that of the fence, which its dead letters name. `bus`: what was dead-lettered before a restart."""
        super().__init__(stage)
        self._cap = cap
        self._group = group
        self._bus = bus
        self._known: dict[TopicPartition, tuple[_At, _At]] = {}  # where the last batch began, and where it ended
        self._told: dict[tuple[TopicPartition, str], int] = {}  # when a tenant beyond the cap was last spoken of

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Go on from what is known at `position`, or recall it from the dead letters; open the stage."""
        at = self._find(source, position) or await self._recall(source, position)
        self._known[source] = (at, at)
        await super().opened(source, position, history)

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._known.pop(source, None)
        OVER.pop((self._group, *source), None)
        self._told = {at: when for at, when in self._told.items() if at[0] != source}
        await super().closed(source)

    async def step(self, batch: Batch, tx: Tx) -> Iterable[Output]:
        """Return what the stage returns. Raises `Halted` when its rejections exceed the cap, at the latest when the
        last output has been taken.
        """
        outputs = await self._stage.step(batch, tx)
        if not batch.records:
            return outputs
        return passed(outputs, partial(self._counted, batch))

    def _counted(self, batch: Batch, parts: Iterable[Part]) -> Iterator[Part]:
        rejected: dict[int, Rejection] = {}
        for part in parts:
            if isinstance(part, Rejection):
                rejected[bisect_left(batch.records, part.record.offset, key=_OFFSET)] = part
            yield part
        if told := self._count(batch, rejected):
            yield told

    def _count(self, batch: Batch, rejected: dict[int, Rejection]) -> list[Outgoing]:
        source = batch.source
        begin = self._find(source, batch.position_before) or _At(batch.position_before, self._nothing(), {})
        after = self._added(begin.tally, len(batch.records), sorted(rejected.items()))
        if isinstance(after, Breach):
            known = [each for index, each in sorted(rejected.items()) if begin.tally.seen + index <= after.ordinal]
            raise Halted(_message(source, after, known[-1] if known else None))
        firing, told = begin.alerts, list[Outgoing]()
        if isinstance(after, Account) and (after.dead or begin.alerts or self._told):
            over, at_ms = tenants.over(after, self._cap), max(0, batch.records[-1].timestamp_ms)
            place = alerts.Place(self._group, source)
            firing, told = alerts.changed(place, begin.alerts, over, batch.position_after, at_ms)
            self._tell(source, over, batch.now_ms)
        self._known[source] = (begin, _At(batch.position_after, after, firing))
        return told

    def _nothing(self) -> Tally | Account:
        return Account() if self._cap.by_tenant else Tally()

    def _added(
        self, before: Tally | Account, records: int, rejected: Sequence[tuple[int, Rejection]]
    ) -> Tally | Account | Breach:
        if isinstance(before, Tally):
            return self._cap.add(before, records, [(index, each.reason) for index, each in rejected])
        whose = [(index, each.reason, tenants.tenant_of(each.record.key)) for index, each in rejected]
        after = tenants.add(before, records, whose)
        return (tenants.halts(after, self._cap) if whose else None) or after

    def _tell(self, source: TopicPartition, over: dict[str, int], now_ms: int) -> None:
        """Say who is beyond the cap, and who no longer is."""
        place = (self._group, *source)
        if over:
            OVER[place] = len(over)
        else:
            OVER.pop(place, None)
        say = _log.bind(stage=self._group, topic=source.topic, partition=source.partition)
        for tenant, count in sorted(over.items()):
            last = self._told.get((source, tenant))
            if last is None or now_ms - last >= _AGAIN_MS:
                self._told[source, tenant] = now_ms
                do = f"what is good of it is decided; look with `proofwatch dlq list --topic {source.topic}`"
                say.warning("tenant_beyond_dead_letter_cap", tenant=tenant, dead_letters=count, do=do)
        for at in [at for at in self._told if at[0] == source and at[1] not in over]:
            del self._told[at]
            say.info("tenant_within_dead_letter_cap", tenant=at[1])

    def _find(self, source: TopicPartition, position: int) -> _At | None:
        known = reversed(self._known.get(source, ()))
        return next((at for at in known if at.position == position), None)

    async def _end(self, source: TopicPartition) -> int:
        """Return where the dead letters of a partition end; 0: nothing was ever refused here, nor can be."""
        if source.topic in _without_letters():  # a broker that authorizes denies a topic that is not there
            return 0
        try:
            return (await self._bus.ends(dead_letter_topic(source.topic))).get(source.partition, 0)
        except UnknownTopic:
            return 0

    async def _recall(self, source: TopicPartition, position: int) -> _At:
        there = TopicPartition(dead_letter_topic(source.topic), source.partition)
        most = max(self._cap.run, math.ceil(self._cap.rate * WINDOW))
        end = await self._end(source)
        refused: list[tuple[int, str, str]] = []
        if end and position:
            async for record in self._bus.read(there, max(0, end - _TAIL * most)):
                said = read_headers(record.headers)
                if said and said.stage == self._group and said.topic == source.topic:
                    refused.append((said.offset, said.reason, tenants.tenant_of(record.key)))
        tally: Tally | Account
        if self._cap.by_tenant:
            tally = tenants.rebuild_account(position, refused)
        else:
            tally = rebuild_tally(position, [(offset, reason) for offset, reason, _ in refused], self._cap)
        if tally.dead:
            _log.info("dead_letters_recalled", topic=source.topic, partition=source.partition, recent=len(tally.dead))
        over = tenants.over(tally, self._cap) if isinstance(tally, Account) else {}
        return _At(position, tally, await alerts.read_firing(self._bus, alerts.Place(self._group, source), over))


@cache
def _without_letters() -> frozenset[str]:
    """Return the topics that are declared to have none for dead letters."""
    return frozenset(name for name, manifest in load_manifests().items() if manifest.dead_letter is None)


def _message(source: TopicPartition, breach: Breach, last: Rejection | None) -> str:
    """Return one line that says what happened, how to look, and how to go on."""
    counted = (
        f"{breach.dead:,} records in a row"
        if breach.kind == "run"
        else f"{breach.dead:,} of the last {breach.of:,} records ({100 * breach.dead / breach.of:.1f} %)"
    )
    example = f", such as offset {last.record.offset}: {last.message[:MESSAGE_CHARACTERS]}" if last else ""
    shown = f"{source.topic}/{source.partition}"
    look = f" and `proofwatch dlq show {shown}/{last.record.offset}`" if last else ""
    return (
        f"{shown}: {counted} cannot be processed, mostly {breach.reason}{example}. "
        f"Nothing of this batch was committed. "
        f"Look with `proofwatch dlq list --topic {source.topic}`{look}. "
        f"Go on by mending the producer or deploying what reads its records; or accept the dead letters by starting "
        f"with {_OFF[breach.kind]} until they are past."
    )
