"""A governed marker has the detectors of minutes, and what they compare with, begin anew; replay equals live."""

import random
from copy import deepcopy
from itertools import pairwise

import pytest

from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.governed_markers import Declared, GovernedMarker
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.unit.aggregator.real_time.test_score_shift import WATCH as NO_VOLUME
from tests.unit.aggregator.real_time.test_score_shift import minutes
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, MONDAY, Told, minute, steady

EXPECTED = {"liveness_fail_rate": 0.02, "match_fail_rate": 0.02, "rejection_rate": 0.02}
WATCH = MinuteWatch(RealTimeRule(), DETECTORS, EXPECTED)
AT_MS = MONDAY + 10 * HOUR + 5 * MINUTE
BEFORE = steady(MONDAY, 605)


def marker(at_ms: int = AT_MS, name: str = "pad_version") -> GovernedMarker:
    return Declared("bank", name, "3.0", at_ms, at_ms, "A. Rao", "change 1187").marker()


def told(*markers: GovernedMarker, watch: MinuteWatch = WATCH) -> Told:
    return Told(watch, markers=markers)


def after(n: int, from_ms: int = AT_MS, failed: int = 1, **liveness: float) -> list[Minute]:
    return [minute(from_ms + i * MINUTE, 20, failed, **liveness) for i in range(n)]


def test_what_is_told_ends_as_judged_anew_with_the_first_minute_of_the_marker() -> None:
    """Saturated scores are not told again as long as nothing is known to compare with: the comparison does that."""
    saturated = after(605, MONDAY + 595 * MINUTE, at_one=20)
    seen = told(marker()).feed([*BEFORE[:595], *saturated[:200]])
    first, last = seen.published[0].event, seen.published[-1].event
    assert (first.rule, first.state, last.state, last.resolution) == ("saturation", "firing", "resolved", "judged_anew")
    assert seen.published[-1].at_ms == AT_MS + MINUTE
    assert [
        each[3] for each in told(marker(name="matcher_version")).feed([*BEFORE[:595], *saturated[:200]]).said()
    ] == ["firing"]


def test_scores_at_a_bound_are_judged_again_once_the_new_reference_has_its_least_n() -> None:
    """Two hours and 200 scores after the marker; not by what was before it."""
    usual = after(240, failed=1, at_one=1)
    end_ms = usual[-1].start_ms + MINUTE
    seen = told(marker()).feed([*BEFORE, *usual, *after(30, end_ms, at_one=20)])
    assert seen.said() == [("saturation", "liveness_score", "up", "firing")]
    event = seen.published[0].event
    assert event.baseline_n < 240 * 20
    early = told(marker()).feed([*BEFORE, *after(30), *after(20, AT_MS + 30 * MINUTE, at_one=20)])
    assert early.said() == []


def test_a_check_that_fails_open_with_its_release_is_told_by_half_of_what_was_usual() -> None:
    """The policy expects 2 %, 2.5 % were usual: half of the least of both, so after 2,000 checks and not 800."""
    without = told().feed([*BEFORE, *after(200, failed=0)])
    assert without.said() == [("collapse", "liveness_fail_rate", "down", "firing")]
    seen = told(marker()).feed([*BEFORE, *after(200, failed=0)])
    assert seen.said()[0] == ("collapse", "liveness_fail_rate", "down", "firing")
    assert AT_MS + 99 * MINUTE < seen.published[0].at_ms < AT_MS + 125 * MINUTE
    assert told(marker()).feed([*BEFORE, *after(200, failed=20)]).said()[0] == (
        "collapse", "liveness_fail_rate", "up", "firing",
    )  # fmt: skip


def test_failures_that_became_rarer_by_the_marker_are_not_taken_for_a_check_that_is_open() -> None:
    """2.5 % became 0.6 %: that is for the comparison to tell, and nothing else is said in the days after it."""
    rare = [minute(AT_MS + i * MINUTE, 20, failed=int(i % 8 == 0)) for i in range(3 * 24 * 60)]
    assert told(marker()).feed([*BEFORE, *rare]).said() == []


def test_a_shift_of_scores_is_compared_with_days_since_the_marker() -> None:
    """Seven days later what is told is a shift from the new level, and what was before it is no more."""
    at_ms = MONDAY + 8 * DAY + 7 * MINUTE
    days = [
        *minutes(MONDAY, 8 * 24 * 60),
        *minutes(at_ms + 3 * MINUTE, 8 * 24 * 60, mean=46.0, seed=2),
        *minutes(at_ms + 8 * DAY + 3 * MINUTE, 300, mean=40.0, seed=3),
    ]
    shifts = [each for each in told(marker(at_ms), watch=NO_VOLUME).feed(days).said() if each[0] == "score_shift"]
    assert shifts[0] == ("score_shift", "liveness_score", "down", "firing")
    assert ("score_shift", "liveness_score", "up", "firing") not in shifts
    unmarked = told(watch=NO_VOLUME).feed(days[: 8 * 288 + 300]).said()
    assert ("score_shift", "liveness_score", "up", "firing") in unmarked


def test_missing_scores_are_held_against_what_the_policy_expects_after_a_change_of_the_sdk() -> None:
    """As those of a new tenant: 3 % where 1 % is expected is a finding only if it is no habit."""
    habit = [minute(MONDAY + i * MINUTE, 20, 1, missing=2 * (i % 2)) for i in range(605)]
    lost = after(60, missing=10)
    assert ("missing_scores", "liveness_missing_rate", "up", "firing") in told(marker(name="sdk_version")).feed(
        [*habit, *lost]
    ).said()


@pytest.mark.parametrize("other", [marker()._replace(segment_name="os", segment_value="ios"), marker(MONDAY - DAY)])
def test_what_a_marker_does_not_touch_goes_on_as_it_was(other: GovernedMarker) -> None:
    """A cohort's policy, and what changed before the tenant's first minute."""
    traffic = [*BEFORE, *after(100, at_one=20), *steady(AT_MS + 100 * MINUTE, 400)]
    one, untouched = told(other).feed(traffic), told().feed(traffic)
    assert (one.state, one.published) == (untouched.state, untouched.published)


def test_no_marker_touches_volume() -> None:
    """Who stops coming is told by the habits of before, also after another vendor."""
    seen = told(marker(name="vendor")).feed(BEFORE).feed(after(30)).pass_until(AT_MS + 5 * HOUR)
    assert ("volume", "transactions", "down", "firing") in seen.said()


def test_late_minutes_and_the_order_of_arrival_change_nothing() -> None:
    """A marker within the minute; minutes on both sides of it come late, and are judged by what counts for each."""
    rng = random.Random(5)
    at_ms = AT_MS + 30_000
    traffic = [*BEFORE, *after(90), *after(60, AT_MS + 90 * MINUTE, at_one=20), *steady(AT_MS + 150 * MINUTE, 300)]
    inorder = told(marker(at_ms)).feed(traffic)
    shuffled = list(traffic)
    for start in range(561, len(shuffled) - 40, 40):
        part = shuffled[start : start + 20]
        rng.shuffle(part)
        shuffled[start : start + 20] = part
    assert any(a.start_ms > b.start_ms for a, b in pairwise(shuffled))
    live = told(marker(at_ms)).feed(shuffled)
    assert live.state.reference == inorder.state.reference
    assert live.state.after == inorder.state.after


def test_a_reference_of_an_earlier_release_is_read_and_begins_with_nothing_by_markers_of_long_ago() -> None:
    """They were there before it was looked for them."""
    aged = told().feed(BEFORE)
    later = Told(WATCH, UTC_DAYS, markers=(marker(MONDAY + HOUR),))
    later.state = deepcopy(aged.state)
    assert later.feed(after(120)).state.reference == aged.feed(after(120)).state.reference
