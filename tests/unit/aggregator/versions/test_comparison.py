"""A new version is compared with what ran before and beside it, at once."""

import msgspec
import pytest

from services.aggregator.core.versions.change import readings
from services.aggregator.core.versions.comparison import LOOKS
from services.aggregator.core.versions.memory import Memory
from services.aggregator.core.versions.part import Five
from services.aggregator.core.versions.sums import DESIGN, Sums
from tests.unit.aggregator.versions.null_releases import KINDS, accused
from tests.unit.aggregator.versions.traffic import DAY, FIVE_MS, RULE, USUAL, Behaviour, fives, found_in, watched

BEGIN = DAY + 96
"""08:00 of the second day."""


def run(new: Behaviour, share: dict[int, float], *, days: float = 2.5, name: str = "sdk_version") -> list[Memory]:
    """Return what is known after each five minutes, of a tenant with 1,000 transactions an hour."""
    return list(watched(fives(3, days, 1_000, new, share, name=name)))


def told(memories: list[Memory], name: str = "sdk_version") -> dict[str, int]:
    """Return after how many minutes of the release each metric was told first."""
    first: dict[str, int] = {}
    for place, memory in enumerate(memories):
        for metric in found_in(memory, name):
            first.setdefault(metric, 5 * (place - BEGIN + 1))
    return first


@pytest.mark.parametrize(
    ("new", "share", "metric", "within_minutes"),
    [
        (Behaviour(fails=0.3), 0.2, "liveness_fail_rate", 60),
        (Behaviour(fails=0.3), 1.0, "rejection_rate", 30),
        (Behaviour(shift=-1.0), 1.0, "match_score", 60),
        (Behaviour(slower=1.6), 0.2, "capture_ms", 120),
        (Behaviour(slower=1.6), 1.0, "capture_ms", 60),
    ],
)
def test_a_bad_release_is_told_of_beside_the_old_version_and_where_all_changes_at_once(
    new: Behaviour, share: float, metric: str, within_minutes: int
) -> None:
    """Rates, scores and durations; a canary is compared with the rest, a switch with the hours before."""
    memories = run(new, {BEGIN: share})
    assert told(memories)[metric] <= within_minutes
    marker = next(iter(memories[-1].markers.values()))
    assert (marker.previous, marker.version, marker.since_ms) == ("1", "2", since_of(BEGIN))


def test_a_rate_that_doubles_with_a_release_is_told_of_once_it_is_known_how_days_differ() -> None:
    """With two weeks behind it; a first day alone tells little of days."""
    begin = 14 * DAY + 96
    memories = list(watched(fives(3, 15.7, 400, Behaviour(fails=0.06), {begin: 1.0}, spread=0.05)))
    assert "liveness_fail_rate" in found_in(memories[-1])
    assert not found_in(memories[begin - 1])


def since_of(number: int) -> int:
    """Return the start of the n-th five minutes, in ms since 1970."""
    return FIRST_MS + number * FIVE_MS


FIRST_MS = next(iter(fives(3, 1, 1_000, USUAL, {}))).start_ms


def test_a_release_that_is_rolled_back_ends_for_want_of_traffic() -> None:
    """The finding ends in words of its own, and the marker says until when."""
    memories = run(Behaviour(fails=0.3), {BEGIN: 0.2, BEGIN + 36: 0.0})
    assert told(memories)
    assert not found_in(memories[-1])
    marker = next(iter(memories[-1].markers.values()))
    assert marker.state == "no_traffic"
    assert 2 * 3_600_000 <= marker.ended_ms - since_of(BEGIN + 36) <= 4 * 3_600_000
    assert {each.reading for each in memories[-1].endings.values()} == {None}


def test_a_release_that_is_mended_under_the_same_name_ends_by_what_is_read() -> None:
    """Two stretches of traffic, no shorter than what it was found by, that are as before."""
    bad = list(fives(3, 1.6, 1_000, Behaviour(fails=0.3), {BEGIN: 0.5}))
    good = list(fives(4, 0.8, 1_000, USUAL, {0: 0.5}, first=bad[-1].start_ms // FIVE_MS + 1))
    memories = list(watched(iter(bad + good)))
    assert found_in(memories[len(bad) - 1])
    assert not found_in(memories[-1])
    assert next(iter(memories[-1].markers.values())).state == "as_before"


def test_a_release_that_changes_nothing_is_listed_and_compared_to_the_end() -> None:
    """After the last look nothing further is spent on it."""
    memories = run(USUAL, {BEGIN: 1.0}, days=2.6)
    marker = next(iter(memories[-1].markers.values()))
    assert (marker.state, marker.share) == ("no_change", 1.0)
    assert marker.n >= 12_800 * 0.95
    assert not told(memories)


def test_scores_that_lie_lower_say_whom_their_check_refused() -> None:
    """As many as its rate is beyond what it was; where that is as before, nobody is counted."""
    kept = run(Behaviour(shift=-1.0), {BEGIN: 1.0})[-1].open["sdk_version"]["2"].found["match_score"].reading
    assert kept.misjudged == 0.0
    old = Sums(4000, {0: (0, 0, 80, 4000, 0, 0, 0, 0, 0, 0)}, {"match": {400: 2000, 430: 2000}})
    for k, harmed in ((76, pytest.approx(36.0, abs=1)), (45, 0.0)):
        new = Sums(2000, {0: (0, 0, k, 2000, 0, 0, 0, 0, 0, 0)}, {"match": {400: 1400, 430: 600}})
        (score,) = (each for each in readings(new, old, RULE, 1e-5, lambda *_: DESIGN) if each.metric == "match_score")
        assert (score.direction, score.misjudged) == ("down", harmed)


def test_what_drifts_is_looked_at_three_times_until_the_transactions_have_doubled() -> None:
    """Between 800 and 1,600 twice; the looks of one schedule share the false alarms of a release."""
    assert LOOKS[:7] == (50, 63, 79, 100, 126, 159, 200)
    assert [each for each in LOOKS if 800 <= each <= 1600] == [800, 1008, 1270, 1600]
    assert (len(LOOKS), LOOKS[-1]) == (25, 12_800)


def test_what_ran_when_counting_began_is_no_release_nor_is_a_handful_of_handsets() -> None:
    """A marker needs 30 transactions and one percent within a day."""
    assert not run(Behaviour(fails=0.3), {0: 0.4}, days=1.0)[-1].markers
    assert not run(Behaviour(fails=0.3), {BEGIN: 0.004}, days=2.5)[-1].markers
    little: list[Five] = list(fives(3, 2, 30, Behaviour(fails=0.3), {BEGIN: 0.02}))
    assert not list(watched(iter(little)))[-1].markers


@pytest.mark.parametrize("kind", KINDS)
def test_releases_that_change_nothing_are_not_accused(kind: str) -> None:
    """Not once in four; the page has the figures of many more (`null_releases`)."""
    assert not any(accused(seed, KINDS[kind]._replace(days=1.5)) for seed in range(4))


def test_an_attack_while_a_matcher_is_new_is_not_its_doing() -> None:
    """What its dimension has no part in is not compared."""
    memories = run(Behaviour(fails=0.3, shift=-1.0, slower=2.0), {BEGIN: 1.0}, name="matcher_version")
    assert told(memories, "matcher_version").keys() == {"match_score"}


@pytest.mark.parametrize("at_once", [False, True])
def test_a_release_that_repairs_a_faulty_one_is_not_accused_of_letting_people_in(*, at_once: bool) -> None:
    """It is compared with what ran before the fault, and neither with the faulty release nor with its days."""
    bad = Behaviour(fails=0.3)
    before = list(fives(3, 6, 100, bad, {3 * DAY + 96: 1.0}))
    shares = {0: 0.0} if at_once else {0: 0.6, DAY: 0.3, 2 * DAY: 0.05}
    after = fives(4, 4, 100, bad, shares, first=before[-1].start_ms // FIVE_MS + 1)
    repaired = (_renamed(each, {"1": "3", "2": "2"}) for each in after)
    memories = list(watched(iter([*before, *repaired])))
    assert found_in(memories[len(before) - 1])
    assert not any(found_in(each, version="3") for each in memories)
    markers = {each.version: each for memory in memories for each in memory.markers.values()}
    assert (markers["3"].previous, markers["3"].state) == ("2", "comparing")


def test_a_release_after_a_faulty_one_that_is_no_better_is_told() -> None:
    """It fails as often as the faulty one did, and so is no repair."""
    bad = Behaviour(fails=0.3)
    before = list(fives(3, 6, 100, bad, {3 * DAY + 96: 1.0}))
    after = fives(4, 2, 100, bad, {0: 1.0}, first=before[-1].start_ms // FIVE_MS + 1)
    memories = list(watched(iter([*before, *(_renamed(each, {"1": "2", "2": "3"}) for each in after)])))
    assert "liveness_fail_rate" in found_in(memories[-1], version="3")


def _renamed(five: Five, names: dict[str, str]) -> Five:
    versions = {name: {names[each]: part for each, part in known.items()} for name, known in five.versions.items()}
    return msgspec.structs.replace(five, versions=versions)


def test_scores_that_lie_a_little_higher_are_told_of_a_small_tenant_within_days() -> None:
    """Two in five deviations higher from one minute to the next; what differs by days differs less over several."""
    memories = list(
        watched(fives(0, 17, 12, Behaviour(shift=0.4), {9 * DAY + 96: 1.0}, spread=0.1, name="matcher_version"))
    )
    assert found_in(memories[-1], "matcher_version") == {"match_score"}
