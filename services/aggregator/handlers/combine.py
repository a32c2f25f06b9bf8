"""combine: folds each batch of verdicts into one tally for every tallies partition."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from proofwatch.bus.newest import newest_header
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, Topic, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import topics
from proofwatch.events.codec import TALLY, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Cell, Tally, Verdict
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import ms_of
from services.aggregator.core.fold import Fold
from services.aggregator.core.times import MINUTE_MS, SECOND_MS

_END_MS: Final = 253_370_764_800_000  # the year 9999: every window that begins before can name its end
_SILENT_MS: Final = 20 * SECOND_MS


class CombineStage:
    """Stateless but for one thing: an idle partition is reported again only when a window may close by it.

    That is when its time has passed a minute's end plus the grace, since nothing shorter closes; and now and then, lest
    it should seem dead.
    """

    def __init__(
        self,
        segments: Iterable[str],
        tallies_partitions: Callable[[], Awaitable[int]],
        wire: Wire = JSON,
        *,
        grace_ms: int = 0,
        verdicts: Callable[[], Awaitable[Topic]] | None = None,
    ) -> None:
        """`segments`: the names of the policy's catalogue; `grace_ms`: how long after its end a window closes.

        `verdicts`: what the topic that is read is now; windows tells by it a topic that was made anew.
        """
        self._verdicts = verdicts
        self._topic_id: str | None = None
        self._grace_ms = grace_ms
        self._segments = frozenset(segments)
        self._count_partitions = tallies_partitions
        self._decode, self._encode = wire.decoder(VERDICT), wire.encoder(TALLY)
        self._partitions = 0
        self._reported_ms: dict[TopicPartition, int | None] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Begin anew: what was reported before may not have been committed."""
        self._partitions = await self._count_partitions()
        self._topic_id = (await self._verdicts()).id if self._verdicts else None
        self._reported_ms.pop(source, None)

    async def step(self, batch: Batch, tx: None) -> Sequence[Output]:
        """Return a tally for every partition of the tallies topic, the empty ones too, and rejections."""
        if not (batch.records or self._matters(batch.progress_ms, self._reported_ms.get(batch.source))):
            return ()
        outputs: list[Output] = []
        fold, seen_ms, newest_ms = Fold(self._segments), 0, 0
        for record in batch.records:
            if record.timestamp_ms > seen_ms:  # how far the batches before it had come, windows knows
                seen_ms = record.timestamp_ms
            try:
                verdict, at_ms = self._verdict(record)
                fold.add(verdict, seen_ms)
                if at_ms > newest_ms:
                    newest_ms = at_ms
            except Rejected as rejected:
                outputs.append(Rejection.of(record, rejected))
        outputs += self._tallies(batch, fold.cells(), newest_ms)
        self._reported_ms[batch.source] = batch.progress_ms
        return outputs

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._reported_ms.pop(source, None)

    def _matters(self, progress_ms: int | None, reported_ms: int | None) -> bool:
        if progress_ms is None or reported_ms is None:
            return progress_ms != reported_ms
        passed = (progress_ms - self._grace_ms) // MINUTE_MS > (reported_ms - self._grace_ms) // MINUTE_MS
        return passed or progress_ms - reported_ms >= _SILENT_MS

    def _tallies(self, batch: Batch, cells: Iterable[Cell], newest_ms: int) -> list[Outgoing]:
        split: list[list[Cell]] = [[] for _ in range(self._partitions)]
        place: dict[str, list[Cell]] = {}
        for cell in cells:
            at = place.get(cell.tenant)
            if at is None:
                at = place[cell.tenant] = split[partition_of(cell.tenant.encode(), self._partitions)]
            at.append(cell)
        headers = newest_header(newest_ms)
        # The key only names the source: partitions are explicit, because every one gets its part of the range.
        key = f"{batch.source.topic}/{batch.source.partition}".encode()
        return [
            Outgoing(
                topics.TALLIES,
                key,
                self._encode(
                    Tally(
                        schema_version=1,
                        source_topic=batch.source.topic,
                        source_partition=batch.source.partition,
                        position_before=batch.position_before,
                        position_after=batch.position_after,
                        progress_at=batch.progress_ms,
                        source_topic_id=self._topic_id,
                        cells=tuple(each),
                    )
                ),
                partition,
                batch.progress_ms,
                headers if each else (),
            )
            for partition, each in enumerate(split)
        ]

    def _verdict(self, record: Record) -> tuple[Verdict, int]:
        verdict = self._decode(record.value)
        at_ms = ms_of(verdict.occurred_at)
        if not 0 <= at_ms < _END_MS:
            raise Rejected("schema_mismatch", "$.occurred_at: lies outside of 1970 to 9998; send the time it was")
        return verdict, at_ms
