"""A tenant's state is a function of its windows, in whatever order and batches they came; what is told follows."""

from datetime import UTC, datetime
from random import Random

import msgspec

from proofwatch.events.types import Anomaly
from proofwatch.governance.calendar import calendar_of
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.merge import Histogram, PolicyCounts, SegmentWindow
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.part import Five, Part, five_of, only_counted
from services.aggregator.core.versions.tenant import TenantVersions, closed
from services.aggregator.core.versions.told import Published, publish
from tests.unit.aggregator.versions.traffic import DAY, FIVE_MS, RULE, USUAL, Behaviour, fives

BAD = Behaviour(fails=0.4)
_NAMES = ("liveness.fail", "match.fail", "liveness.missing", "decision.refer", "decision.retry")


def windows(five: Five) -> list[SegmentWindow]:
    """Return the windows that five minutes were counted from."""
    found = [_window(None, None, five.whole)]
    for name, versions in five.versions.items():
        found += [_window(name, version, part or five.whole) for version, part in versions.items()]
    return found


def _window(name: str | None, value: str | None, part: Part) -> SegmentWindow:
    fails, judged, _, _, missing, _, rejected, _, retried, _ = part.rates
    counts = {
        "transactions": part.n, "liveness.fail": fails, "liveness.pass": judged - fails, "liveness.missing": missing,
        "decision.retry": retried, "decision.refer": rejected - retried, "match.pass": judged,
    }  # fmt: skip
    sketches = {
        each: Histogram("time-v1" if each.endswith("_ms") else "score-v1", (), {str(at): n for at, n in bins.items()})
        for each, bins in part.bins.items()
    }
    return SegmentWindow(name, value, 1, {"p" * 32: PolicyCounts(counts, {}, sketches)})


def day_with_a_bad_release() -> list[Five]:
    """Return twelve hours, from the fifth of which on a fifth of the traffic has a bad release, for three hours."""
    return list(fives(5, 0.5, 2_000, BAD, {60: 0.2, 96: 0.0}))


def run(traffic: list[Five]) -> tuple[TenantVersions, list[Published]]:
    """Return the last state and all that was published."""
    state, said = TenantVersions(), list[Published]()
    for five in traffic:
        said.append(publish("bank", closed(state, five.start_ms, windows(five), RULE, UTC_DAYS)))
        state = said[-1].state
    return state, said


def events(said: list[Published]) -> list[Anomaly]:
    """Return the events that were published."""
    return [event for each in said for event in each.events]


def test_each_finding_begins_is_updated_and_ends_under_one_id() -> None:
    """Its slice is the version, its beginning the version's first transaction; a look with more of it is a revision."""
    _, said = run(day_with_a_bad_release())
    of_fails = [each for each in events(said) if each.metric == "liveness_fail_rate"]
    assert len({each.anomaly_id for each in of_fails}) == 1
    assert [each.revision for each in of_fails] == [*range(1, len(of_fails) + 1)]
    assert [each.state for each in of_fails] == [*["firing"] * (len(of_fails) - 1), "resolved"]
    first, last = of_fails[0], of_fails[-1]
    assert (first.segment_name, first.segment_value, first.rule) == ("sdk_version", "2", "version_change")
    assert (first.action, first.direction, last.resolution) == ("hold_or_roll_back_release", "up", "no_traffic")
    assert first.since == first.window_start == last.since
    assert first.affected is not None
    assert first.k > first.affected > 0
    markers = {marker.state for each in said for marker in each.markers}
    assert {"changed", "no_traffic"} <= markers


def test_said_again_it_is_nothing() -> None:
    """What is published follows from the state, once."""
    state, said = run(day_with_a_bad_release()[:90])
    assert events(said)
    again = publish("bank", state)
    assert again == Published(state, (), (), ())


def test_windows_that_come_late_within_an_hour_change_nothing_in_the_end() -> None:
    """In whatever order they come, and in however many parts: the memory is the same, so is what is firing."""
    traffic = day_with_a_bad_release()
    wanted, _ = run(traffic)
    random, state = Random(1), TenantVersions()
    for place in range(0, len(traffic), 6):
        part = traffic[place : place + 6]
        random.shuffle(part)
        for five in part:
            before = [_window(each.name, each.value, Part()) for each in windows(five)]
            for revision in (before, windows(five)):
                state = publish("bank", closed(state, five.start_ms, revision, RULE, UTC_DAYS)).state
    assert (state.before, state.after, state.fives) == (wanted.before, wanted.after, wanted.fives)
    assert (state.usual, state.usual_before, state.pending) == (wanted.usual, wanted.usual_before, wanted.pending)
    assert {key: each.firing for key, each in state.told.items()} == {
        key: each.firing for key, each in wanted.told.items()
    }


def test_what_late_data_takes_back_is_told_and_its_marker_removed() -> None:
    """The five minutes that made it turn out to have been others."""
    traffic = day_with_a_bad_release()[:70]
    state, said = run(traffic)
    assert {marker.version for each in said for marker in each.markers} == {"2"}
    assert events(said)
    found: list[Marker] = []
    resolved: list[Anomaly] = []
    for five in traffic[60:]:
        mended = [each if each.name is None else _window(each.name, each.value, Part()) for each in windows(five)]
        again = publish("bank", closed(state, five.start_ms, mended, RULE, UTC_DAYS))
        state, found, resolved = again.state, [*found, *again.taken_back], [*resolved, *again.events]
    assert {each.version for each in found} == {"2"}
    assert not state.listed
    ended = {each.anomaly_id: each for each in resolved}
    assert {(each.state, each.resolution) for each in ended.values()} == {("resolved", None)}


def test_what_comes_more_than_an_hour_late_is_not_looked_at() -> None:
    """As with minutes."""
    traffic = list(fives(5, 0.2, 1_000, USUAL, {}))
    state, _ = run(traffic)
    assert closed(state, traffic[0].start_ms, windows(traffic[5]), RULE, UTC_DAYS) is state


def test_scores_counted_by_other_thresholds_fall_into_the_same_bins() -> None:
    """A policy's thresholds are edges of its sketches, and are taken out again."""
    grid = ("score-v1",)
    window = SegmentWindow(None, None, 1, {
        "a" * 32: PolicyCounts({"transactions": 2}, {}, {"match": Histogram(*grid, (0.85,), {"435": 1, "436": 1})}),
        "b" * 32: PolicyCounts({"transactions": 1}, {}, {"match": Histogram(*grid, (), {"435": 1})}),
    })  # fmt: skip
    five = five_of(0, [window], UTC_DAYS)
    assert five.whole.bins["match"] == {435: 3}
    assert {name: part.n for name, part in five.versions["policy"].items() if part} == {"a" * 32: 2, "b" * 32: 1}
    assert len(list(fives(1, 1, 10, USUAL, {}))) == DAY


def test_of_a_version_that_is_known_no_more_is_counted_than_is_kept() -> None:
    """Its transactions, and whether it has all of the tenant's; of others everything, also where others are known."""
    for five in day_with_a_bad_release():
        shown = windows(five)
        every, some = (five_of(five.start_ms, shown, UTC_DAYS, known=each) for each in (_never, _of_sdks))
        assert some.whole == every.whole
        for name, versions in every.versions.items():
            for version, part in versions.items():
                lean = only_counted(part) if part and _of_sdks(name, version) else part
                assert some.versions[name][version] == lean


def _never(name: str, version: str) -> bool:
    return False


def _of_sdks(name: str, version: str) -> bool:
    return name == "sdk_version"


def test_hours_and_days_are_the_tenant_s() -> None:
    """Kathmandu, a quarter to six ahead: what is usual is of its days, and by the hours of its clocks."""
    days = TenantDays([(0, calendar_of("Asia/Kathmandu"))])
    first = datetime(2026, 3, 1, 18, 10, tzinfo=UTC)  # five minutes to midnight there
    state = TenantVersions()
    for number in range(12 * 12):
        counts = PolicyCounts({"transactions": 1}, {}, {})
        window = SegmentWindow(None, None, 1, {"p": counts})
        state = closed(state, ms_of(first) + number * FIVE_MS, [window], RULE, days)
    usual = state.usual
    begins = [datetime(2026, 2, 28, 18, 15, tzinfo=UTC), datetime(2026, 3, 1, 18, 15, tzinfo=UTC)]
    assert [start_ms for start_ms, _ in usual.days] == [ms_of(each) for each in begins]
    assert sorted(usual.sums.hours) == [*range(len(usual.sums.hours) - 1), 23]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(state.fives[0]), type=Five)
    assert read.hour_of_day == days.hour(read.start_ms).hour != read.start_ms % 86_400_000 // 3_600_000


def test_five_minutes_of_a_release_before_are_read() -> None:
    """They have no hour of the tenant's, and keep that of UTC."""
    stored = msgspec.msgpack.encode([7 * 3_600_000, Part(), {}])
    assert msgspec.msgpack.decode(stored, type=Five).hour_of_day == 7
