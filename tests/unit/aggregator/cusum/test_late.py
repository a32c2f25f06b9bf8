"""What comes when its five minutes have closed: counted by the charts with what closes next, whether all of it is late.

`Bank.step` does with a step what the handler does.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Final

import msgspec
import pytest

from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.cusum.late import LateCounts
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Segment, monitoring, summed, traffic

pytestmark = pytest.mark.usefixtures("lengths_in_force")

WHOLE: Final[Segment] = (None, None)
HANDSET: Final[Segment] = ("device_model", "aurora-7")
REST: Final[Segment] = ("device_model", "other")
BANK: Final = RowKey("bank", None, None)
_FIRST: Final = 288 * 3
_OF: Final = frozenset({METRIC})
_WRONG: Final = {WHOLE: (83, 0.10), HANDSET: (21, 0.01), REST: (62, 0.13)}
_USUAL: Final = summed({HANDSET: (21, 0.01), REST: (62, 0.01)}, (HANDSET, REST))
Windows = Iterable[tuple[int, Mapping[Segment, tuple[int, int]]]]


@pytest.fixture(scope="module")
def grown() -> Bank:
    """Three days of 1,000 an hour at 1 %, a quarter of them from one handset, known to the charts."""
    bank = Bank(monitoring(0.01))
    bank.run(traffic(11, _FIRST, _USUAL))
    return bank


def late(bank: Bank, windows: Windows, part: float) -> list[Anomaly]:
    """Give a bank windows that close with a part of their successes and no failure; the rest comes a minute later.

    So it is where people who fail are seen later than who succeed.
    """
    told: list[Anomaly] = []
    end_ms = 0
    for start_ms, counts in windows:
        end_ms = start_ms + FIVE_MS
        early = {each: (0, int((n - k) * part)) for each, (k, n) in counts.items()}
        told += bank.close(start_ms, {each: at for each, at in early.items() if at[1]})
        told += bank.add(start_ms, {each: (k, n - early[each][1]) for each, (k, n) in counts.items()}, end_ms + 60_000)
    return [*told, *bank.step([], end_ms + FIVE_MS)]


def high(told: Iterable[Anomaly], value: str | None = None) -> list[Anomaly]:
    return [each for each in told if each.severity == "high" and each.segment_value == value]


def in_all(bank: Bank) -> tuple[int, int]:
    state = bank.rows[BANK].rates[METRIC]
    return state.k + state.left_out_k, state.n + state.left_out_n


@pytest.mark.parametrize("part", [0.9, 0.3, 0.0])
def test_failures_that_come_late_alarm_as_those_in_time_do(grown: Bank, part: float) -> None:
    """Of a source that is always late too, whose windows close with the first that is seen of them, or not at all."""
    in_time, behind = deepcopy(grown), deepcopy(grown)
    windows = list(traffic(7, 12, _WRONG, _FIRST))
    told, later = high(in_time.run(iter(windows))), high(late(behind, windows, part))
    assert told[0].state == later[0].state == "firing"
    assert abs((told[0].window_end - later[0].window_end).total_seconds()) <= 600
    assert told[0].since is not None
    assert later[0].since is not None
    assert abs((told[0].since - later[0].since).total_seconds()) <= 600


def test_all_that_came_is_counted_once(grown: Bank) -> None:
    """The hour's counts are those of its transactions, however late they came."""
    in_time, behind = deepcopy(grown), deepcopy(grown)
    windows = list(traffic(8, 11, _USUAL, _FIRST))
    in_time.run(iter(windows))
    late(behind, windows, 0.4)
    assert in_all(behind) == in_all(in_time)


@pytest.mark.parametrize("part", [0.9, 0.5])
def test_a_big_source_whose_failures_are_always_late_says_nothing_while_nothing_is_wrong(part: float) -> None:
    """80 failures of 8,000 in five minutes, all behind their successes: a step of their own would be an alarm."""
    bank = Bank(monitoring(0.01))
    big = {WHOLE: (8_000, 0.01)}
    bank.run(traffic(1, _FIRST, big))
    last = instant_of((_FIRST + 288) * FIVE_MS)  # what is left behind the end is judged by itself (ADR 0035)
    assert [each for each in high(late(bank, traffic(2, 288, big, _FIRST), part)) if each.window_end < last] == []


def test_fourteen_days_of_a_source_that_is_always_late_say_nothing(grown: Bank) -> None:
    """Neither of the whole nor of a value."""
    told = late(deepcopy(grown), traffic(9, 288 * 14, _USUAL, _FIRST), 0.5)
    assert [each for each in told if each.severity == "high"] == []


def test_a_handset_whose_failures_come_late_is_told_by_itself(grown: Bank) -> None:
    """It is held against the rest of its tenant in what came with it."""
    wrong = summed({HANDSET: (21, 0.2), REST: (62, 0.01)}, (HANDSET, REST))
    assert high(late(deepcopy(grown), traffic(12, 24, wrong, _FIRST), 0.2), "aurora-7")


def test_what_nothing_follows_is_judged_when_the_five_minutes_in_which_it_came_are_over(grown: Bank) -> None:
    """An hour of failures that a source had held back, and then silence: told in minutes, not at midnight."""
    bank = deepcopy(grown)
    newest = bank.rows[BANK].last_ms
    now_ms = newest + HOUR_MS
    told: list[Anomaly] = []
    for number in range(12):
        told += bank.add(newest - number * FIVE_MS, {WHOLE: (40, 80), HANDSET: (10, 20)}, now_ms)
    assert told == []
    assert bank.step([], bank.late["bank"].due_ms - 1) == []
    (event,) = high(bank.step([], bank.late["bank"].due_ms))
    assert (event.state, event.direction) == ("firing", "up")
    assert in_all(bank) == (480, 960)  # of the hour that turned with it
    assert bank.step([], now_ms + HOUR_MS) == []


def test_a_window_of_the_past_that_late_data_made_counts_too(grown: Bank) -> None:
    """It closes behind windows that have, and counts with the next."""
    bank = deepcopy(grown)
    newest = bank.rows[BANK].last_ms
    assert bank.close(newest - FIVE_MS, {WHOLE: (80, 80)}) == []
    assert high(bank.close(newest + FIVE_MS, {WHOLE: (1, 80)}))
    assert in_all(bank) == (81, 160)  # of the hour that turned with it


def test_what_is_about_the_time_before_a_persons_word_or_a_marker_is_left_to_the_days(grown: Bank) -> None:
    """The charts compare with what is usual since then."""
    newest = grown.rows[BANK].last_ms
    worded, marked = deepcopy(grown), deepcopy(grown)
    worded.rebases = [Rebase("bank", None, None, None, newest - HOUR_MS, newest - 600_000, "ana", "new limits")]
    marked.governed = [
        GovernedMarker("bank", "policy", "v2", newest - 600_000, _OF, _OF, "ana", "new limits"),
    ]
    for bank in (worded, marked):
        bank.add(newest - HOUR_MS, {WHOLE: (80, 80)}, newest + FIVE_MS)
        assert not bank.late
        bank.add(newest, {WHOLE: (80, 80)}, newest + FIVE_MS)
        assert bank.late["bank"].due_ms


def test_attempts_of_the_other_kind_are_left_to_the_days() -> None:
    """Charts of first attempts count nothing of which it is not known whether it is one."""
    for told, k in ((None, 2), ({WHOLE: (10, 10)}, 82)):
        bank = Bank(monitoring(0.01))
        bank.close(0, {WHOLE: (1, 80)}, again={WHOLE: (0, 5)})
        assert bank.rows[BANK].rates[METRIC].firsts
        bank.add(0, {WHOLE: (80, 80)}, FIVE_MS, again=told)
        bank.close(FIVE_MS, {WHOLE: (1, 80)}, again={WHOLE: (0, 5)})
        assert bank.rows[BANK].rates[METRIC].firsts
        assert in_all(bank)[0] == k


def test_what_waits_is_the_same_from_storage() -> None:
    """Segment values are keys of it, and the whole tenant is one."""
    waits = LateCounts()
    waits.add(WHOLE, {"transactions": 2}, 1)
    waits.add(WHOLE, {"transactions": 1, "match.fail": 1}, FIVE_MS * 3)
    waits.add(HANDSET, {"transactions": 1}, FIVE_MS)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(waits), type=LateCounts)
    assert stored == waits
    assert stored.due_ms == FIVE_MS
    assert stored.taken() == {WHOLE: {"transactions": 3, "match.fail": 1}, HANDSET: {"transactions": 1}}
    assert (stored, stored.due_ms) == (LateCounts(), 0)
