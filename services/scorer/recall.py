"""Bring back what a partition's duplicates are told by, from the log itself."""

from proofwatch.bus.port import History
from proofwatch.events.rejected import Rejected
from services.scorer.admission import admit
from services.scorer.core.duplicates import Recent
from services.scorer.core.rulebook import Rulebook

_FIRST_LOOK_MS = 60_000
_LOOK_FURTHER = 16


async def recall(history: History, rulebook: Rulebook, now_ms: int) -> Recent:
    """Return the transactions of the last horizon before the starting position.

    The records to come are not older than the last one before them, so one horizon before that one is enough,
    however far the lane lags behind the clock.
    """
    recent = Recent(rulebook.horizon_ms)
    last_ms = await _last_timestamp(history, now_ms)
    if last_ms is None:
        return recent
    async for records in history.since(max(last_ms - rulebook.horizon_ms, 0)):
        recent.expire(records[0].timestamp_ms)
        for record in records:
            try:
                event, _, value = admit(record, rulebook.ahead_ms)
            except Rejected:
                continue  # it was dead-lettered in its turn
            recent.see(record.offset, record.timestamp_ms, event.tenant, event.transaction_id, value)
    return recent


async def _last_timestamp(history: History, now_ms: int) -> int | None:
    """Return the timestamp of the last record; look back a minute, then ever further, so that little is read."""
    lookback_ms = _FIRST_LOOK_MS
    while True:
        since_ms = max(now_ms - lookback_ms, 0)
        last_ms = None
        async for records in history.since(since_ms):
            last_ms = records[-1].timestamp_ms
        if last_ms is not None or since_ms == 0:
            return last_ms
        lookback_ms *= _LOOK_FURTHER
