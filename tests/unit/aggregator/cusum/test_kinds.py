"""Charts count first attempts where they are known, and never hold them against all attempts."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Final

import msgspec
import numpy as np
import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Anomaly
from services.aggregator.core.cusum.rows import turning
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, RowKey
from services.aggregator.core.lengths import FIVE_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Segment, monitoring

WHOLE: Final[Segment] = (None, None)
BANK: Final = RowKey("bank", None, None)
PHONE: Final[Segment] = ("os", "ios")
DAY: Final = 288
FIRST: Final = f"{METRIC}:first_attempts"

Window = tuple[int, dict[Segment, tuple[int, int]], dict[Segment, tuple[int, int]]]


def tried(seed: int, windows: int, first: int = 0, *, rate: float = 0.01, again: float = 0.5) -> Iterator[Window]:
    """Yield starts, counts of all attempts and of further ones: half of who failed fails again, and a quarter uses iOS.

    1 % of first attempts fail, and 1.5 % of all: to hold one against the other would be a finding within hours.
    """
    chance = np.random.default_rng(seed)
    for number in range(first, first + windows):
        counts, further = {WHOLE: (0, 0)}, {WHOLE: (0, 0)}
        for segment, size in ((PHONE, 25), (("os", "android"), 75)):
            n = int(chance.poisson(size))
            k = int(chance.binomial(n, rate))
            more = int(chance.binomial(k, again))
            counts[segment], further[segment] = (k + more, n + k), (more, k)
            counts[WHOLE], further[WHOLE] = (
                (each[WHOLE][0] + each[segment][0], each[WHOLE][1] + each[segment][1]) for each in (counts, further)
            )
        yield number * FIVE_MS, counts, further


def told(bank: Bank, windows: Iterable[Window], *, known: bool = True) -> list[Anomaly]:
    """Close windows whose first attempts are known or not."""
    return [
        event
        for start_ms, counts, further in windows
        for event in bank.close(start_ms, counts, again=further if known else None)
    ]


def firsts(bank: Bank) -> set[bool]:
    return {row.rates[METRIC].firsts for row in bank.rows.values()}


def usual_rate(bank: Bank) -> float:
    usual = bank.rows[BANK].rates[METRIC].usual
    return usual.k / usual.n


@pytest.fixture(scope="module")
def before() -> Bank:
    """A bank of a release that did not know first attempts, ten days old."""
    bank = Bank(monitoring())
    assert not [e for e in told(bank, tried(1, 10 * DAY), known=False) if e.severity == "high"]
    return bank


@pytest.fixture(scope="module")
def after(before: Bank) -> Bank:
    """The same bank eight days after the upgrade."""
    bank = deepcopy(before)
    found = told(bank, tried(2, 8 * DAY, 10 * DAY))
    assert not [e for e in found if e.severity == "high"]
    return bank


def test_what_is_new_begins_with_first_attempts() -> None:
    """Their rate and their dispersion, whatever becomes of who tries again; the finding says so."""
    bank = Bank(monitoring())
    told(bank, tried(1, 8 * DAY))
    assert firsts(bank) == {True}
    assert usual_rate(bank) == pytest.approx(0.01, rel=0.05)
    assert bank.rows[BANK].rates[METRIC].phi < 1.25
    events = told(bank, tried(2, 12 * 8, 8 * DAY, rate=0.03))
    event, *later = [e for e in events if (e.severity, e.segment_name) == ("high", None)]
    assert {e.anomaly_id for e in later} == {event.anomaly_id}
    assert event.counted == "first_attempts"
    assert event.affected == pytest.approx(event.k - event.n * event.baseline_rate)
    assert ANOMALY.decode(ANOMALY.encode(event)) == event


def test_after_an_upgrade_charts_go_over_with_seven_days_of_first_attempts(before: Bank, after: Bank) -> None:
    """Not sooner; the tenant and its values together; no finding of the change itself; and what follows is found."""
    bank = deepcopy(before)
    told(bank, tried(2, 6 * DAY, 10 * DAY))
    assert firsts(bank) == {False}
    assert firsts(after) == {True}
    assert usual_rate(after) == pytest.approx(0.01, rel=0.05)
    assert 7 * 24 <= after.rows[BANK].rates[METRIC].usual.hours <= 8 * 24
    assert usual_rate(before) == pytest.approx(0.0149, rel=0.05)
    events = told(deepcopy(after), tried(3, DAY, 18 * DAY, rate=0.03))
    assert {(e.segment_name, e.counted) for e in events if e.severity == "high"} == {(None, "first_attempts")}


def test_what_does_not_tell_first_attempts_is_judged_by_all(after: Bank) -> None:
    """At once, compared with all attempts of before; and back with the next hour that tells them."""
    bank = deepcopy(after)
    found = told(bank, tried(3, 7, 18 * DAY))
    found += told(bank, tried(4, 1, 18 * DAY + 7), known=False)
    assert firsts(bank) == {False}
    assert usual_rate(bank) == pytest.approx(0.0149, rel=0.05)
    found += told(bank, tried(5, 2 * DAY, 18 * DAY + 8), known=False)
    assert not [e for e in found if e.severity == "high"]
    again = deepcopy(bank)
    doubled = told(again, tried(6, DAY, 20 * DAY + 8, rate=0.03), known=False)
    assert {e.counted for e in doubled if e.severity == "high"} == {None}
    back = told(bank, tried(6, 12, 20 * DAY + 8))
    assert firsts(bank) == {True}
    assert not [e for e in back if e.severity == "high"]


def test_what_fires_is_not_held_against_other_counts(before: Bank) -> None:
    """While anything of a rate fires at its tenant, its charts count what they counted when it began."""
    bank = deepcopy(before)
    told(bank, tried(2, 7 * DAY - 12, 10 * DAY))
    told(bank, tried(3, DAY, 17 * DAY - 12, rate=0.04))
    assert any(each.state == "firing" and each.severity == "high" for each in bank.anomalies.values())
    assert firsts(bank) == {False}
    events = told(bank, tried(4, 2 * DAY, 18 * DAY - 12))
    assert {e.state for e in events if e.severity == "high"} == {"resolved"}
    assert firsts(bank) == {True}


def test_rows_whose_kind_may_change_are_asked_for(after: Bank) -> None:
    """So that their hours are there: with a window that does not tell, and of a value that is behind its tenant."""
    start_ms, counts, further = next(tried(3, 1, 18 * DAY + 7))
    after = deepcopy(after)
    told(after, tried(3, 7, 18 * DAY))

    def needed(bank: Bank, again: dict[Segment, tuple[int, int]] | None) -> set[RowKey]:
        return turning(bank.windows(start_ms, counts, again=again), bank.rows)

    assert needed(after, further) == set()
    assert needed(after, None) == set(after.rows)
    behind = deepcopy(after)
    row = behind.rows[RowKey("bank", *PHONE)]
    row.rates[METRIC] = msgspec.structs.replace(row.rates[METRIC], firsts=False)
    assert needed(behind, further) == {RowKey("bank", *PHONE)}
    behind.close(start_ms, counts, again=further)
    assert firsts(behind) == {True}


def test_only_further_attempts_in_a_window_move_no_chart(after: Bank) -> None:
    """A window of a value in which nobody tried for the first time says nothing of first attempts; it counts in all."""
    bank = deepcopy(after)
    told(bank, tried(3, 1, 18 * DAY))
    row = RowKey("bank", *PHONE)
    before = bank.rows[row].rates[METRIC]
    bank.close(18 * DAY * FIVE_MS + FIVE_MS, {WHOLE: (2, 4), PHONE: (2, 3)}, again={WHOLE: (2, 3), PHONE: (2, 3)})
    now = bank.rows[row].rates[METRIC]
    assert (now.up, now.down, now.first_n) == (before.up, before.down, before.first_n)
    assert (now.k, now.n) == (before.k + 2, before.n + 3)


def test_states_of_the_release_before_are_read(after: Bank) -> None:
    """They end before the new fields, and count all attempts."""
    row = msgspec.msgpack.decode(msgspec.msgpack.encode(after.rows[BANK]))
    old = [row[0], row[1], {metric: state[:9] for metric, state in row[2].items()}]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=RateRow).rates[METRIC]
    assert (read.firsts, read.first_n, read.up) == (False, 0, after.rows[BANK].rates[METRIC].up)
    assert len(RateState.__struct_fields__) == 15
    hours = msgspec.msgpack.decode(msgspec.msgpack.encode(after.histories[BANK]), type=HourRow)
    assert {METRIC, FIRST} == set(hours.hours)
