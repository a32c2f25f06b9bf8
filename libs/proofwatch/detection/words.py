"""The words of detection: what is counted, what is wrong, what to do, and how numbers are written."""

import re
from typing import Final

from proofwatch.detection.findings import WHOLE, Slice

CODE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
"""What is a code of ours, and no text of somebody else's."""
METRICS: Final = {
    "rejection_rate": "rejections",
    "retry_rate": "requests to try again",
    "refer_rate": "referrals to people",
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
    "match_score": "face match scores",
    "liveness_score": "liveness scores",
    "capture_ms": "time to capture",
    "upload_ms": "time to upload",
    "match_ms": "time of the face match",
    "liveness_ms": "time of the liveness check",
}
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
SHAPES: Final = {
    "collapse": "{metric} were expected and did not come",
    "saturation": "scores are all at a bound ({metric})",
    "few_values": "scores are all alike ({metric})",
    "score_shift": "scores are distributed otherwise than before ({metric})",
    "missing_scores": "scores are missing ({metric})",
    "volume": "the volume of traffic left what is usual",
    "silence": "labels stopped coming",
    "limit_breach": "the limit is proven broken: {metric}",
    "sequential_limit": "the limit is proven broken: {metric}",
    "version_change": "{metric} changed with the new version",
    "timing_jump": "{metric} jumped",
}


def metric_words(metric: str) -> str:
    """Return what a metric counts; of a species, of which."""
    name, _, species = metric.partition(":")
    words = METRICS.get(name, name.replace("_", " "))
    return f"{words} by {species}" if species else words


def slice_words(where: Slice, tenant: str) -> str:
    """Return which transactions a slice are."""
    return f"all of {tenant}" if where == WHOLE else f"{where[0]} {where[1]} of {tenant}"


def slice_kind_words(where: Slice, tenant: str) -> str:
    """Return which transactions a slice are, for those who may not see the value: the attribute, if it is a code."""
    if where == WHOLE:
        return f"all of {tenant}"
    return f"one {where[0]} of {tenant}" if where[0] and CODE.fullmatch(where[0]) else f"one segment of {tenant}"


def percent(rate: float) -> str:
    """Return a rate in percent, three digits of it."""
    return f"{100 * rate:.3g} %"
