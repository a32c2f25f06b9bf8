"""Looking back reads one horizon before the last record, however far that lies behind the clock."""

from collections.abc import AsyncIterator, Sequence

import pytest

from proofwatch.bus.lanes.lookback import last_horizon, last_timestamp
from proofwatch.bus.records import Record
from proofwatch.bus.wrappers.timely import AHEAD_MS

NOW_MS = 10**9


class Log:
    """What lies before a lane; counts what is read."""

    def __init__(self, *stamps: int) -> None:
        self._records = [Record(offset, stamp, b"k", b"v") for offset, stamp in enumerate(stamps)]
        self.read = 0

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        first = next((n for n, each in enumerate(self._records) if each.timestamp_ms >= timestamp_ms), None)
        for at in range(first or 0, len(self._records) if first is not None else 0, 2):
            self.read += 1
            yield self._records[at : at + 2]


@pytest.mark.parametrize("last_ms", [NOW_MS, NOW_MS - 59_000, NOW_MS - 10**7, 5])
async def test_the_last_timestamp_is_found_however_old_it_is(last_ms: int) -> None:
    """A lane may lag by minutes or by weeks, and clocks differ."""
    assert await last_timestamp(Log(1, 2, last_ms), NOW_MS, AHEAD_MS) == last_ms
    assert await last_timestamp(Log(1, 2, last_ms), max(last_ms - 500_000, 0), AHEAD_MS) == last_ms


async def test_nothing_before_the_position_is_none() -> None:
    """A new partition has nothing to recall."""
    assert await last_timestamp(Log(), NOW_MS, AHEAD_MS) is None
    assert [each async for each in last_horizon(Log(), 100, NOW_MS, AHEAD_MS)] == []


async def test_little_is_read_of_a_long_log() -> None:
    """Not the whole log, when its end is near."""
    log = Log(*range(NOW_MS - 600_000, NOW_MS, 1_000))
    assert await last_timestamp(log, NOW_MS, AHEAD_MS) == NOW_MS - 1_000
    assert log.read == 30


async def test_one_horizon_before_the_last_record_is_read() -> None:
    """By the log's own time, from the first record that is not older."""
    log = Log(0, 10, 20, 30, 40)
    found = [record.timestamp_ms async for records in last_horizon(log, 15, NOW_MS, AHEAD_MS) for record in records]
    assert found == [30, 40]
    assert [each async for each in last_horizon(log, 0, NOW_MS, AHEAD_MS)] == []


@pytest.mark.parametrize("wrong_ms", [NOW_MS + 10**12, 0, -1])
async def test_what_was_refused_for_its_time_is_not_told_again(wrong_ms: int) -> None:
    """A stamp of 2099 at the head of what is read would keep all that came after it from ever being forgotten."""
    log = Log(wrong_ms, 10, 20, wrong_ms, wrong_ms)
    found = [record.timestamp_ms async for records in last_horizon(log, 15, NOW_MS, AHEAD_MS) for record in records]
    assert found == [10, 20]
