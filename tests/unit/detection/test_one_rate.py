"""A sentence compares a slice with the rest of its tenant in one rate, counted of the same attempts in one window."""

from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, counted_as
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, count, observe, regrouped, take
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

_SDK: Final = ("sdk_version", "4.3.0")
_DAY: Final = 86_400


def _told(findings: list[Anomaly], counts: dict[str, dict[Slice, tuple[int, int]]]) -> Incident:
    state = take(Incidents(), findings)
    for metric, slices in counts.items():
        for where, (k, n) in slices.items():
            state = count(state, Panel(metric, _DAY, ms_of(MIDNIGHT)), where, k, n)
    (found,) = regrouped(state).changes
    return found


def _of_day(metric: str, k: int, n: int, baseline: float, **more: Any) -> Anomaly:
    return anomaly(_SDK, metric, k=k, n=n, minute=0, length_s=_DAY, baseline=baseline, **more)


_RETRIES: Final[dict[Slice, tuple[int, int]]] = {WHOLE: (111, 1013), _SDK: (71, 267)}


def test_the_rest_is_that_of_the_rate_that_is_told() -> None:
    """Retries named the root; what is told is liveness, of which the rest is counted as well."""
    findings = [_of_day("retry_rate", 71, 267, 0.05), _of_day("liveness_fail_rate", 61, 265, 0.02)]
    found = _told(findings, {"retry_rate": _RETRIES, "liveness_fail_rate": {WHOLE: (77, 1009), _SDK: (61, 265)}})
    assert found.lead.metric == "liveness_fail_rate"
    assert "the rest is at 2.15 % (16 of 744), expected 2 %" in incident_sentence(found)


def test_where_the_rest_is_not_counted_of_that_rate_nothing_is_said_of_it() -> None:
    """Not even which part of the excess it holds."""
    findings = [_of_day("retry_rate", 71, 267, 0.05), _of_day("liveness_fail_rate", 61, 265, 0.02)]
    found = _told(findings, {"retry_rate": _RETRIES})
    assert found.lead.metric == "liveness_fail_rate"
    assert (found.root.where, found.root.share, found.root.rest) == (_SDK, None, None)
    assert "the rest" not in incident_sentence(found)
    assert "of the excess" not in incident_sentence(found)


@pytest.mark.parametrize("metric", ["liveness_fail_rate", "rejection_rate"])
def test_first_attempts_are_compared_with_first_attempts(metric: str) -> None:
    """Of all attempts the rest has more trials, and fails more often."""
    findings = [
        _of_day(metric, 50, 200, 0.02, counted="first_attempts"),
        _of_day("retry_rate", 71, 267, 0.05, severity="low_evidence"),
    ]
    of_all, of_first = {WHOLE: (140, 1013), _SDK: (71, 267)}, {WHOLE: (62, 800), _SDK: (50, 200)}
    found = _told(findings, {metric: of_all, counted_as(metric, "first_attempts"): of_first, "retry_rate": _RETRIES})
    assert found.lead.counted == "first_attempts"
    assert "the rest is at 2 % (12 of 600)" in incident_sentence(found)


def test_what_a_chart_has_counted_since_is_not_compared_with_the_window_that_was_sure() -> None:
    """It holds that part of the excess of the window; beside 120 of 600 the rest of that window says nothing."""
    fields: dict[str, Any] = {"rule": "cusum", "direction": "up", "since": MIDNIGHT, "baseline": 0.02, "first": 0}
    first = anomaly(_SDK, k=30, n=100, minute=0, length_s=7200, affected=28.0, **fields)
    more = anomaly(_SDK, k=120, n=600, minute=0, length_s=28800, affected=108.0, **fields)
    more = Anomaly(**{name: getattr(more, name) for name in more.__struct_fields__}
                   | {"revision": 2, "anomaly_id": first.anomaly_id})  # fmt: skip
    state = Incidents()
    for where, kn in {WHOLE: (38, 500), _SDK: (30, 100)}.items():
        state = count(state, Panel("liveness_fail_rate", 7200, ms_of(MIDNIGHT)), where, *kn)
    (found,) = observe(state, [first]).changes
    assert "the rest is at 2 % (8 of 400), expected 2 %" in incident_sentence(found)
    (found,) = observe(state, [first, more]).changes
    assert "120 of 600" in incident_sentence(found)
    assert "It holds 100 % of the excess of bank." in incident_sentence(found)
