"""Whom each kind of finding harms: a table over rules, metrics and directions, and words that do not contradict it."""

from typing import Any, Final, get_args

import pytest

from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.harm import KEEPS_OUT, LETS_IN, harm_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.sentences import finding_sentence, incident_sentence
from proofwatch.events.enumerations import AnomalyRule
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import anomaly

_RATES: Final = ("cusum", "twice_baseline", "version_change", "collapse")
_PROXIES: Final = ("rejection_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
_LABELLED: Final = ("fnmr", "bpcer")
_LET_IN: Final = ("fmr", "apcer", "apcer:mask", "iapar", "injection_accept_rate")
TABLE: Final = {
    **{(rule, metric): ("people_out", "people_in") for rule in _RATES for metric in _PROXIES},
    **{
        (rule, metric): ("sent_on", "people_in")
        for rule in _RATES[:3]
        for metric in ("retry_rate", "refer_rate", "people_refer_rate")
    },
    **{
        (rule, metric): ("genuine_out", "nobody") for rule in ("twice_baseline", "limit_breach") for metric in _LABELLED
    },
    **{(rule, m): ("attackers_in", "nobody") for rule in ("twice_baseline", "limit_breach") for m in _LET_IN},
    ("sequential_limit", "apcer"): ("attackers_in", "nobody"),
    ("cusum", "far"): ("attackers_in", "nobody"),
    **{("saturation", metric): ("people_in", "people_out") for metric in ("match_score", "liveness_score")},
    **{("score_shift", metric): ("people_in", "people_out") for metric in ("match_score", "liveness_score")},
    **{("few_values", metric): ("nobody", "nobody") for metric in ("match_score", "liveness_score")},
    **{("version_change", metric): ("nobody", "nobody") for metric in ("match_score", "liveness_score")},
    **{
        ("missing_scores", metric): ("people_out", "nobody")
        for metric in ("match_missing_rate", "liveness_missing_rate")
    },
    **{(rule, "capture_ms"): ("kept_waiting", "nobody") for rule in ("timing_jump", "version_change")},
    ("volume", "transactions"): ("nobody", "nobody"),
    ("volume", "labels"): ("nobody", "nobody"),
    ("silence", "labels"): ("nobody", "nobody"),
}
"""By rule and metric: whom it harms upwards, and downwards."""
_CASES: Final = [
    (*kind, way, harm) for kind, both in TABLE.items() for way, harm in zip(("up", "down"), both, strict=True)
]
_SAYS_IN: Final = (
    "wrongly accepted",
    "who was accepted since",
    "lets everybody through",
    "labels name and were accepted",
)
_SAYS_OUT: Final = ("rejected beyond", "refuses everybody", "needlessly")


def found(where: Slice, rule: str, metric: str, direction: str, *, severity: str = "high") -> Anomaly:
    k = 10 if direction == "down" else 800
    action = "audit_and_threshold_proposal" if rule == "limit_breach" else "incident_review"
    more: dict[str, Any] = {"affected": 200.0} if rule in ("saturation", "collapse", "missing_scores") else {}
    return anomaly(
        where,
        metric,
        rule=rule,
        k=k,
        n=1000,
        baseline=0.2,
        direction=direction,
        action=action,
        severity=severity,
        **more,
    )


def incident(*fired: Anomaly) -> Incident:
    (one,) = observe(Incidents(), fired).state.incidents.values()
    return one


def test_every_rule_is_in_the_table() -> None:
    """A new one says whom it harms."""
    assert {rule for rule, _ in TABLE} == set(get_args(AnomalyRule))


@pytest.mark.parametrize(("rule", "metric", "direction", "harm"), _CASES)
@pytest.mark.parametrize("severity", ["high", "low_evidence"])
def test_words_harm_and_next_step_say_the_same(
    rule: str, metric: str, direction: str, harm: str, severity: str
) -> None:
    """Who is let in is never told with words for who is kept out, nor the other way round; nobody is nobody."""
    fired = found(WHOLE, rule, metric, direction, severity=severity)
    assert harm_of(fired) == harm
    one = incident(fired)
    assert (one.accepted >= 1) == (harm in LETS_IN and rule != "score_shift")
    assert (one.rejected >= 1) == (harm in KEEPS_OUT and rule != "score_shift")
    for said in (finding_sentence(fired, "all of bank"), incident_sentence(one)):
        assert harm in LETS_IN or not [each for each in _SAYS_IN if each in said]
        assert harm in KEEPS_OUT or not [each for each in _SAYS_OUT if each in said]
        assert ("labels say that" in said) == (harm in ("attackers_in", "genuine_out"))
    assert (one.severity == "critical") == (one.accepted >= 1 and one.evidence == "strong")


@pytest.mark.parametrize("rule", ["saturation", "collapse"])
@pytest.mark.parametrize("severity", ["high", "low_evidence"])
def test_who_is_let_in_and_who_is_kept_out_are_two_incidents(rule: str, severity: str) -> None:
    """A check that fails open while a chart of rejections goes on: neither is told with the other's words."""
    way = "up" if rule == "saturation" else "down"
    metric = "liveness_score" if rule == "saturation" else "liveness_fail_rate"
    opened = found(WHOLE, rule, metric, way)
    chart = found(WHOLE, "cusum", "rejection_rate", "up", severity=severity)
    both = observe(Incidents(), [opened, chart]).state.incidents.values()
    assert {(each.accepted >= 1, each.rejected >= 1) for each in both} == {(True, False), (False, True)}
