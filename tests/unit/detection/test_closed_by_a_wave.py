"""A wave of attacks that fail makes the whole tenant look as if its check had failed closed: it is the wave's doing."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from msgspec.structs import replace

from proofwatch.detection.findings import WHOLE, FindingHistory, Slice, panel_of
from proofwatch.detection.incidents import gathered
from proofwatch.detection.revisions import finding_of, merged
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_RELEASE: Final = ("sdk_version", "3.9.8")
_BEGAN: Final = 1360
_RULES: Final = (
    ("collapse", "liveness_fail_rate", "up"),
    ("collapse", "rejection_rate", "up"),
    ("saturation", "liveness_score", "down"),
    ("score_shift", "liveness_score", "down"),
)


def _attacks() -> Anomaly:
    """Return what a release's chart was sure of within half an hour: 60 of its 70 fail."""
    at = {f"since_{side}": MIDNIGHT + timedelta(minutes=_BEGAN + by) for side, by in (("low", -5), ("high", 5))}
    fields: dict[str, Any] = {"length_s": 1800, "since": MIDNIGHT + timedelta(minutes=_BEGAN), "direction": "up"}
    return anomaly(_RELEASE, "liveness_fail_rate", rule="cusum", k=60, n=70, minute=_BEGAN, **(fields | at))


_WAVE: Final = _attacks()


def _closed(rule: str, metric: str, way: str, after: int, k: int = 27) -> Anomaly:
    """Return that nobody passed at the whole tenant for a quarter of an hour, so many minutes after the wave began."""
    fields: dict[str, Any] = {"minute": _BEGAN + after, "direction": way, "affected": float(k), "k": k, "n": k}
    return anomaly(WHOLE, metric, rule=rule, length_s=900, **fields)


def _roots(
    findings: Sequence[FindingHistory], closed: Anomaly | None = None, known: tuple[int, int] | None = None
) -> set[Slice]:
    """Return the roots; windows know the release's trials of the wave, and `known` of them while nobody passed."""
    tables = {
        panel_of(each): {WHOLE: (each.latest.k + 2, 300), _RELEASE: (each.latest.k, each.latest.n)}
        for each in findings
        if each.where == _RELEASE
    }
    if closed and known:
        tables[panel_of(finding_of(closed))] = {WHOLE: (closed.k, closed.n), _RELEASE: known}
    found = gathered({each.latest.anomaly_id: each for each in findings}, tables)
    assert len({each.root.where for each in found}) == len(found)
    return {each.root.where for each in found}


@pytest.mark.parametrize("after", [5, 32, 75])
@pytest.mark.parametrize(("rule", "metric", "way"), _RULES)
@pytest.mark.parametrize("known", [(12, 12), (27, 27), None])
def test_nothing_but_failures_while_attacks_come_is_a_part_of_the_wave(
    rule: str, metric: str, way: str, after: int, known: tuple[int, int] | None
) -> None:
    """However long the wave has lasted, and though windows with few of it are not published."""
    closed = _closed(rule, metric, way, after)
    for order in permutations([finding_of(_WAVE), finding_of(closed)]):
        assert _roots(order, closed, known) == {_RELEASE}


@pytest.mark.parametrize(("rule", "metric", "way"), _RULES)
def test_a_chart_that_had_wandered_is_no_measure_of_the_wave_where_windows_count_it(
    rule: str, metric: str, way: str
) -> None:
    """It was sure by what came in four hours; two in three of who failed meanwhile are of the release."""
    slow = replace(_WAVE, window_start=_WAVE.window_start - timedelta(hours=3), k=44, n=61)
    closed = _closed(rule, metric, way, 75, k=120)
    assert _roots([finding_of(slow), finding_of(closed)], closed, (80, 83)) == {_RELEASE}
    assert _roots([finding_of(slow), finding_of(closed)], closed, (30, 30)) == {WHOLE, _RELEASE}


@pytest.mark.parametrize(("rule", "metric", "way"), _RULES)
def test_a_check_that_fails_closed_stands_alone(rule: str, metric: str, way: str) -> None:
    """Without a wave; hours after it; and while far more fail than it sends."""
    assert _roots([finding_of(_closed(rule, metric, way, 0))]) == {WHOLE}
    over = merged(finding_of(_WAVE), finding_of(within(_WAVE, _BEGAN + 40)))
    assert _roots([over, finding_of(_closed(rule, metric, way, 240))]) == {WHOLE, _RELEASE}
    for after in (5, 32, 75):
        assert _roots([finding_of(_WAVE), finding_of(_closed(rule, metric, way, after, k=270))]) == {WHOLE, _RELEASE}
    few = _closed(rule, metric, way, 75)
    assert _roots([finding_of(_WAVE), finding_of(few)], few, (3, 3)) == {WHOLE, _RELEASE}


@pytest.mark.parametrize(("rule", "metric"), [("collapse", "liveness_fail_rate"), ("missing_scores", "liveness_score")])
def test_what_a_wave_does_not_do_is_none_of_it(rule: str, metric: str) -> None:
    """Nobody failing, or scores that do not come, while attacks go on."""
    way = "down" if rule == "collapse" else "up"
    assert _roots([finding_of(_WAVE), finding_of(_closed(rule, metric, way, 75))]) == {WHOLE, _RELEASE}
