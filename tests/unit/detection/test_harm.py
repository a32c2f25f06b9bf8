"""Whom each kind of finding harms: a table over rules, metrics and directions, and words that do not contradict it."""

from typing import Any, Final, get_args

import pytest
from msgspec.structs import replace

from proofwatch.detection.finding_words import finding_sentence
from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.harm import KEEPS_OUT, LETS_IN, harm_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.sentences import incident_sentence
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
    "passed unchecked",
    "who was accepted since",
    "lets everybody through",
    "labels name and were accepted",
)
_SAYS_OUT: Final = ("rejected beyond", "refuses everybody", "needlessly")


def found(where: Slice, rule: str, metric: str, direction: str, *, severity: str = "high") -> Anomaly:
    k = 10 if direction == "down" else 800
    action = "audit_and_threshold_proposal" if rule == "limit_breach" else "incident_review"
    more: dict[str, Any] = {"affected": 200.0} if rule in ("saturation", "collapse", "missing_scores") else {}
    more |= {"refused_rate": 0.1} if rule == "saturation" and direction == "up" else {}
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


@pytest.mark.parametrize(("usual", "said"), [(0.05, "about 2"), (0.001, "fewer than one"), (None, "an unknown number")])
def test_of_those_who_passed_unchecked_as_many_as_usual_are_let_in_wrongly(usual: float | None, said: str) -> None:
    """Not all of them are attackers; that they passed unchecked is known, and critical however few would be refused."""
    fired = anomaly(WHOLE, "liveness_score", rule="saturation", direction="up", k=35, n=35, baseline=0.0, affected=35.0)
    fired = replace(fired, refused_rate=usual)
    one = incident(fired)
    assert (one.unchecked, one.severity) == (35, "critical")
    assert one.accepted == pytest.approx(35 * (usual or 0.0))
    told = f"35 attempts passed unchecked, so far (by 2026-03-02 14:05 UTC): at the usual rate {said} of them would"
    assert told in incident_sentence(one)
    assert f"at the usual rate {said} of them would have been refused" in finding_sentence(fired, "all of bank")


def test_a_rate_that_collapses_says_of_how_many_who_passed() -> None:
    """All of its passes were unchecked; the failures that did not come are what was let in."""
    fired = anomaly(
        WHOLE, "rejection_rate", rule="collapse", direction="down", k=1, n=801, baseline=0.03, affected=23.0
    )
    one = incident(fired)
    assert (one.unchecked, one.accepted) == (800, 23)
    assert "800 attempts passed unchecked" in incident_sentence(one)
    assert "at the usual rate about 23 of them would have been refused" in incident_sentence(one)


def test_scores_that_are_all_alike_say_of_nobody_whether_they_should_have_passed() -> None:
    """High ones or low ones: nobody knows, and nobody is said to be rejected by them."""
    fired = anomaly(WHOLE, "match_score", rule="few_values", direction="down", k=900, n=1000, affected=80.0)
    one = incident(fired)
    assert (one.rejected, one.accepted, one.unchecked, one.severity) == (0, 0, 0, "high")
    for told in (incident_sentence(one), finding_sentence(fired, "all of bank")):
        assert "About 80 attempts got one of a few scores whoever they were" in told
        assert "rejected" not in told
