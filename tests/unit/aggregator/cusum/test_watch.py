"""Charts of rates: what they find, when, and how it ends."""

from collections.abc import Iterator
from copy import deepcopy
from statistics import median
from typing import Any, Final

import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from services.aggregator.core.cusum.rebase import Rebase, due
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import DAY_MS, HOUR_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Rates, Segment, monitoring, summed, traffic

WHOLE: Final[Segment] = (None, None)
BANK: Final = RowKey("bank", None, None)
PER_WINDOW: Final = 1000 // 12
DAY: Final = 288
USUAL: Final[Rates] = {WHOLE: (PER_WINDOW, 0.01)}


@pytest.fixture(scope="module")
def grown() -> Bank:
    """A bank of 1,000 an hour at 1 %, 28 days old."""
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 28 * DAY + 12, USUAL))
    return bank


def of(bank: Bank, windows: Iterator[Any], **found: str) -> list[Anomaly]:
    return [e for e in deepcopy(bank).run(windows) if all(getattr(e, name) == value for name, value in found.items())]


def after(seed: int, hours: int, rates: Rates, grown: Bank) -> Iterator[Any]:
    return traffic(seed, 12 * hours, rates, grown.rows[BANK].last_ms // FIVE_MS + 1)


def test_a_doubled_rate_is_seen_as_soon_as_the_specification_says(grown: Bank) -> None:
    """1 % doubled at 1,000 an hour: low evidence in 0.9 h, high in 3.4 h (medians), 93 % within six hours."""
    begin_ms = grown.rows[BANK].last_ms + FIVE_MS
    waits: dict[str, list[float]] = {"low_evidence": [], "high": []}
    for seed in range(100):
        events = of(grown, after(seed, 12, {WHOLE: (PER_WINDOW, 0.02)}, grown), direction="up", state="firing")
        for severity, found in waits.items():
            hours = [(ms_of(e.window_end) - begin_ms) / HOUR_MS for e in events if e.severity in (severity, "high")]
            found.append(hours[0] if hours else 99.0)
    assert 0.6 < median(waits["low_evidence"]) < 1.3
    assert 2.8 < median(waits["high"]) < 4.1
    assert sum(wait <= 6 for wait in waits["high"]) >= 85


def test_a_finding_says_since_when_and_by_how_much(grown: Bank) -> None:
    """The change point, the counts since then, what was usual, the excess; and the schema takes it."""
    begin_ms = grown.rows[BANK].last_ms + FIVE_MS
    found = of(grown, after(3, 12, {WHOLE: (PER_WINDOW, 0.03)}, grown), severity="high", state="firing")
    event, *more = found  # how many it concerns by now is told beside: `test_growth`
    assert {each.anomaly_id for each in more} == {event.anomaly_id}
    assert (event.rule, event.direction, event.cadence) == ("cusum", "up", "real_time")
    assert event.action == "flag_cohort_for_manual_review"
    assert event.since is not None
    assert abs(ms_of(event.since) - begin_ms) <= HOUR_MS
    assert abs(ms_of(event.window_start) - begin_ms) <= HOUR_MS
    assert 0.02 < event.rate < 0.045
    assert 0.009 < event.baseline_rate < 0.011
    assert event.affected == pytest.approx(event.k - event.n * event.baseline_rate)
    assert event.statistic == event.threshold
    assert event.threshold is not None
    assert 15 <= event.threshold < 18
    assert event.known_at is not None
    assert ms_of(event.known_at) == ms_of(event.window_end) + 30_000
    assert ANOMALY.decode(ANOMALY.encode(event)) == event


def test_a_rate_that_halves_is_found_downwards(grown: Bank) -> None:
    """Failures that stay away are wrongly accepted people."""
    event, *_ = of(grown, after(3, 12, {WHOLE: (PER_WINDOW, 0.001)}, grown), severity="high", state="firing")
    assert (event.direction, event.action) == ("down", "incident_review")
    assert event.affected == pytest.approx(event.n * event.baseline_rate - event.k)


def test_it_ends_by_the_reverse_evidence(grown: Bank) -> None:
    """Not by one quiet window: the chart has come back from its limit to zero, and stays there."""
    bank = deepcopy(grown)
    bank.run(after(3, 8, {WHOLE: (PER_WINDOW, 0.04)}, bank))
    assert [each.state for each in bank.anomalies.values() if each.severity == "high"] == ["firing"]
    end_ms = bank.rows[BANK].last_ms + FIVE_MS
    events = [e for e in bank.run(after(4, 24, USUAL, bank)) if e.severity == "high" and e.direction == "up"]
    (event,) = [e for e in events if e.state == "resolved"]
    assert len(events) <= 2  # an excess that was just below a power of two may pass it by chance
    assert event is events[-1]
    assert event.resolution is None
    assert 2 * HOUR_MS < ms_of(event.window_end) - end_ms < 12 * HOUR_MS
    assert event.n > 0


def test_what_alarms_stays_out_of_the_baseline_and_never_for_ever(grown: Bank) -> None:
    """Seven days long a doubled rate teaches the baseline nothing; after that it moves on."""
    bank = deepcopy(grown)
    before = bank.rows[BANK].rates[METRIC].usual
    bank.run(after(3, 6 * 24, {WHOLE: (PER_WINDOW, 0.03)}, bank))
    after_six_days = bank.rows[BANK].rates[METRIC].usual
    assert after_six_days.k / after_six_days.n == pytest.approx(before.k / before.n, rel=0.05)
    bank.run(after(4, 6 * 24, {WHOLE: (PER_WINDOW, 0.03)}, bank))
    later = bank.rows[BANK].rates[METRIC].usual
    assert later.k / later.n > 1.3 * before.k / before.n


def test_a_slow_drift_is_found_against_the_frozen_reference(grown: Bank) -> None:
    """+3 % a day poisons the moving baseline; the reference of the first 28 days does not move."""
    bank = deepcopy(grown)
    reference = bank.histories[BANK].references[METRIC]
    first = bank.rows[BANK].last_ms // FIVE_MS + 1
    events = bank.run(
        traffic(5, 40 * DAY, lambda number: {WHOLE: (PER_WINDOW, 0.01 * 1.03 ** ((number - first) / DAY))}, first)
    )
    assert any(event.severity == "high" and event.direction == "up" for event in events)
    assert bank.histories[BANK].references[METRIC] == reference
    charts = bank.rows[BANK].rates[METRIC].up
    assert charts.reference.statistic >= charts.baseline.statistic


def test_small_cells_add_up() -> None:
    """Two transactions of a handset in five minutes are published nowhere, and yet its failures are found."""
    bank, value = Bank(monitoring(0.02)), ("device_model", "A15")
    usual = summed({("os", "rest"): (80, 0.02), value: (2, 0.02)}, [("os", "rest"), value])
    whole, part = {WHOLE: usual[WHOLE]}, {value: usual[value]}
    found = []
    for (start_ms, counts), (_, small) in zip(
        traffic(1, 10 * DAY, whole), traffic(2, 10 * DAY, {value: (2, 0.02)}), strict=True
    ):
        found += bank.close(start_ms, {**counts, **small}, small=True)
    assert not [e for e in found if e.severity == "high"]
    first = 10 * DAY
    for (start_ms, counts), (_, small) in zip(
        traffic(3, DAY, whole, first), traffic(4, DAY, {value: (2, 0.30)}, first), strict=True
    ):
        found += bank.close(start_ms, {**counts, **small}, small=True)
    assert ("device_model", "high", "firing") in {(e.segment_name, e.severity, e.state) for e in found}
    assert part


def test_a_change_of_the_whole_tenant_is_found_once() -> None:
    """Twenty values that show what the rest shows too are not twenty findings; one that differs is."""
    values: list[Segment] = [("country", f"c{number:02}") for number in range(10)]
    bank = Bank(monitoring(0.01, dispersion_unknown=1.0))

    def rates(rate: float, own: float) -> Rates:
        return {each: (40, own if each == values[0] else rate) for each in values}

    def tenant(seed: int, windows: int, told: Rates, first: int) -> Iterator[Any]:
        for start_ms, counts in traffic(seed, windows, told, first):
            k, n = (sum(each[place] for each in counts.values()) for place in (0, 1))
            yield start_ms, {WHOLE: (k, n), **counts}

    bank.run(tenant(1, 8 * DAY, rates(0.01, 0.01), 0))
    doubled = deepcopy(bank).run(tenant(2, 12 * 24, rates(0.02, 0.02), 8 * DAY))
    assert {e.segment_value for e in doubled if e.severity == "high"} == {None}
    one = bank.run(tenant(2, 12 * 24, rates(0.01, 0.06), 8 * DAY))
    assert {e.segment_value for e in one if e.severity == "high"} == {None, "c00"}


def test_low_evidence_is_for_whole_tenants_only(grown: Bank) -> None:
    """A tenth as many findings of segment values, by the same charts."""
    low = of(grown, after(3, 12, {WHOLE: (PER_WINDOW, 0.02)}, grown), severity="low_evidence")
    assert low
    bank, value = Bank(), ("os", "ios")
    events = bank.run(traffic(1, 20 * DAY, {WHOLE: (PER_WINDOW, 0.01), value: (PER_WINDOW // 4, 0.01)}))
    assert {e.segment_name for e in events if e.severity == "low_evidence"} <= {None}


def test_a_value_that_is_gone_ends_for_want_of_traffic(grown: Bank) -> None:
    """After as long as its own traffic makes a surprise; in the words that all findings have."""
    bank, value = deepcopy(grown), ("sdk_version", "5.0.0")
    wrong = bank.run(after(3, 3, {**USUAL, value: (20, 0.5)}, bank))
    assert {(e.segment_value, e.severity, e.state) for e in wrong if e.segment_value} == {("5.0.0", "high", "firing")}
    (ended,) = [e for e in bank.run(after(4, 2, USUAL, bank)) if e.segment_value]
    assert (ended.state, ended.resolution, ended.direction, ended.k, ended.n) == ("resolved", "no_traffic", "up", 0, 0)


def test_until_it_is_known_the_policys_rate_stands_in_upwards_only() -> None:
    """A new tenant that is better than the policy expects has not collapsed; one that is worse is told."""
    better, worse = Bank(monitoring(0.05)), Bank(monitoring(0.01))
    assert not [e for e in better.run(traffic(1, 72, {WHOLE: (8, 0.001)})) if e.direction == "down"]
    assert [e for e in worse.run(traffic(1, 12, {WHOLE: (PER_WINDOW, 0.08)})) if e.severity == "high"]


def test_a_state_is_the_same_from_storage(grown: Bank) -> None:
    """What is stored says all: a bank that is read anew goes on as if nothing had been."""
    import msgspec

    from services.aggregator.core.cusum.state import HourRow, RateRow

    again = deepcopy(grown)
    again.rows = {k: msgspec.msgpack.decode(msgspec.msgpack.encode(v), type=RateRow) for k, v in again.rows.items()}
    again.histories = {
        k: msgspec.msgpack.decode(msgspec.msgpack.encode(v), type=HourRow) for k, v in again.histories.items()
    }
    told = [of(each, after(9, 30, {WHOLE: (PER_WINDOW, 0.02)}, grown)) for each in (grown, again)]
    assert told[0] == told[1]
    assert told[0]


def test_the_reference_waits_for_days_that_are_valid() -> None:
    """28 days, none of them firing at their end, and enough failures."""
    bank = Bank()
    bank.run(traffic(1, 28 * DAY, USUAL))
    assert METRIC not in bank.histories[BANK].references
    bank.run(traffic(2, 13, USUAL, 28 * DAY))
    assert bank.histories[BANK].references[METRIC].from_hour == 0
    rare = Bank()
    rare.run(traffic(1, 29 * DAY, {WHOLE: (1, 0.01)}))
    assert METRIC not in rare.histories[BANK].references
    assert DAY_MS


def test_a_persons_word_moves_baseline_reference_and_charts(grown: Bank) -> None:
    """From the moment that it names on what alarmed is what is usual; the finding ends, and nothing fires again."""
    bank = deepcopy(grown)
    begin_ms = bank.rows[BANK].last_ms + FIVE_MS
    bank.run(after(3, 24, {WHOLE: (PER_WINDOW, 0.03)}, bank))
    effective_ms = bank.rows[BANK].last_ms + 3 * FIVE_MS
    bank.rebases = [Rebase("bank", None, None, None, begin_ms, effective_ms, "A. Rao", "asks twice since 5.2")]
    events = bank.run(after(4, 24, {WHOLE: (PER_WINDOW, 0.03)}, bank))
    assert [(e.state, e.severity, e.resolution) for e in events] == [("resolved", "high", None)]
    assert bank.rows[BANK].rates[METRIC].usual.p0 == pytest.approx(0.03, rel=0.2)
    assert bank.histories[BANK].references[METRIC].by == "A. Rao"
    back = bank.run(after(5, 24, USUAL, bank))
    assert ("down", "high", "firing") in {(e.direction, e.severity, e.state) for e in back}


def test_a_word_touches_what_it_names_and_takes_effect_once() -> None:
    """Not other values, rates or tenants; not windows before its moment; and not a second time."""
    value, other = RowKey("bank", "os", "ios"), RowKey("bank", "os", "android")
    word = Rebase("bank", "os", "ios", METRIC, 0, 10 * FIVE_MS, "A. Rao", "why")
    assert word.touches(value)
    assert not any(word.touches(each) for each in (other, BANK, RowKey("other", "os", "ios")))
    assert Rebase("bank", None, None, None, 0, 0, "A. Rao", "why").touches(other)
    assert list(due([word], value, 8 * FIVE_MS, 9 * FIVE_MS)) == []
    assert list(due([word], value, 9 * FIVE_MS, 10 * FIVE_MS)) == [word]
    assert list(due([word], value, 9 * FIVE_MS, 400 * FIVE_MS)) == [word]  # it had no windows for a while
    assert list(due([word], value, 10 * FIVE_MS, 11 * FIVE_MS)) == []
    assert list(due([word], value, -1, 11 * FIVE_MS)) == []


def test_a_rate_that_the_policy_expects_no_more_stops_nothing(grown: Bank) -> None:
    """A policy may drop a rate that has charts; they stay as they are."""
    bank = deepcopy(grown)
    bank.monitoring = bank.monitoring.model_copy(update={"expected": {"fta_rate": 0.01}})
    before = deepcopy(bank.rows[BANK].rates[METRIC])
    assert bank.run(after(3, 2, {WHOLE: (PER_WINDOW, 0.5)}, bank)) == []
    assert bank.rows[BANK].rates[METRIC] == before


def test_what_alarmed_stays_out_when_it_is_over(grown: Bank) -> None:
    """A day of four times the failures is no part of what is usual once it has been found."""
    bank = deepcopy(grown)
    before = bank.rows[BANK].rates[METRIC].usual
    bank.run(after(3, 24, {WHOLE: (PER_WINDOW, 0.04)}, bank))
    bank.run(after(4, 48, USUAL, bank))
    assert not bank.rows[BANK].rates[METRIC].up.alarmed_ms
    later = bank.rows[BANK].rates[METRIC].usual
    assert later.k / later.n == pytest.approx(before.k / before.n, rel=0.04)
