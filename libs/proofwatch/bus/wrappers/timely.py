"""Records whose timestamp cannot be so: of the future, because a producer's clock is wrong or its unit is.

With CreateTime a producer names the time of a record. One record of 2099 would move time progress to 2099 and make its
partition wait for what governs 2099. So a lane takes nothing from such a stamp (`timely`), and a stage that acts by
records' times never sees it (`Timely`): it is rejected.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from proofwatch.bus.lazy_outputs import LazyOutputs, parts_of
from proofwatch.bus.records import Batch, Output, Record, Rejection
from proofwatch.bus.stage import Stage
from proofwatch.bus.wrappers.wrapper import Wrapper

Tx = TypeVar("Tx", contravariant=True)

AHEAD_MS: Final = 600_000
"""How far a record's timestamp may lie ahead of our clock, where the settings say nothing else: ten minutes are a clock
that is wrong, not another unit."""
_NEGLIGIBLE_MS: Final = 5_000
"""What clocks differ by anyhow, and what governs so soon is known (`governance.follower`)."""
_STAMP: Final = itemgetter(Record._fields.index("timestamp_ms"))  # at half the price of the name
_SAID: Final = (
    "the record's timestamp is more than {} ahead of the clock; set the producer's clock right, or send CreateTime in "
    "milliseconds since 1970, or none"
)


class _Dated(list[Record]):
    """Records whose greatest timestamp is known, so that it is not looked for once more."""

    newest_ms = 0


class Stamped(NamedTuple):
    """The records as their lane takes them, and their greatest timestamp; None where none can be believed."""

    records: Sequence[Record]
    newest_ms: int | None


def stamped(records: Sequence[Record], now_ms: int, *, live: bool, ahead_ms: int = AHEAD_MS) -> Stamped:
    """Return records with the times that they may have had.

    A timestamp up to `ahead_ms` ahead of the clock is, in live mode, that of a record that has just come; what lies
    further ahead stays as it is, and counts for nothing.
    """
    newest_ms = max(map(_STAMP, records))
    if newest_ms <= now_ms + (_NEGLIGIBLE_MS if live else ahead_ms):
        dated = _Dated(records)
        dated.newest_ms = newest_ms
        return Stamped(dated, newest_ms)
    latest_ms = now_ms + ahead_ms
    if live:
        records = [
            record._replace(timestamp_ms=now_ms) if now_ms < record.timestamp_ms <= latest_ms else record
            for record in records
        ]
    believed = [record.timestamp_ms for record in records if record.timestamp_ms <= latest_ms]
    return Stamped(records, max(believed, default=None))


class Timely(Wrapper[Tx]):
    """`stage`, which sees no record from further ahead than `ahead_ms`."""

    def __init__(self, stage: Stage[Tx], ahead_ms: int = AHEAD_MS, *, rejects: bool = True) -> None:
        """`rejects`: whether such a record is rejected here; False: another group does so, and it is passed over."""
        super().__init__(stage)
        self._rejects = rejects
        self._ahead_ms = ahead_ms
        self._said = _SAID.format(_in_words(ahead_ms))

    async def step(self, batch: Batch, tx: Tx) -> Iterable[Output]:
        """Return what the stage returns, after the rejections of what is ahead of its time."""
        latest_ms = batch.now_ms + self._ahead_ms
        if not batch.records or _newest_ms(batch.records) <= latest_ms:
            return await self._stage.step(batch, tx)
        rest = [record for record in batch.records if record.timestamp_ms <= latest_ms]
        outputs = await self._stage.step(batch._replace(records=rest), tx)
        if not self._rejects:
            return outputs
        # Stamped with now: a broker would refuse the record's own time.
        rejected = [
            Rejection(record, "time_ahead", self._said, batch.now_ms)
            for record in batch.records
            if record.timestamp_ms > latest_ms
        ]
        return LazyOutputs(chain(rejected, parts_of(outputs)))


def _newest_ms(records: Sequence[Record]) -> int:
    return records.newest_ms if isinstance(records, _Dated) else max(map(_STAMP, records))


def _in_words(length_ms: int) -> str:
    return f"{length_ms // 60_000} minutes" if length_ms % 60_000 == 0 else f"{length_ms // 1000} seconds"
