"""One cause is one incident: whatever began before it, whichever attributes move together, however it is found."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, Panel, Slice, panel_of
from proofwatch.detection.harm import lets_in
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import change_of
from proofwatch.detection.incidents import Incidents, gathered, regrouped, take
from proofwatch.detection.revisions import finding_of, merged
from proofwatch.detection.root_slice import Counts, takes_away
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_MODEL: Final = ("device_model", "A-1801")
_COUNTRY: Final = ("country", "IN")
_RELEASE: Final = ("sdk_version", "11.2.0")
_ROOTS: Final = (_MODEL, _COUNTRY, _RELEASE)
_DAY: Final = 1440
_Table = Mapping[Slice, tuple[int, int]]


def _at(minute: int) -> Any:
    return MIDNIGHT + timedelta(minutes=minute)


def _chart(where: Slice, metric: str, *, since: int, until: int, **more: Any) -> Anomaly:
    """Return what a chart found at minute `until`, high unless `severity` says otherwise."""
    fields: dict[str, Any] = {
        "length_s": 60 * (until - since),
        "since": _at(since),
        "since_low": _at(since - 20),
        "since_high": _at(since + 20),
        "known_at": _at(until),
        "direction": "up",
    } | more
    return anomaly(where, metric, rule="cusum", minute=since, **fields)


def _course(anomalies: Iterable[Anomaly], tables: Mapping[Panel, _Table]) -> tuple[list[Incident], list[str]]:
    """Return the incidents at the end, and what people were told on the way, one finding after another."""
    state, told = Incidents(tables=tables), []
    for each in anomalies:
        before = state
        state, changes = regrouped(take(state, [each]))
        told += [change_of(change, before.incidents.get(change.incident_id)) for change in changes]
    left = [each for each in state.incidents.values() if each.state != "merged" and each.evidence == "strong"]
    return left, [each for each in told if each not in {"changed", "merged"}]


def _behind_a_drift(root: Slice) -> tuple[list[Anomaly], dict[Panel, _Table]]:
    """A tenant whose charts had been low for days, and a slice that goes wrong then; both know it in the end.

    Of windows in which the slice has few trials nothing is published, so its counts are a part of what it did.
    """
    drift = _chart(WHOLE, "liveness_fail_rate", since=-2 * _DAY, until=600, k=60, n=1500, severity="low_evidence")
    surer = _chart(WHOLE, "liveness_fail_rate", since=-2 * _DAY, until=965, k=110, n=1700, first=-2 * _DAY, revision=2)
    retries = _chart(WHOLE, "retry_rate", since=300, until=855, k=46, n=183)
    own = _chart(root, "retry_rate", since=640, until=915, k=96, n=314)
    day = [anomaly(where, k=140, n=k, length_s=86_400, minute=0) for where, k in ((root, 209), (WHOLE, 610))]
    found = [drift, retries, own, surer, *day]
    some: dict[Slice, tuple[int, int]] = {root: (12, 40), (root[0], "other"): (20, 60)}
    tables: dict[Panel, _Table] = {
        panel_of(finding_of(each)): {WHOLE: (each.k, each.n), **some} for each in (surer, retries)
    }
    return found, tables | {panel_of(finding_of(own)): {WHOLE: (140, 1200), root: (60, 150)}}


@pytest.mark.parametrize("root", _ROOTS)
def test_what_a_tenants_chart_was_low_for_before_is_no_second_incident(root: Slice) -> None:
    """People are told once, and the incident keeps its name when its slice becomes clear."""
    found, tables = _behind_a_drift(root)
    (incident,), told = _course(found, tables)
    assert incident.root.where == root
    assert told == ["began"]


@pytest.mark.parametrize("root", _ROOTS)
def test_in_whatever_order_it_comes_it_is_the_same_one(root: Slice) -> None:
    """Id, root, begin and numbers."""
    found, tables = _behind_a_drift(root)
    expected = _course(found, tables)[0][0]._replace(revision=1)
    for order in permutations(found):
        assert [each._replace(revision=1) for each in _course(order, tables)[0]] == [expected]


def test_what_remains_of_a_tenant_without_the_slice_is_its_own_incident_if_it_stands_out() -> None:
    """A whole tenant that fails, and a handset that fails more."""
    found, tables = _behind_a_drift(_MODEL)
    large = found[1]
    more = _chart(WHOLE, "retry_rate", since=300, until=855, k=400, n=1200)
    known = {panel_of(finding_of(more)): {WHOLE: (400, 1200), _MODEL: (60, 300), ("device_model", "B"): (340, 900)}}
    left, _ = _course([more if each is large else each for each in found[1:3]], {**tables, **known})
    assert {each.root.where for each in left} == {WHOLE, _MODEL}


def test_another_value_that_goes_wrong_meanwhile_is_its_own_incident() -> None:
    """No transaction is of two handsets, nor of two countries."""
    found, tables = _behind_a_drift(_MODEL)
    other = _chart(("device_model", "B-77"), "match_fail_rate", since=700, until=930, k=50, n=300)
    both = {_MODEL, ("device_model", "B-77")}
    left, told = _course([*found, other], tables)
    assert {each.root.where for each in left} == both
    assert told == ["began", "began"]
    assert {each.root.where for each in _course([other, *found], tables)[0]} == both


def test_a_slice_that_only_days_know_began_when_the_tenants_chart_says() -> None:
    """Not at midnight; a chart that began on another day says nothing of it."""
    chart = _chart(WHOLE, "retry_rate", since=640, until=1165, k=78, n=634)
    days = [
        anomaly(_MODEL, k=41, n=141, length_s=86_400, minute=0),
        anomaly(WHOLE, k=52, n=853, length_s=86_400, minute=0),
    ]
    for order in permutations([chart, *days]):
        (incident,), _ = _course(order, {})
        assert incident.root.where == _MODEL
        assert (incident.since, incident.since_low, incident.since_high) == (_at(640), _at(620), _at(660))
    early = _chart(WHOLE, "retry_rate", since=-2 * _DAY, until=1165, k=78, n=634)
    (incident,), _ = _course([early, *days], {})
    assert incident.since == _at(0)


def test_who_is_let_in_is_not_explained_by_who_is_kept_out() -> None:
    """A check that passes everybody beside a handset whose chart had long wandered, and is sure of it hours later."""
    opened = anomaly(
        WHOLE, "liveness_score", rule="saturation", k=14, n=22, minute=840, length_s=120, direction="up", affected=14.0
    )
    handset = _chart(_MODEL, "liveness_fail_rate", since=175, until=1230, k=58, n=677)
    for order in permutations([opened, handset]):
        left, told = _course(order, {})
        assert {each.root.where for each in left} == {WHOLE, _MODEL}
        assert told == ["began", "began"]


@pytest.mark.parametrize("rule", ["collapse", "saturation", "few_values", "missing_scores", "score_shift"])
@pytest.mark.parametrize("way", ["up", "down"])
def test_what_began_to_the_minute_is_not_a_part_of_what_wandered_before(rule: str, way: Any) -> None:
    """However late the slice's chart is sure."""
    minute = anomaly(WHOLE, "liveness_score", rule=rule, k=90, n=100, minute=840, direction=way, affected=90.0)
    handset = _chart(_MODEL, "liveness_fail_rate", since=175, until=1230, k=58, n=677)
    left, _ = _course([minute, handset], {})
    assert minute.anomaly_id in {each.lead.anomaly_id for each in left if each.root.where == WHOLE}


def test_errors_of_the_other_check_join_while_the_first_is_of_low_evidence() -> None:
    """Nobody was told of it: an attack fails both checks, and days say no hour."""
    low = _chart(_MODEL, "liveness_fail_rate", since=-600, until=-300, severity="low_evidence")
    days = [anomaly(_MODEL, each, length_s=86_400, minute=0) for each in ("match_fail_rate", "liveness_fail_rate")]
    for order in permutations([low, *days]):
        assert len(_course(order, {})[0]) == 1


@pytest.mark.parametrize("other", [_COUNTRY, ("os", "android")])
def test_counts_that_lack_what_fires_meanwhile_single_nothing_else_out(other: Slice) -> None:
    """Most who have the handset are of one country. Its chart knows all of it, the windows a part of the handset's."""
    handset = _chart(_MODEL, "retry_rate", since=640, until=915, k=96, n=314)
    echo = _chart(other, "liveness_fail_rate", since=500, until=930, k=82, n=500)
    days = [
        anomaly(where, k=k, n=n, length_s=86_400, minute=0) for where, k, n in ((_MODEL, 140, 209), (WHOLE, 145, 610))
    ]
    some: dict[Slice, tuple[int, int]] = {WHOLE: (84, 700), _MODEL: (12, 40), other: (82, 500)}
    tables: dict[Panel, _Table] = {
        panel_of(finding_of(echo)): some,
        panel_of(finding_of(handset)): {WHOLE: (100, 1200), _MODEL: (60, 150)},
    }
    for order in permutations([handset, echo, *days]):
        (incident,), _ = _course(order, tables)
        assert incident.root.where == _MODEL
        assert other in incident.described


@pytest.mark.parametrize("length", [3, 7])
def test_days_together_end_no_earlier_than_what_they_told_of(length: int) -> None:
    """The next seven days, which are within, begin before the last of those that were not were over."""
    week = anomaly(_MODEL, "refer_rate", length_s=length * 86_400, minute=-length * _DAY, k=50, n=900)
    over = within(week, (1 - length) * _DAY)
    assert finding_of(over).until_ms == ms_of(over.window_start)
    assert merged(finding_of(week), finding_of(over)).until_ms == ms_of(week.window_end)
    day = anomaly(_MODEL, k=140, n=209, length_s=86_400, minute=-_DAY)
    for order in permutations([week, over, day]):
        assert len(_course(order, {})[0]) == 1


def _surge(minute: int, direction: str = "up") -> Anomaly:
    """More traffic than usual, or less, of a whole tenant."""
    return anomaly(
        WHOLE,
        "transactions",
        rule="volume",
        k=0,
        n=900,
        minute=minute,
        baseline=0.2,
        direction=direction,
        affected=400.0,
    )


def _closed(rule: str = "saturation", minute: int = 840) -> Anomaly:
    return anomaly(WHOLE, "liveness_score", rule=rule, k=480, n=500, minute=minute, direction="down", affected=470.0)


@pytest.mark.parametrize("since", [835, 840, 870, 900])
def test_people_who_come_again_because_all_are_rejected_are_no_second_incident(since: int) -> None:
    """What is told stays what went wrong, and how many it concerns."""
    for order in permutations([_closed(), _surge(since)]):
        (incident,), _ = _course(order, {})
        assert (incident.lead.rule, incident.since, incident.rejected) == ("saturation", _at(840), 470.0)
        assert incident.rules == ("saturation", "volume")


def test_a_surge_by_itself_or_before_or_of_those_who_pass_is_its_own_incident() -> None:
    """So is less traffic, and a surge while few fail."""
    opened = anomaly(WHOLE, "liveness_score", rule="saturation", k=480, n=500, direction="up", affected=470.0)
    few = _chart(WHOLE, "liveness_fail_rate", since=800, until=860, k=40, n=1000)
    pairs = [(_closed(), _surge(800)), (_closed(), _surge(850, "down")), (opened, _surge(850)), (few, _surge(850))]
    for pair in pairs:
        assert len(_course(pair, {})[0]) == 2


@pytest.mark.parametrize(
    ("anomaly_", "expected"),
    [
        (anomaly(rule="saturation", direction="up"), True),
        (anomaly(rule="saturation", direction="down"), False),
        (anomaly(rule="saturation"), None),
        (anomaly(rule="collapse", direction="down"), True),
        (anomaly(rule="cusum", direction="up"), False),
        (anomaly(), False),
        (anomaly(metric="apcer"), None),
        (anomaly(rule="few_values"), None),
    ],
)
def test_what_a_finding_says_of_who_passes(anomaly_: Anomaly, expected: bool | None) -> None:
    """Labels say what is wrong, and shapes say neither."""
    assert lets_in(anomaly_) is expected


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ((110, 1700), (70, 300), True),  # the rest: 40 of 1,400 where 28 were usual
        ((110, 1700), (20, 300), False),  # no more than its part
        ((400, 1700), (90, 300), False),  # without it 310 of 1,400 remain
        ((110, 310), (108, 300), False),  # nearly all trials: it is the tenant
    ],
)
def test_what_takes_a_tenants_excess_away(whole: tuple[int, int], part: tuple[int, int], expected: bool) -> None:
    """The rest must not stand out by itself, and the slice must."""
    assert takes_away(Counts(*whole, 0.02), Counts(*part, 0.02)) is expected


def test_all_at_once_is_what_came_one_by_one() -> None:
    """A replay, and a process that begins anew, know the whole log."""
    found, tables = _behind_a_drift(_COUNTRY)
    one_by_one: Sequence[Incident] = _course(found, tables)[0]
    state = take(Incidents(), found)
    assert [each._replace(revision=1) for each in one_by_one] == gathered(state.findings, tables)


def _retried(*, share: int = 21) -> tuple[list[Anomaly], dict[Panel, _Table]]:
    """Three days of a tenant that refers too often, a chart of it that is not sure, and counts of its handsets.

    No handset fires by itself: what is usual there is known of weeks of few.
    """
    three = anomaly(WHOLE, "refer_rate", k=21, n=2160, baseline=0.0004, length_s=3 * 86_400, minute=_DAY)
    chart = _chart(
        WHOLE, "refer_rate", since=810, until=3645, k=15, n=1407, baseline=0.0001, severity="low_evidence",
    )  # fmt: skip
    handsets: dict[Slice, tuple[int, int]] = {_MODEL: (share, 580), ("device_model", "B"): (21 - share, 1580)}
    same: dict[Slice, tuple[int, int]] = {("os", "Android 12"): (share, 590), ("os", "iOS 17"): (21 - share, 1570)}
    day: dict[Slice, tuple[int, int]] = {WHOLE: (15, 1407), _MODEL: (6, 183), ("device_model", "B"): (0, 536)}
    tables: dict[Panel, _Table] = {
        panel_of(finding_of(three)): {WHOLE: (21, 2160), **handsets, **same},
        panel_of(finding_of(chart)): day,
    }
    return [chart, three], tables


def test_a_slice_that_does_not_fire_is_the_root_by_its_counts() -> None:
    """Told once, of that slice, with what cannot be told from it, and since when the tenant's chart says."""
    found, tables = _retried()
    for order in permutations(found):
        (incident,), told = _course(order, tables)
        assert incident.root.where == _MODEL
        assert incident.root.confounded == (("os", "Android 12"),)
        assert (incident.root.counts.k, incident.root.counts.n, incident.root.share) == (21, 580, 1.0)
        assert incident.since == _at(810)
        assert (incident.since_low, incident.since_high) == (_at(790), _at(830))
        assert told == ["began"]


def test_counts_that_are_spread_over_a_tenant_name_no_slice_of_it() -> None:
    found, tables = _retried(share=9)
    (incident,), _ = _course(found, tables)
    assert incident.root.where == WHOLE


def test_slices_are_held_against_the_windows_that_count_them() -> None:
    """Where windows know one of three days, a slice of them is no more distinct than it is on that day."""
    (chart, three), tables = _retried(share=9)
    part: dict[Slice, tuple[int, int]] = {WHOLE: (60, 700), _MODEL: (18, 200), ("device_model", "B"): (42, 500)}
    week = replace(three, k=90, n=60_000)
    for order in permutations([chart, week]):
        assert {each.root.where for each in _course(order, {**tables, panel_of(finding_of(week)): part})[0]} == {WHOLE}


def _by_days(found: Sequence[Anomaly], counts: Sequence[tuple[int, int]]) -> dict[Panel, _Table]:
    """Return the counts of the handset on each day, from the day before the first midnight on."""
    window = found[-1]
    return {
        Panel(window.metric, 86_400, ms_of(_at((day - 1) * _DAY))): {_MODEL: kn, WHOLE: (kn[0], 720)}
        for day, kn in enumerate(counts)
    }


@pytest.mark.parametrize(("chart_since", "since"), [(810, 810), (-3 * _DAY, 0)])
def test_what_several_days_prove_began_on_the_likeliest_of_them_and_of_those_before(
    chart_since: int, since: int
) -> None:
    """Not where their counting begins; a chart says it better if it says that day."""
    (chart, three), tables = _retried()
    moved = _chart(
        WHOLE, "refer_rate", since=chart_since, until=3645, k=15, n=1407, baseline=0.0001, severity="low_evidence",
    )  # fmt: skip
    known = {**tables, panel_of(finding_of(moved)): tables[panel_of(finding_of(chart))]}
    days = _by_days([three], [(0, 190), (4, 194), (6, 183), (5, 196), (10, 199)])
    for order in permutations([moved, three]):
        (incident,), _ = _course(order, {**known, **days})
        assert (incident.root.where, incident.since) == (_MODEL, _at(since))
    (incident,), _ = _course([three], {**known, **days})
    assert incident.since == _at(0)


def test_several_days_that_all_show_it_began_with_the_first_of_them() -> None:
    """Two quiet days before them, and none within."""
    found, tables = _retried()
    three = found[1]
    days = _by_days([three], [(0, 190), (0, 194), (7, 183), (5, 196), (9, 199)])
    (incident,), _ = _course([three], {**tables, **days})
    assert incident.since == three.window_start


def _broken_limit_beside_a_handset(known: _Table, rule: str = "limit_breach") -> list[Incident]:
    """A handset's chart is sure; labels prove a limit of the tenant broken, of weeks that the handset's days lie in."""
    handset = _chart(_MODEL, "liveness_fail_rate", since=600, until=700, k=60, n=300)
    weeks = 28 * 86_400
    limit = anomaly(
        WHOLE, "bpcer", k=10, n=271, baseline=0.01, rule=rule, length_s=weeks, minute=-26 * _DAY, affected=7.29
    )
    tables: dict[Panel, _Table] = {
        panel_of(finding_of(handset)): {WHOLE: (80, 1300), _MODEL: (60, 300)},
        panel_of(finding_of(limit)): {WHOLE: (10, 271), **known},
    }
    return _course([handset, limit], tables)[0]


@pytest.mark.parametrize("rule", ["limit_breach", "sequential_limit"])
@pytest.mark.parametrize("known", [{}, {_MODEL: (2, 97)}, {_MODEL: (1, 35)}, {_MODEL: (4, 110)}])
def test_a_limit_that_a_tenant_breaks_is_laid_to_no_slice_whose_labels_do_not_say_so(known: _Table, rule: str) -> None:
    """However few errors there are: a slice that was bad in another figure is not accused of this one."""
    handset, limit = sorted(_broken_limit_beside_a_handset(known, rule), key=lambda each: each.root.where == WHOLE)
    assert handset.root.where == _MODEL
    assert limit.root.where == WHOLE
    assert (limit.root.counts.k, limit.root.counts.n, limit.root.share) == (10, 271, 1.0)


def test_a_limit_that_a_slice_breaks_by_its_labels_is_that_slices() -> None:
    """Nine of its 60, and one of the 211 others."""
    found = _broken_limit_beside_a_handset({_MODEL: (9, 60)})
    assert {each.root.where for each in found} == {_MODEL}
