"""The words of detection: what is counted, what is wrong, what to do, and how numbers are written."""

import re
from math import floor, isfinite, log10
from typing import Final

from proofwatch.detection.slice_names import is_plain

_SMALLEST: Final = 1e-6
CODE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
"""What is a code of ours, and no text of somebody else's."""
METRICS: Final = {
    "rejection_rate": "rejections",
    "retry_rate": "requests to try again",
    "refer_rate": "referrals to people",
    "people_refer_rate": "people referred for review",
    "match_fail_rate": "failed face matches",
    "liveness_fail_rate": "failed liveness checks",
    "fta_rate": "failures to acquire",
    "fta": "failures to acquire",
    "fmr": "impostors matched (FMR)",
    "fnmr": "genuine people not matched (FNMR)",
    "apcer": "attacks passed as bona fide (APCER)",
    "bpcer": "bona fide people rejected (BPCER)",
    "far": "frauds confirmed among accepted transactions (FAR)",
    "iapar": "attacks accepted by the whole system (IAPAR)",
    "injection_accept_rate": "injection attacks accepted by the whole system (IAPAR of injections)",
    "injection_pass_rate": "injection attacks passed as bona fide",
    "injection_non_response_rate": "injection attacks without a score",
    "apnrr": "attacks without a score (APNRR)",
    "bpnrr": "bona fide people without a score (BPNRR)",
    "riapar": "attacks accepted and people rejected (RIAPAR)",
    "match_missing_rate": "face match",
    "liveness_missing_rate": "liveness",
    "match_score": "face match scores",
    "liveness_score": "liveness scores",
    "capture_ms": "time to capture",
    "upload_ms": "time to upload",
    "match_ms": "time of the face match",
    "liveness_ms": "time of the liveness check",
}
BECAME: Final = {
    "refer_rate": "referred for review",
    "people_refer_rate": "referred for review",
    "retry_rate": "asked to try again",
}
"""Metrics of what becomes of an attempt that failed: nobody is rejected by it alone."""
TRY_AGAIN: Final = "look at what happens when they try again"
NEXT_STEPS: Final = {
    "flag_cohort_for_manual_review": "review its transactions by hand",
    "incident_review": "review it as an incident",
    "audit_and_threshold_proposal": "audit the check and propose a threshold",
    "step_up_mfa": "ask flagged users of the cohort for MFA",
    "system_audit_and_fraud_investigation": "audit the system and investigate the fraud",
    "hold_or_roll_back_release": "hold the roll-out, or roll it back",
}
ENDED: Final = {
    "no_traffic": "no traffic",
    "too_little_traffic": "too little traffic",
    "judged_anew": "judged anew after a governed change",
    "within": "within what is expected again",
}
ROLLED_BACK: Final = "no traffic of the new version any more, as after a roll-back"
KEEP_OUT: Final = "let it run nowhere again before it is mended, and review whom it kept out or let in"
"""What to do once a release that changed something is rolled back."""
SHAPES: Final = {
    "collapse": "no {metric} any more",
    "saturation": "{metric} let everybody pass",
    "few_values": "scores are all alike ({metric})",
    "score_shift": "{metric} are higher than before",
    "missing_scores": "scores are missing ({metric})",
    "volume": "traffic surges",
    "silence": "labels stopped coming",
    "limit_breach": "the limit is proven broken: {metric}",
    "sequential_limit": "the limit is proven broken: {metric}",
    "version_change": "{metric} changed with the new version",
    "timing_jump": "{metric} jumped",
}
SHAPES_OTHERWISE: Final = {
    ("collapse", "up"): "nothing but {metric}",
    ("saturation", "down"): "{metric} let nobody pass",
    ("score_shift", "down"): "{metric} are lower than before",
    ("volume", "down"): "traffic has all but stopped",
}
"""Of rules that look both ways: what the other direction is called."""
MISSED_TARGET: Final = "the target is missed, the limit is not proven broken: {metric}"
EVER_SO: Final = "more {metric} than the policy expects at {where}, from the first that is known on"
CHECK_EXPECTED: Final = (
    "check the threshold of the check, and what the policy expects of this tenant (monitoring.expected): nothing need "
    "have happened, for there is no earlier time to compare with"
)
ATTACKED: Final = "labels prove attacks: {metric}"
_ALL_IN: Final = "stop automatic activation until the check works again, and review who was accepted since"
LET_IN: Final = "find out why fewer fail than usual, and review who was accepted since"
HOLD_NAMED: Final = (
    "hold the accounts of those that labels name and were accepted (listed by: proofwatch accepted-attacks --tenant "
    "{tenant} --since {since} --by NAME --reason WHY, of a replay with --run FOLDER in place of name and reason)"
)
HOLD_ACCOUNTS: Final = f"{HOLD_NAMED}, and refuse what comes the same way until it is known how"
_ALL_OUT: Final = "repair the check, which refuses everybody, and ask who was refused since to come again"
NEXT_STEPS_BY_RULE: Final = {
    ("saturation", "up"): _ALL_IN,
    ("saturation", "down"): _ALL_OUT,
    ("collapse", "down"): _ALL_IN,
    ("collapse", "up"): _ALL_OUT,
    ("volume", "down"): (
        "see whether upstream stopped, or what lies on the way from there; a holiday that nobody named looks like this "
        "too (name it in the tenant's calendar, or by --holidays)"
    ),
}
"""What to do where the rule knows more than the action says."""


def metric_words(metric: str) -> str:
    """Return what a metric counts; of a species, of which."""
    name, _, species = metric.partition(":")
    words = METRICS.get(name, name.replace("_", " "))
    return f"{words} by {species}" if species else words


def plain_metric(metric: str) -> str:
    """Return a metric as a notice may name it: without text of somebody else's."""
    name, of, species = metric.partition(":")
    if not CODE.fullmatch(name):
        return "unnamed"
    return metric if not of or is_plain(species) else name


def percent(rate: float) -> str:
    """Return a rate in percent, three digits of it."""
    return f"{number(100 * rate)} %"


def number(value: float, digits: int = 3) -> str:
    """Return a number for people: so many digits of it, no power of ten, and words for what is no number."""
    if not isfinite(value):
        return "an unknown number" if value != value else "beyond all numbers"
    if value == 0 or abs(value) < _SMALLEST:
        return "0" if value == 0 else f"less than {_SMALLEST:f}".rstrip("0")
    places = max(0, digits - 1 - floor(log10(abs(value))))
    said = f"{value:,.{places}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said
