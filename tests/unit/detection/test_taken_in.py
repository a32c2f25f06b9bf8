"""A limit of genuine people that labels prove broken is told with what showed the same cause in real time."""

from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, forget, observe, regrouped, take
from proofwatch.detection.revisions import finding_of
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_DAY: Final = 1440
_MODEL: Final[Slice] = ("device_model", "A-1801")
_RATE: Final = {"bpcer": "liveness_fail_rate", "fnmr": "match_fail_rate"}


def chart(where: Slice, metric: str, day: int = 0) -> Anomaly:
    """Return what a chart was sure of within three hours of a day's afternoon."""
    since = MIDNIGHT + timedelta(days=day, minutes=840)
    around = {f"since_{side}": since + timedelta(minutes=by) for side, by in (("low", -20), ("high", 20))}
    fields: dict[str, Any] = {"length_s": 10_800, "since": since, "known_at": since + timedelta(hours=3)}
    return anomaly(where, metric, rule="cusum", minute=day * _DAY + 840, k=60, n=300, **fields, **around)


def limit(metric: str, rule: str = "limit_breach", known: int = 9) -> Anomaly:
    """Return that labels prove a limit broken by 28 days, of which none stands out; known a week later."""
    return anomaly(
        WHOLE, metric, rule=rule, k=40, n=1_800, baseline=0.01, length_s=28 * 86_400, minute=-22 * _DAY, affected=22.0,
        cadence="at_once", direction="up", known_at=MIDNIGHT + timedelta(days=known),
    )  # fmt: skip


def told(*found: Anomaly, days: dict[int, tuple[int, int]], where: Slice, weeks: tuple[int, int]) -> list[Incident]:
    """Return the incidents, by labelled days of the slice and its labels of all weeks."""
    tables: dict[Panel, dict[Slice, tuple[int, int]]] = {}
    for each in found:
        if each.state == "firing":
            whole = (each.k, each.n) if each.rule == "limit_breach" else (80, 1_300)
            own = weeks if each.rule == "limit_breach" else (each.k, each.n)
            tables[panel_of(finding_of(each))] = {where: own, WHOLE: whole}
    metric = next(each.metric for each in found if each.metric in _RATE)
    for day, counts in days.items():
        panel = Panel(metric, 86_400, ms_of(MIDNIGHT) + day * _DAY * 60_000)
        tables[panel] = {WHOLE: (counts[0] + 1, counts[1] + 50), where: counts}
    state = Incidents(tables=tables)
    for each in found:
        state, _ = regrouped(take(state, [each]))
    return [each for each in state.incidents.values() if each.state != "merged"]


_OF_THE_DAY: Final = {-10: (0, 12), -5: (1, 12), 0: (30, 40), 3: (0, 12)}


@pytest.mark.parametrize("metric", sorted(_RATE))
@pytest.mark.parametrize("where", [_MODEL, WHOLE])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_it_is_one_incident_with_what_labels_prove(metric: str, where: Slice, order: tuple[int, ...]) -> None:
    """Of its day are nearly all errors beyond the limit; it began with the chart, is over, and keeps its id."""
    live = chart(where, _RATE[metric])
    ended = within(live, _DAY)
    both = (live, limit(metric))
    weeks = (40, 1_800) if where == WHOLE else (31, 76)
    (alone,) = told(live, ended, within(limit(metric), 9), days={}, where=where, weeks=(0, 0))
    (one,) = told(*(both[each] for each in order), ended, days=_OF_THE_DAY, where=where, weeks=weeks)
    assert one.root.where == where
    assert set(one.rules) == {"cusum", "limit_breach"}
    assert set(one.metrics) == {metric, _RATE[metric]}
    assert (one.since, one.state, one.until) == (live.since, "ended", ended.window_start)
    assert one.incident_id == alone.incident_id


@pytest.mark.parametrize("days", [{-10: (8, 60), -5: (9, 60), 0: (6, 40), 3: (8, 60)}, {}])
def test_a_limit_that_was_broken_on_other_days_too_is_a_cause_of_its_own(days: dict[int, tuple[int, int]]) -> None:
    """The day of the chart holds a fifth of it, or nobody knows."""
    live = chart(_MODEL, "liveness_fail_rate")
    found = told(live, limit("bpcer"), days=days, where=_MODEL, weeks=(31, 220))
    assert sorted(each.rules for each in found) == [("cusum",), ("limit_breach",)]


def test_errors_of_the_other_check_are_not_taken_in() -> None:
    """People who fail the match are another cause than people who fail liveness."""
    found = told(chart(_MODEL, "liveness_fail_rate"), limit("fnmr"), days=_OF_THE_DAY, where=_MODEL, weeks=(31, 76))
    assert sorted(each.rules for each in found) == [("cusum",), ("limit_breach",)]


@pytest.mark.parametrize("metric", sorted(_RATE))
@pytest.mark.parametrize("where", [_MODEL, WHOLE])
@pytest.mark.parametrize("of_day", [False, True])
def test_labels_that_come_when_the_findings_are_forgotten_are_taken_in(
    metric: str, where: Slice, *, of_day: bool
) -> None:
    """The incident is over for a week, and keeps its id, its begin and its end."""
    live = chart(where, _RATE[metric])
    state = observe(observe(Incidents(), [live]).state, [within(live, _DAY)]).state
    (before,) = state.incidents.values()
    kept = forget(state, ms_of(MIDNIGHT) + 8 * _DAY * 60_000)
    assert not kept.findings
    late = limit(metric)
    if of_day:
        late = anomaly(where, metric, k=31, n=76, baseline=0.01, length_s=86_400, minute=0, direction="up")
    (after,) = observe(_counted(kept, late, where), [late]).state.incidents.values()
    assert (after.incident_id, after.since, after.until, after.state) == (
        before.incident_id, before.since, before.until, "ended"
    )  # fmt: skip
    assert late.anomaly_id in after.children
    assert metric in after.metrics


@pytest.mark.parametrize(("k", "joins"), [(24, True), (60, False)])
def test_a_slice_that_labels_accuse_beside_an_incidents_own_is_taken_in_where_counts_name_the_one_root(
    k: int, *, joins: bool
) -> None:
    """A handset holds half of the errors of a release's day; one that holds nearly all is a cause of its own."""
    sdk: Slice = ("sdk_version", "11.1.4")
    live = chart(sdk, "liveness_fail_rate")
    state = observe(observe(Incidents(), [live]).state, [within(live, _DAY)]).state
    kept = forget(state, ms_of(MIDNIGHT) + 8 * _DAY * 60_000)
    late = anomaly(_MODEL, "bpcer", k=k, n=242, baseline=0.01, length_s=86_400, minute=0, direction="up")
    table = {WHOLE: (62, 2_029), sdk: (45, 647), _MODEL: (k, 242)}
    found = observe(kept._replace(tables={panel_of(finding_of(late)): table}), [late]).state.incidents
    assert len(found) == (1 if joins else 2)


def test_a_later_day_of_labels_is_not_of_an_incident_that_was_over() -> None:
    """What labels prove of the third day is news of its own, though the first day's incident is of the same slice."""
    live = chart(_MODEL, "liveness_fail_rate")
    state = observe(observe(Incidents(), [live]).state, [within(live, _DAY)]).state
    kept = forget(state, ms_of(MIDNIGHT) + 8 * _DAY * 60_000)
    late = anomaly(_MODEL, "bpcer", k=31, n=76, baseline=0.01, length_s=86_400, minute=3 * _DAY, direction="up")
    assert len(observe(kept, [late]).state.incidents) == 2


def _counted(state: Incidents, late: Anomaly, where: Slice) -> Incidents:
    """Return the state with the labels of the days and of the window of a finding."""
    tables = {
        Panel(late.metric, 86_400, ms_of(MIDNIGHT) + day * _DAY * 60_000): {WHOLE: (k + 1, n + 50), where: (k, n)}
        for day, (k, n) in _OF_THE_DAY.items()
    }
    whole = (late.k, late.n)
    tables[panel_of(finding_of(late))] = {WHOLE: whole, where: whole if where == WHOLE else (31, 76)}
    return state._replace(tables=tables)
