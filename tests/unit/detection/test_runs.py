"""Which findings of one slice come of one cause, and which of another that came while the first stood."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Slice, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import change_of
from proofwatch.detection.incidents import Incidents, gathered, regrouped, take
from proofwatch.detection.revisions import finding_of, merged
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_HANDSET: Final = ("device_model", "A-1801")
_EXACT: Final = (
    ("collapse", "liveness_fail_rate"),
    ("saturation", "liveness_score"),
    ("few_values", "match_score"),
    ("missing_scores", "liveness_score"),
    ("score_shift", "match_score"),
)


def _chart(where: Slice = WHOLE, metric: str = "liveness_fail_rate", *, since: int, until: int, **more: Any) -> Anomaly:
    """Return what a chart found: since when (minutes after midnight), and when its window ended."""
    fields = {"k": 80, "n": 1000, "length_s": 60 * (until - since), "direction": "up", "affected": 60.0, **more}
    return anomaly(where, metric, rule="cusum", minute=since, since=MIDNIGHT + timedelta(minutes=since), **fields)


def _found(anomalies: Iterable[Anomaly]) -> Sequence[Incident]:
    return gathered({each.anomaly_id: finding_of(each) for each in anomalies}, {})


def _rules(anomalies: Iterable[Anomaly]) -> list[tuple[str, ...]]:
    return [each.rules for each in _found(anomalies)]


@pytest.mark.parametrize(("rule", "metric"), _EXACT)
def test_what_begins_to_the_minute_is_not_hidden_by_a_chart_of_the_tenant_that_stood(rule: str, metric: str) -> None:
    """Also where both are the whole tenant's; what begins within the hour is of the same cause."""
    standing = _chart(since=300, until=480)
    late = anomaly(WHOLE, metric, rule=rule, k=500, n=500, minute=840, affected=500.0)
    assert _rules([standing, late]) == [("cusum",), (rule,)]
    soon = anomaly(WHOLE, metric, rule=rule, k=500, n=500, minute=330, affected=500.0)
    assert _rules([standing, soon]) == [tuple(sorted(("cusum", rule)))]


def test_what_minutes_know_within_hours_only_may_be_of_what_began_within_them() -> None:
    """A handset's scores go missing since the morning; among all of the tenant's they are sure to be missing at two."""
    slice_ = _chart(_HANDSET, "retry_rate", since=510, until=1200)
    found: dict[str, Any] = {"rule": "missing_scores", "k": 57, "n": 853, "affected": 40.0, "minute": 840}
    low, high = MIDNIGHT + timedelta(minutes=480), MIDNIGHT + timedelta(minutes=900)
    missing = anomaly(WHOLE, "liveness_missing_rate", since_low=low, since_high=high, **found)
    tables = {panel_of(finding_of(slice_)): {WHOLE: (95, 6000), _HANDSET: (80, 1000)}}
    exact = anomaly(WHOLE, "liveness_missing_rate", **found)
    for both, roots in (([slice_, missing], [_HANDSET]), ([slice_, exact], [WHOLE, _HANDSET])):
        causes = gathered({each.anomaly_id: finding_of(each) for each in both}, tables)
        assert {each.root.where for each in causes} == set(roots)


def test_what_follows_a_collapse_is_of_it_and_not_of_what_stood_before() -> None:
    """The charts that a collapse moves join it, and so does what else is exact."""
    standing = _chart(metric="rejection_rate", since=300, until=480)
    collapse = anomaly(WHOLE, "liveness_fail_rate", rule="collapse", k=0, n=500, minute=840, affected=500.0)
    scores = anomaly(WHOLE, "liveness_score", rule="saturation", k=500, n=500, minute=1020, affected=500.0)
    after = _chart(metric="liveness_fail_rate", since=845, until=860)
    assert _rules([standing, collapse, scores, after]) == [("cusum",), ("collapse", "cusum", "saturation")]


def test_traffic_that_stops_is_told_whatever_stands() -> None:
    """How many come is another thing than how they do."""
    stopped = anomaly(WHOLE, "transactions", rule="volume", k=0, n=30, minute=840)
    assert _rules([_chart(since=300, until=480), stopped]) == [("cusum",), ("volume",)]


@pytest.mark.parametrize("rule", ["limit_breach", "sequential_limit"])
@pytest.mark.parametrize("where", [WHOLE, _HANDSET])
def test_a_chart_is_not_hidden_by_a_limit_that_was_broken_for_weeks(rule: str, where: Slice) -> None:
    """A limit that is proven broken afterwards, of days in which the chart fired, is of the chart's cause."""
    weeks = timedelta(days=20)
    broken = anomaly(where, "fnmr", rule=rule, k=90, n=1000, since=MIDNIGHT - weeks, affected=60.0)
    chart = _chart(where, "match_fail_rate", since=600, until=700)
    assert _rules([broken, chart]) == [(rule,), ("cusum",)]
    proven = anomaly(where, "fnmr", rule=rule, k=90, n=1000, minute=1440, length_s=86_400, affected=60.0)
    assert _rules([proven, chart]) == [tuple(sorted(("cusum", rule)))]


def test_a_limit_whose_begin_is_known_to_days_stands_only_from_the_last_of_them_on() -> None:
    """What began on one of these days may be why it is broken: it is told with that, and begins with it."""
    days: dict[str, Any] = {
        f"since{side}": MIDNIGHT + timedelta(days=day) for side, day in (("", 0), ("_low", -1), ("_high", 2))
    }
    broken = anomaly(WHOLE, "fnmr", rule="limit_breach", k=90, n=1000, length_s=28 * 86_400, affected=60.0, **days)
    chart = _chart(metric="match_fail_rate", since=600, until=700)
    (incident,) = _found([broken, chart])
    assert incident.since == MIDNIGHT + timedelta(minutes=600)
    late = _chart(metric="match_fail_rate", since=3 * 1440, until=3 * 1440 + 90)
    assert _rules([broken, late]) == [("limit_breach",), ("cusum",)]
    (alone,) = _found([broken])
    assert (alone.since, alone.since_low, alone.since_high) == (days["since"], days["since_low"], days["since_high"])


def test_errors_of_the_other_check_are_another_cause_once_the_first_was_known() -> None:
    """What one cause does to both checks begins before either is known."""
    liveness = _chart(_HANDSET, since=300, until=480)
    assert len(_found([liveness, _chart(_HANDSET, "match_fail_rate", since=500, until=600)])) == 2
    assert len(_found([liveness, _chart(_HANDSET, "match_fail_rate", since=400, until=600)])) == 1
    assert len(_found([liveness, _chart(_HANDSET, "rejection_rate", since=500, until=600)])) == 1


@pytest.mark.parametrize(("proven", "own", "other"), [("bpcer", "liveness", "match"), ("fnmr", "match", "liveness")])
@pytest.mark.parametrize("rule", ["limit_breach", "sequential_limit", "twice_baseline"])
@pytest.mark.parametrize("since", [0, 300])
def test_genuine_people_of_one_check_are_no_silent_part_of_errors_of_the_other(
    rule: str, proven: str, own: str, other: str, since: int
) -> None:
    """Labels prove it of the days on which the other check fails: it is told, unless its own check fails more as well.

    Who is rejected tries again, whichever check it was, and these are no link between them.
    """
    day = MIDNIGHT
    fields: dict[str, Any] = {"rule": rule, "k": 12, "n": 364, "length_s": 86_400, "affected": 8.4, "direction": "up"}
    if rule != "twice_baseline":
        fields |= {"since": day, "since_low": day, "since_high": day + timedelta(days=5), "length_s": 28 * 86_400}
    broken = anomaly(WHOLE, proven, minute=0, known_at=day + timedelta(days=9), **fields)
    others = [_chart(metric=each, since=since, until=since + 400) for each in ("retry_rate", f"{other}_fail_rate")]
    found = _found([broken, *others])
    assert sorted(proven in each.metrics for each in found) == [False, True]
    assert all(f"{other}_fail_rate" not in each.metrics for each in found if proven in each.metrics)
    day_: dict[str, Any] = {"k": 4, "n": 40, "severity": "low_evidence", "length_s": 86_400}
    of_other = anomaly(WHOLE, "fnmr" if proven == "bpcer" else "bpcer", minute=0, **day_)
    assert len(_found([broken, of_other])) == 2
    both = [_chart(metric=f"{each}_fail_rate", since=0, until=400) for each in (own, other)]
    (one,) = _found([broken, *both])
    assert {proven, f"{other}_fail_rate"} <= set(one.metrics)


@pytest.mark.parametrize(
    ("lasted_h", "gap_h", "incidents"),
    [(0.5, 0.9, 1), (1, 1.5, 2), (4, 1.9, 1), (4, 2.5, 2), (24, 11, 1), (24, 13, 2), (200, 23, 1), (200, 25, 2)],
)
def test_what_lasted_long_is_the_same_when_it_comes_back_later(lasted_h: float, gap_h: float, incidents: int) -> None:
    """Half of the time that it lasted, an hour at least and a day at most."""
    end, back = round(lasted_h * 60), round((lasted_h + gap_h) * 60)
    first, again = _chart(since=0, until=30), _chart(since=back, until=back + 60)
    over = within(first, end, known_at=MIDNIGHT + timedelta(minutes=end + 90))
    for order in permutations([first, over, again]):
        state = Incidents()
        for each in order:
            state, changes = regrouped(take(state, [each]))
        assert len([each for each in state.incidents.values() if each.state != "merged"]) == incidents
    assert changes


def test_what_comes_while_one_stands_is_of_that_and_not_of_another_that_is_over() -> None:
    """However soon after the end of the other: errors of the other check, which had begun later and lasted for long."""
    standing = _chart(since=0, until=60)
    other = _chart(metric="match_fail_rate", since=200, until=260)
    over = within(other, 1640, known_at=MIDNIGHT + timedelta(minutes=1700))
    later = _chart(metric="rejection_rate", since=2000, until=2100)
    found = {each.anomaly_id: finding_of(each) for each in (standing, later)}
    found[other.anomaly_id] = merged(finding_of(other), finding_of(over))
    assert [each.metrics for each in gathered(found, {})] == [
        ("liveness_fail_rate", "rejection_rate"),
        ("match_fail_rate",),
    ]


@pytest.mark.parametrize("severity", ["low_evidence", "high"])
def test_what_may_come_of_two_that_stand_comes_of_the_one_that_is_sure(severity: str) -> None:
    """Low evidence comes by chance every day, and takes nothing from what stands; of two that are sure, the later."""
    standing = _chart(since=0, until=60)
    other = _chart(metric="match_fail_rate", since=200, until=260, severity=severity)
    later = _chart(metric="retry_rate", since=300, until=400)
    liveness, match = (each.metrics for each in _found([standing, other, later]))
    assert ("retry_rate" in liveness, "retry_rate" in match) == (severity == "low_evidence", severity == "high")


def test_what_comes_back_later_is_told_as_the_same_again() -> None:
    """It had ended; errors of the other check, and what begins to the minute, are news all the same."""
    first = _chart(since=0, until=60)
    over = within(first, 1440, known_at=MIDNIGHT + timedelta(minutes=1500))
    before = regrouped(take(Incidents(), [first, over])).state
    again = _chart(since=1900, until=2000)
    ((changed,), told) = (regrouped(take(before, [again])).changes, before.incidents)
    assert change_of(changed, told[changed.incident_id]) == "again"
    match = _chart(metric="match_fail_rate", since=1900, until=2000)
    closed = anomaly(WHOLE, "liveness_fail_rate", rule="collapse", k=500, n=500, minute=1900, affected=500.0)
    for other in (match, closed):
        (news,) = regrouped(take(before, [other])).changes
        assert news.incident_id not in told


def test_a_value_that_chance_makes_the_highest_is_a_part_of_its_tenants_incident() -> None:
    """Its chart is in another rate than the tenant's; one that stands out is a cause of its own."""
    tenant = _chart(metric="match_fail_rate", since=300, until=480, k=160, n=8600)
    findings = {}
    for k in (165, 260):
        value = _chart(_HANDSET, "rejection_rate", since=360, until=540, k=k, n=3700, baseline=0.026)
        findings = {each.anomaly_id: finding_of(each) for each in (tenant, value)}
        panels = {panel: {WHOLE: (500 + k - 165, 14_800)} for panel in _panels(value)}
        expected = [WHOLE] if k == 165 else [WHOLE, _HANDSET]
        assert sorted((e.root.where for e in gathered(findings, panels)), key=str) == sorted(expected, key=str)


def _panels(of: Anomaly) -> Sequence[Any]:
    return [panel_of(finding_of(of))]
