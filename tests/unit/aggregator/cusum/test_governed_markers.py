"""A governed marker has what it touches begin anew, once; what was usual before stays to be seen."""

from copy import deepcopy
from typing import Any

import pytest

from proofwatch.detection.finding_words import finding_sentence, finding_title
from proofwatch.governance.policy import load_policy
from services.aggregator.core.cusum.hours import begun_anew
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.governed_markers import Declared, GovernedMarker, InForce, due, of_policies
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS
from services.aggregator.core.touches import TOUCHES, by_policy
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, monitoring, traffic

WHOLE = (None, None)
BANK = RowKey("bank", None, None)
PER_WINDOW = 1000 // 12
DAY = 288


@pytest.fixture(scope="module")
def grown() -> Bank:
    """A bank of 1,000 an hour at 1 %, 28 days old."""
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 28 * DAY + 12, {WHOLE: (PER_WINDOW, 0.01)}))
    assert METRIC in bank.histories[BANK].references
    return bank


def after(seed: int, hours: int, rate: float, bank: Bank) -> Any:
    return traffic(seed, 12 * hours, {WHOLE: (PER_WINDOW, rate)}, bank.rows[BANK].last_ms // FIVE_MS + 1)


def matcher(bank: Bank) -> GovernedMarker:
    at_ms = bank.rows[BANK].last_ms + FIVE_MS
    return Declared("bank", "matcher_version", "8.0", at_ms, at_ms, "A. Rao", "change 1187").marker()


def test_what_a_marker_touches_is_compared_with_nothing_before_it(grown: Bank) -> None:
    """A threefold rate since the marker is told by the comparison alone; a further one is found by the chart."""
    bank = deepcopy(grown)
    bank.governed = [matcher(bank)]
    assert bank.run(after(3, 48, 0.03, bank)) == []
    state, history = bank.rows[BANK].rates[METRIC], bank.histories[BANK]
    assert state.usual.p0 == pytest.approx(0.03, rel=0.15)
    assert not state.learning
    assert METRIC not in history.references
    before = history.before[METRIC]
    assert sum(before.k) / sum(before.n) == pytest.approx(0.01, rel=0.1)
    assert before.by == "until matcher_version 8.0, A. Rao: change 1187"
    further = bank.run(after(4, 24, 0.09, bank))
    assert ("up", "high", "firing") in {(e.direction, e.severity, e.state) for e in further}


def test_without_the_marker_the_chart_tells_it(grown: Bank) -> None:
    """As it does of a version that is only seen in traffic: a bad release must not teach its own baseline."""
    bank = deepcopy(grown)
    assert {e.severity for e in bank.run(after(3, 48, 0.03, bank))} == {"high", "low_evidence"}


def test_what_a_marker_does_not_touch_stays_as_it_is(grown: Bank) -> None:
    """A PAD has no part in matching, nor has another segment's marker."""
    bank = deepcopy(grown)
    at_ms = bank.rows[BANK].last_ms + FIVE_MS
    pad = Declared("bank", "pad_version", "3", at_ms, at_ms, "A. Rao", "why").marker()
    ios = matcher(bank)._replace(segment_name="os", segment_value="ios")
    bank.governed = [pad, ios]
    untouched = deepcopy(grown)
    assert bank.run(after(3, 6, 0.02, bank)) == untouched.run(after(3, 6, 0.02, untouched))
    assert bank.rows == untouched.rows


def test_a_finding_that_stands_ends_with_a_word_of_its_own(grown: Bank) -> None:
    """Neither as though the rate were back, nor for want of traffic."""
    bank = deepcopy(grown)
    assert bank.run(after(3, 24, 0.04, bank))[-1].state == "firing"
    bank.governed = [matcher(bank)]
    (ending,) = bank.run(after(4, 6, 0.04, bank))
    assert (ending.state, ending.resolution, ending.severity) == ("resolved", "judged_anew", "high")
    assert ending.window_start.timestamp() * 1000 == bank.governed[0].at_ms
    assert "judged anew after a governed change since" in finding_title(ending, "bank")
    assert "told by a comparison of before and after" in finding_sentence(ending, "bank")


def test_a_second_marker_leaves_what_was_before_the_first_until_enough_is_known_of_it(grown: Bank) -> None:
    """Two changes within minutes: what the rate was before both is what is to be seen."""
    row, history = deepcopy(grown.rows[BANK]), deepcopy(grown.histories[BANK])
    for version in ("8.0", "8.1"):
        begun_anew(row, history, METRIC, matcher(grown)._replace(version=version))
        assert sum(history.before[METRIC].n) > 500_000
        assert history.before[METRIC].by.startswith("until matcher_version 8.0")
    young, new = RateRow(0, 0, {METRIC: grown.rows[BANK].rates[METRIC]}), HourRow()
    begun_anew(young, new, METRIC, matcher(grown))
    assert METRIC in new.before  # there was no frozen reference: what counted


def test_markers_take_effect_once_with_the_first_window_that_begins_after_them() -> None:
    marker = Declared("bank", "vendor", "x", 0, 7 * FIVE_MS + 1, "A. Rao", "why").marker()
    assert list(due([marker], 6 * FIVE_MS, 7 * FIVE_MS)) == []
    assert list(due([marker], 7 * FIVE_MS, 8 * FIVE_MS)) == [marker]
    assert list(due([marker], 7 * FIVE_MS, 80 * FIVE_MS)) == [marker]
    assert list(due([marker], 8 * FIVE_MS, 9 * FIVE_MS)) == []
    assert list(due([marker], -1, 9 * FIVE_MS)) == []


def test_a_policy_touches_what_follows_from_what_differs_in_it() -> None:
    """A liveness threshold no match failures; a limit, or a name, nothing at all."""
    policy = load_policy()
    liveness = by_policy(policy, policy.with_thresholds(liveness=0.9))
    assert {"liveness_fail_rate", "rejection_rate"} <= liveness.begins_anew
    assert "match_fail_rate" not in liveness.begins_anew
    match = by_policy(policy, policy.with_thresholds(match=0.9))
    assert "match_fail_rate" in match.begins_anew
    assert not match.begins_anew & {"liveness_fail_rate", "fta_rate"}
    renamed = policy.model_copy(update={"name": "other", "min_trials": 31})
    assert by_policy(policy, renamed).begins_anew == frozenset()
    asked = policy.model_copy(update={"required_checks": ("match",) if not policy.required_checks else ()})
    assert "fta_rate" in by_policy(policy, asked).begins_anew
    assert TOUCHES["sdk_version"].begins_anew >= {"fta_rate", "match_fail_rate", "liveness_fail_rate"}


def test_only_a_change_of_what_decides_is_a_marker() -> None:
    """The same policy activated again is none; each change names the policy, its moment, and who put it in force."""
    policy = load_policy()
    stricter = policy.with_thresholds(liveness=0.999)
    line = [InForce(0, policy, ""), InForce(HOUR_MS, policy, "Ann"), InForce(2 * HOUR_MS, stricter, "Bob")]
    (marker,) = of_policies("bank", line)
    assert (marker.name, marker.version, marker.at_ms, marker.by) == ("policy", stricter.hash, 2 * HOUR_MS, "Bob")
    assert marker.touches("os", "ios")
    (cohort,) = of_policies("bank", line, ("os", "ios"))
    assert cohort.touches("os", "ios")
    assert not cohort.touches(None, None)
