"""How comparisons begin by a governed marker, end for want of traffic, and go on; one version under many spellings."""

import pytest

from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.versions.memory import Memory, next_memory
from services.aggregator.core.versions.part import Five
from services.aggregator.core.versions.spelling import canonical, gathered
from services.aggregator.core.versions.sums import Usual
from services.aggregator.core.versions.tenant import TenantVersions, closed, silence_ms, silent
from services.aggregator.core.versions.told import publish
from tests.unit.aggregator.versions.test_tenant import events, run, windows
from tests.unit.aggregator.versions.traffic import FIVE_MS, RULE, USUAL, Behaviour, fives, joined

BAD = Behaviour(fails=0.4)
HOUR = 12


def later(traffic: list[Five], first: int) -> list[Five]:
    return [Five((first + n) * FIVE_MS, each.whole, each.versions) for n, each in enumerate(traffic)]


def release(share: dict[int, float], *, hours: int, new: Behaviour = BAD, seed: int = 5) -> list[Five]:
    return list(fives(seed, hours / 24, 2_000, new, share))


def of_fails(found: list[Anomaly]) -> list[Anomaly]:
    return [each for each in found if each.metric == "liveness_fail_rate"]


def test_a_finding_of_a_rolled_back_release_ends_at_its_last_transaction_and_is_reopened_when_it_comes_again() -> None:
    """Under the same id; a straggler does not reopen it. Mended under the same name it ends by what is read."""
    traffic = release({60: 0.2, 96: 0.0, 132: 0.002, 156: 0.2}, hours=16)
    _, said = run(traffic)
    found = of_fails(events(said))
    states = [each.state for each in found]
    ended = states.index("resolved")
    assert found[ended].resolution == "no_traffic"
    last_ms = round(found[ended].window_start.timestamp() * 1000)
    assert last_ms == traffic[96].start_ms
    assert len({each.anomaly_id for each in found}) == 1
    assert [each.revision for each in found] == [*range(1, len(found) + 1)]
    again = found[ended + 1]
    assert (again.state, again.since) == ("firing", found[0].since)
    assert again.window_end.timestamp() * 1000 > traffic[156].start_ms
    assert {(each.version, each.state) for each in said[-1].state.after.markers.values()} == {("2", "changed")}


def test_a_finding_ends_when_its_whole_tenant_is_silent_for_three_days_and_never_by_a_weekend() -> None:
    """Time alone ends it; what comes late for before that does not bring it back."""
    traffic = release({60: 0.2}, hours=8)
    state, said = run(traffic)
    assert of_fails(events(said))[-1].state == "firing"
    due_ms = silence_ms(state)
    assert due_ms == traffic[-1].start_ms + FIVE_MS + 3 * DAY_MS
    assert silent(state, due_ms - 1, RULE) is state
    over = publish("bank", silent(state, due_ms, RULE))
    assert {(each.state, each.resolution) for each in over.events} == {("resolved", "no_traffic")}
    assert {each.window_start.timestamp() * 1000 for each in over.events} == {traffic[-1].start_ms + FIVE_MS}
    assert {each.state for each in over.markers} == {"no_traffic"}
    assert silence_ms(over.state) is None
    late = closed(over.state, traffic[-2].start_ms, windows(traffic[-1]), RULE, UTC_DAYS)
    assert late is over.state
    state = over.state
    back = later(release({0: 0.2}, hours=2, seed=6), due_ms // FIVE_MS + 3)
    told: list[Anomaly] = []
    for five in back:
        published = publish("bank", closed(state, five.start_ms, windows(five), RULE, UTC_DAYS))
        state, told = published.state, [*told, *published.events]
    assert of_fails(told)[0].anomaly_id == of_fails(events(said))[0].anomaly_id
    assert of_fails(told)[0].state == "firing"


def test_a_version_of_few_transactions_ends_after_three_days_too() -> None:
    """A tenant of whom little came after: twenty of the version would be missing in weeks only."""
    traffic = release({60: 0.1}, hours=10)
    _, said = run(traffic)
    assert of_fails(events(said))[-1].state == "firing"
    trickle = later([each for each in fives(3, 4.0, 2, BAD, {}) if each.whole.n], traffic[-1].start_ms // FIVE_MS + 1)
    trickle += later(trickle[:1], trickle[-1].start_ms // FIVE_MS + 900)
    _, said = run(traffic + trickle)
    assert of_fails(events(said))[-1].resolution == "no_traffic"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("4.2.0", "v4.2.0", True),
        ("4.2.0", " V4.2.0 ", True),
        ("4.2.0-RC1", "4.2.0-rc1", True),
        ("4.2.0+a81f", "4.2.0+9cde", True),
        ("4.2.0", "4.2", False),
        ("4.2.0", "4.2.0-rc1", False),
        ("vision", "ision", False),
    ],
)
def test_spellings_of_one_version(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


def test_a_version_under_another_spelling_is_no_release_and_builds_of_one_are_one() -> None:
    """The spelling that was seen first names it; its counts are those of all spellings."""
    traffic = release({60: 0.3}, hours=8)
    for place, five in enumerate(traffic):
        five.versions["sdk_version"] = {
            f"v{v}" if place > 30 and v == "1" else v: p for v, p in five.versions["sdk_version"].items()
        }
    state, _ = run(traffic)
    assert {each.version for each in state.after.markers.values()} == {"2"}
    builds = release({60: 0.3}, hours=8)
    for number, five in enumerate(builds[60:]):
        versions = five.versions["sdk_version"]
        if "2" in versions:
            versions[f"2+{number:x}"] = versions.pop("2")
    state, said = run(builds)
    (marker,) = state.after.markers.values()
    assert marker.version == "2+0"
    assert marker.n > 1_000
    assert of_fails(events(said))


def test_the_parts_of_two_spellings_add_up() -> None:
    five = release({0: 0.3}, hours=1)[0]
    one, two = five.versions["sdk_version"]["1"], five.versions["sdk_version"]["2"]
    both = Five(five.start_ms, five.whole, {"sdk_version": {"3": one, "V3": two}})
    assert gathered(both, {}).versions == {"sdk_version": {"3": None}}
    assert gathered(both, {"sdk_version": {"V3": 0}}).versions == {"sdk_version": {"V3": None}}


def watched(traffic: list[Five], word: str, *, name: str = "sdk_version", at: int) -> tuple[list[Memory], int]:
    """Return the memories of a tenant to whom somebody declared a version from the n-th five minutes on."""
    at_ms = traffic[at].start_ms
    marker = Declared("bank", name, word, at_ms, at_ms, "A. Rao", "change 1187").marker()
    memory, usual, waiting, found = Memory(), Usual(), list[Five](), list[Memory]()
    for five in traffic:
        memory = next_memory(memory, five, usual, RULE, [marker])
        found.append(memory)
        waiting.append(five)
        if len(waiting) > 24:
            usual = joined(usual, waiting.pop(0))
    return found, at_ms


def test_a_declared_change_that_nothing_in_the_traffic_names_is_compared_as_all_of_it_since() -> None:
    """A vendor's change of a server: nobody's version says so."""
    before, after = release({}, hours=24), release({0: 1.0}, hours=6, seed=8)
    traffic = before + later(after, before[-1].start_ms // FIVE_MS + 1)
    for five in traffic:
        five.versions.clear()
    for name, word in (("vendor", "face match 8"), ("pad_version", "7.1")):
        memories, at_ms = watched(traffic, word, name=name, at=288)
        comparison = memories[-1].open[name][word]
        assert comparison.since_ms == at_ms
        assert comparison.by == "A. Rao"
        assert "liveness_fail_rate" in comparison.standing
        (marker,) = memories[-1].markers.values()
        assert (marker.version, marker.by, marker.reason, marker.state) == (word, "A. Rao", "change 1187", "changed")
    assert not any(memories[-1].open.get("sdk_version", {}))


def test_a_version_that_ran_before_is_compared_once_more_when_somebody_says_so_and_only_then() -> None:
    """Version 1 comes back after an hour of 2: known, and not compared, unless it is governed."""
    traffic = release({60: 1.0, 72: 0.0}, hours=10, new=USUAL)
    unsaid, _ = watched(traffic, "9", at=72)
    assert "1" not in unsaid[-1].open["sdk_version"]
    said, at_ms = watched(traffic, "1", at=72)
    assert said[-1].open["sdk_version"]["1"].since_ms == at_ms
    assert said[71].open["sdk_version"].keys() == {"2"}


def test_a_declared_version_touches_what_its_kind_does() -> None:
    """A new matcher is no reason to compare liveness; traffic may name it sooner than the word."""
    traffic = list(fives(5, 0.5, 600, BAD, {71: 1.0}, name="matcher_version"))
    memories, at_ms = watched(traffic, "v2", name="matcher_version", at=72)
    comparison = memories[-1].open["matcher_version"]["2"]
    assert comparison.since_ms == at_ms - FIVE_MS
    assert comparison.by == "A. Rao"
    assert comparison.touches == ("match_fail_rate", "match_ms", "match_score")
    assert not comparison.found


def test_an_sdk_and_a_matcher_that_come_in_the_same_minute_are_each_compared_by_what_they_have_a_part_in() -> None:
    """What both have a part in is told of both: with one traffic nothing tells them apart."""
    slow = Behaviour(fails=0.4, shift=-1.0)
    traffic = list(fives(5, 0.6, 2_000, slow, {60: 1.0}))
    for five in traffic:
        five.versions["matcher_version"] = dict(five.versions["sdk_version"])
    state, _ = run(traffic)
    found = {name: set(state.after.open[name]["2"].standing) for name in ("sdk_version", "matcher_version")}
    assert found["matcher_version"] == {"match_score"}
    assert {"match_score", "liveness_fail_rate"} <= found["sdk_version"]


def test_a_version_that_comes_in_late_data_begins_at_its_own_time_within_an_hour_and_not_at_all_after_it() -> None:
    """As all late data."""
    traffic = release({60: 0.3}, hours=6)
    state = TenantVersions()
    for place, five in enumerate(traffic):
        named = five.versions["sdk_version"]
        kept = Five(five.start_ms, five.whole, {"sdk_version": {v: p for v, p in named.items() if v == "1"}})
        state = closed(state, five.start_ms, windows(kept), RULE, UTC_DAYS)
        if place == 65:
            for late in traffic[60:66]:
                state = closed(state, late.start_ms, windows(late), RULE, UTC_DAYS)
    assert state.after.open["sdk_version"]["2"].since_ms == traffic[60].start_ms
    assert state.after.start_ms - traffic[60].start_ms < HOUR_MS
    assert closed(state, traffic[30].start_ms, windows(traffic[61]), RULE, UTC_DAYS) is state


def test_what_is_kept_of_a_known_version_suffices_once_it_is_governed() -> None:
    """Of a known version rates are not kept; from its marker on they are, also where the hour is counted again."""
    traffic = release({60: 1.0, 72: 0.5}, hours=8, new=USUAL)
    at_ms = traffic[72].start_ms
    marker = Declared("bank", "sdk_version", "1", at_ms, at_ms, "A. Rao", "rolled back").marker()
    state = TenantVersions()
    for five in traffic:
        state = closed(state, five.start_ms, windows(five), RULE, UTC_DAYS, [marker])
    comparison = state.after.open["sdk_version"]["1"]
    assert (comparison.since_ms, comparison.by) == (at_ms, "A. Rao")
    assert comparison.new.rate("liveness_fail_rate")[1] == comparison.n
    again = closed(state, traffic[-1].start_ms, windows(traffic[-1]), RULE, UTC_DAYS, [marker])
    assert again.after == state.after
