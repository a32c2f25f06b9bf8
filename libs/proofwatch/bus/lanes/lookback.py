"""Looking back from a lane's starting position: what a stage kept in memory is told again from the log itself."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from proofwatch.bus.records import Record
from proofwatch.bus.stage import History

_FIRST_LOOK_MS: Final = 60_000
_LOOK_FURTHER: Final = 16


async def last_timestamp(history: History, now_ms: int, ahead_ms: int) -> int | None:
    """Return the timestamp of the last record before the starting position; None: there is none.

    `now_ms` only says where to begin: a minute before it, then ever further back, so that little is read.
    `ahead_ms` as in `believable`.
    """
    lookback_ms = _FIRST_LOOK_MS
    while True:
        since_ms = max(now_ms - lookback_ms, 0)
        last_ms = None
        async for records in history.since(since_ms):
            believed = believable(records, now_ms, ahead_ms)
            last_ms = believed[-1].timestamp_ms if believed else last_ms
        if last_ms is not None or since_ms == 0:
            return last_ms
        lookback_ms *= _LOOK_FURTHER


def believable(records: Sequence[Record], now_ms: int, ahead_ms: int) -> Sequence[Record]:
    """Return the records without those stamped more than `ahead_ms` ahead of the clock, or not at all.

    They were refused in their turn. Such a stamp says nothing about what is to come, and would keep what is forgotten
    by time for ever.
    """
    latest_ms = now_ms + ahead_ms
    if all(0 < record.timestamp_ms <= latest_ms for record in records):
        return records
    return [record for record in records if 0 < record.timestamp_ms <= latest_ms]


async def last_horizon(
    history: History, horizon_ms: int, now_ms: int, ahead_ms: int
) -> AsyncIterator[Sequence[Record]]:
    """Yield the records of the last `horizon_ms` of log time before the starting position, in order.

    The records to come are not older than the last one before them, so one horizon before that one is enough,
    however far the lane lags behind the clock. `now_ms` and `ahead_ms` as in
    `last_timestamp`.
    """
    last_ms = await last_timestamp(history, now_ms, ahead_ms) if horizon_ms else None
    if last_ms is not None:
        async for records in history.since(max(last_ms - horizon_ms, 0)):
            if believed := believable(records, now_ms, ahead_ms):
                yield believed
