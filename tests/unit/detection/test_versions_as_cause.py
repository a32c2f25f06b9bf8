"""What a version did is one incident, with what its traffic does to the rates of a tenant; no more is laid to it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import gathered
from proofwatch.detection.revisions import finding_of
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

_VERSION: Final = ("matcher_version", "fm-7.2")
_DAY: Final = 1440
_BEGAN: Final = 540


def _changed(metric: str = "match_score", share: float = 0.06, **more: Any) -> Anomaly:
    """Return that a version which began at nine is another one, by so many of its transactions a hundred."""
    way = "down" if metric.endswith("_score") else "up"
    fields: dict[str, Any] = {
        "length_s": 18_000,
        "direction": way,
        "affected": share * 800,
        "k": 400,
        "n": 800,
        "baseline": 0.5,
    }
    return anomaly(_VERSION, metric, rule="version_change", minute=_BEGAN, **(fields | more))


def _chart(since: int, k: int, n: int = 2000, metric: str = "rejection_rate", **more: Any) -> Anomaly:
    """Return what a chart of the tenant was sure of seven hours after minute `since`, where 4 % are usual."""
    bounds = {"since": 0, "since_low": -60, "since_high": 60}
    fields: dict[str, Any] = {name: MIDNIGHT + timedelta(minutes=since + by) for name, by in bounds.items()}
    fields |= {"baseline": 0.04, "direction": "up", "affected": k - 0.04 * n, "length_s": 7 * 3600}
    return anomaly(WHOLE, metric, rule="cusum", k=k, n=n, minute=since, **(fields | more))


def _found(anomalies: Iterable[Anomaly], tables: Mapping[Panel, Mapping[Slice, tuple[int, int]]]) -> list[Incident]:
    return gathered({each.anomaly_id: finding_of(each) for each in anomalies}, tables)


def _roots(
    anomalies: Iterable[Anomaly], tables: Mapping[Panel, Mapping[Slice, tuple[int, int]]] | None = None
) -> set[Slice]:
    return {each.root.where for each in _found(anomalies, tables or {})}


def _all_of(chart: Anomaly, share: float = 1.0) -> dict[Panel, dict[Slice, tuple[int, int]]]:
    """Return the counts of a chart's window, `share` of them of the version."""
    part = (round(chart.k * share), round(chart.n * share))
    return {panel_of(finding_of(chart)): {WHOLE: (chart.k, chart.n), _VERSION: part}}


@pytest.mark.parametrize(("of_version", "roots"), [(1.0, {_VERSION}), (0.4, {_VERSION, WHOLE})])
def test_a_window_of_which_half_is_counted_by_version_is_taken_as_that_half(
    of_version: float, roots: set[Slice]
) -> None:
    """Windows of five minutes are too small to publish for a version; the day within the chart's window counts it."""
    late = _chart(_BEGAN + 2 * _DAY, 190)
    known = {WHOLE: (late.k, late.n)}
    known |= {_VERSION: (round(95 * of_version), round(1000 * of_version))}
    known |= {(_VERSION[0], "fm-7.1"): (95 - known[_VERSION][0], 1000 - known[_VERSION][1])}
    tables = {panel_of(finding_of(late)): known}
    for order in permutations([_changed("match_fail_rate", 0.05), late]):
        assert _roots(order, tables) == roots


@pytest.mark.parametrize("share", [1.0, 0.97, None])
@pytest.mark.parametrize("days", [0, 2, 9])
@pytest.mark.parametrize("metric", ["match_score", "match_fail_rate"])
def test_the_rates_of_a_tenant_that_runs_on_a_version_are_the_versions(
    share: float | None, days: int, metric: str
) -> None:
    """However much later they are sure, and whether windows count the version or not."""
    late = _chart(_BEGAN + days * _DAY, 190)
    tables = {} if share is None else _all_of(late, share)
    for order in permutations([_changed(metric), late]):
        assert _roots(order, tables) == {_VERSION}


@pytest.mark.parametrize("share", [1.0, None])
@pytest.mark.parametrize("metric", ["match_score", "match_fail_rate"])
def test_a_rise_beyond_what_the_version_changed_is_the_tenants_own(share: float | None, metric: str) -> None:
    """Six of a hundred lie otherwise; thirty of a hundred are rejected a week later."""
    late = _chart(_BEGAN + 7 * _DAY, 680)
    tables = {} if share is None else _all_of(late, share)
    for order in permutations([_changed(metric), late]):
        assert _roots(order, tables) == {_VERSION, WHOLE}


def test_what_there_was_before_the_version_is_the_tenants_own() -> None:
    """A chart whose bounds lie before it; what was sure only because of the version is the version's."""
    for k_since, expected in ((0.5, {_VERSION, WHOLE}), (1.0, {_VERSION})):
        before = _chart(_BEGAN - 300, 190, length_s=2 * 86_400)
        for order in permutations([_changed("match_fail_rate"), before]):
            tables = {panel_of(finding_of(before)): {WHOLE: (190, 2000), _VERSION: (round(40 + 110 * k_since), 1000)}}
            assert _roots(order, tables) == expected


def test_a_version_that_fails_less_or_takes_longer_explains_no_rejections() -> None:
    """Nor does one of the other check explain its errors."""
    late = _chart(_BEGAN + _DAY, 190)
    better = _changed("match_score", direction="up")
    slower = _changed("match_ms", direction="up")
    for each in (better, slower):
        assert _roots([each, late], _all_of(late)) == {_VERSION, WHOLE}
    liveness = _chart(_BEGAN + _DAY, 190, metric="liveness_fail_rate")
    assert _roots([_changed(), liveness], _all_of(liveness)) == {_VERSION, WHOLE}


@pytest.mark.parametrize(("later", "expected"), [(200, {_VERSION}), (4000, {_VERSION, WHOLE})])
def test_scores_that_jump_in_the_block_that_a_version_began_in_are_the_versions(
    later: int, expected: set[Slice]
) -> None:
    """Blocks of five hundred scores know since when to a block; a jump days later is another."""
    shift = anomaly(
        WHOLE, "match_score", rule="score_shift", k=300, n=500, minute=_BEGAN + later, length_s=5 * 3600, baseline=0.4,
        direction="down", affected=100.0,
    )  # fmt: skip
    for order in permutations([_changed(), shift]):
        assert _roots(order, _all_of(shift)) == expected


def test_a_version_says_when_it_began_however_long_it_was_compared() -> None:
    """Not the chart of its tenant, which only guesses it."""
    version = _changed("match_fail_rate", length_s=3 * 86_400)
    chart = _chart(_BEGAN - 200, 190, since_high=MIDNIGHT + timedelta(minutes=_BEGAN + 60))
    for order in permutations([version, chart]):
        (incident,) = _found(order, _all_of(chart))
        assert incident.since == MIDNIGHT + timedelta(minutes=_BEGAN)
        assert incident.since_low is None


@pytest.mark.parametrize(("minutes", "apart"), [(10, False), (120, True)])
def test_an_interval_that_ends_minutes_before_a_version_began_is_no_begin_before_it(minutes: int, apart: bool) -> None:
    """It holds the begin in nine of ten: what ends two hours before is another cause."""
    before = _chart(_BEGAN - 60 - minutes, 190)
    assert len(_roots([_changed("match_fail_rate"), before])) == (2 if apart else 1)
