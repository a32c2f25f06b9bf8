"""How sure a finding or an incident is, in words that match how its rule decides.

A rule with a budget of false alarms says how often one comes where nothing is wrong; a test of one look says how many
looks make one so extreme; of what labels prove it is the confidence. The numbers are those of docs/detectors.md.
"""

from typing import Final

from proofwatch.detection.incident import Incident
from proofwatch.detection.label_words import LABELS
from proofwatch.detection.words import number
from proofwatch.events.types import Anomaly

_OF_LIMITS: Final = frozenset({"limit_breach", "sequential_limit"})
_BY_ITS_HABITS: Final = "it is far outside of what this tenant's own weeks were"
_BUDGETS: Final = {
    "cusum": "where nothing is wrong, a tenant has one about once in three years",
    "far": "where nothing is wrong, a tenant has one about once in 25 years",
    "collapse": "by chance a tenant has one less than once in 1,000 years",
    "saturation": "by chance a tenant has one less than once in 1,000 years",
    "few_values": "by chance a tenant has one less than once in 1,000 years",
    "missing_scores": "by chance a tenant has one less than once in 1,000 years",
    "volume": "by chance a tenant has one less than once in 1,000 years",
    "score_shift": "where nothing is wrong, a tenant has one about once in 40 years",
    "version_change": "of 100 versions that change nothing, at most one is accused",
    "timing_jump": "where nothing is wrong, a tenant has one less than once in five years",
    LABELS: _BY_ITS_HABITS,
}
"""How often a rule errs at high severity; `far` and labels by their metric."""
_LOW: Final = {
    "cusum": "such findings come by chance, several a day",
    "volume": "its habits are not known for long enough",
    "version_change": "other people may be the reason",
    LABELS: "it may be a longer rest than usual",
}
_YEAR_DAYS: Final = 365.0


def finding_certainty(anomaly: Anomaly) -> str:
    """Return how sure one finding is, as a sentence."""
    if anomaly.rule in _OF_LIMITS:
        return _of_limit(anomaly)
    if anomaly.rule == "twice_baseline":
        if anomaly.severity == "high":
            return f"Sure: chance makes one so extreme in one of {_odds(anomaly.p_value)} windows."
        return "Weak evidence: longer windows decide."
    if anomaly.severity == "high":
        return f"Sure: {_budget(anomaly)}."
    return f"Weak evidence: {_low(anomaly)}."


def incident_certainty(incident: Incident) -> str:
    """Return how sure an incident is, as a sentence: by its lead where that is sure by itself."""
    lead = incident.lead
    if lead.rule in _OF_LIMITS:
        return _of_limit(lead)
    if incident.evidence == "weak":
        if lead.rule == "twice_baseline" and 0 < incident.chance < 1:
            return f"Weak evidence: chance makes one about every {number(1 / incident.chance, 2)} days of this tenant."
        return f"Weak evidence: {_low(lead)}."
    if lead.rule == "twice_baseline" and incident.chance > 0:
        return f"Sure: where nothing is wrong, a tenant has one {_years(incident.chance * _YEAR_DAYS)}."
    if lead.severity == "high" and lead.rule != "twice_baseline":
        return f"Sure: {_budget(lead)}."
    found = next((_BUDGETS[each] for each in incident.rules if each in _BUDGETS), None)
    return f"Sure: {found}." if found else "Sure: by labels."


def _of_limit(anomaly: Anomaly) -> str:
    if anomaly.severity == "high" and anomaly.rule == "limit_breach":
        return "Proven: the limit is broken, at 99 % confidence."
    if anomaly.severity == "high":
        return "Proven: all days together speak 10,000 to 1 against a limit that is kept."
    return "Proven: the target is missed, at 99 % confidence; of lower severity than a broken limit."


def _budget(anomaly: Anomaly) -> str:
    named = anomaly.metric.partition(":")[0]
    return _BUDGETS.get(named) or _BUDGETS.get(anomaly.rule, "its rule is wrong about once in a tenant's year at most")


def _low(anomaly: Anomaly) -> str:
    if anomaly.metric == LABELS:
        return _LOW[LABELS]
    return _LOW.get(anomaly.rule, "chance makes such findings every day")


def _years(a_year: float) -> str:
    if a_year > 1:
        return f"about {number(a_year, 2)} times a year"
    return "less than once in 1,000 years" if a_year < 1e-3 else f"about once in {number(1 / a_year, 2)} years"


def _odds(p: float) -> str:
    return "more than a billion" if p < 1e-9 else number(1 / p, 2)
