"""Whom a finding harms, and what is to be done for them: one table of rules, metrics and directions. Pure.

The direction is that of the figure. More rejections keep people out, fewer let people in; scores that rise let people
in; of rates that labels prove it is known who was harmed. What says nothing of who passes harms nobody by itself.
"""

from typing import Final, Literal

from proofwatch.detection.findings import INJECTED, PEOPLE_REFERRED, excess
from proofwatch.events.types import Anomaly

Harm = Literal["attackers_in", "people_in", "people_out", "genuine_out", "sent_on", "kept_waiting", "nobody"]
"""attackers_in: labels say that who passed is an attacker or impostor; people_in: more pass than usual; people_out:
more are kept out than usual, attackers perhaps; genuine_out: labels say that who was kept out is genuine; sent_on: more
are asked to try again or referred to people; kept_waiting: it takes people longer."""
LETS_IN: Final[frozenset[Harm]] = frozenset({"attackers_in", "people_in"})
KEEPS_OUT: Final[frozenset[Harm]] = frozenset({"people_out", "genuine_out", "sent_on"})

_AT_BOUND: Final = "saturation"
_OF_VERSIONS: Final = "version_change"
_OF_SCORES: Final = frozenset({"saturation", "score_shift"})
_OF_ANOTHER_TIME: Final = frozenset({_OF_VERSIONS, "limit_breach", "sequential_limit"})
_CLOSED: Final = frozenset({("collapse", "up"), ("saturation", "down"), ("score_shift", "down")})
_NOBODY: Final = frozenset({"volume", "silence"})
ATTACKS: Final = frozenset({"fmr", "apcer", "iapar", "far", INJECTED})
_GENUINE: Final = frozenset({"fnmr", "bpcer", "bpnrr"})
_SENT_ON: Final = frozenset({"refer_rate", "retry_rate", PEOPLE_REFERRED})


def harm_of(anomaly: Anomaly) -> Harm:
    """Return whom a finding harms by what it is beyond the expected."""
    metric, down = anomaly.metric.partition(":")[0], anomaly.direction == "down"
    if anomaly.rule in _NOBODY:
        return "nobody"
    if anomaly.rule in _OF_SCORES:
        return "people_out" if down else "people_in"
    if anomaly.rule == "few_values":  # scores that are all alike may be high ones or low ones: nobody knows
        return "nobody"
    if anomaly.rule == "missing_scores":
        return "nobody" if down else "people_out"
    if metric.endswith("_ms"):
        return "nobody" if down else "kept_waiting"
    if anomaly.rule == _OF_VERSIONS and metric.endswith("_score"):  # how many lie otherwise is no number of people
        return "nobody" if not anomaly.misjudged else "people_out" if down else "people_in"
    return _of_rate(metric, down=down)


def _of_rate(metric: str, *, down: bool) -> Harm:
    if metric in ATTACKS:
        return "nobody" if down else "attackers_in"
    if metric in _GENUINE:
        return "nobody" if down else "genuine_out"
    if metric in _SENT_ON:
        return "people_in" if down else "sent_on"
    return "people_in" if down else "people_out"


def harmed(anomaly: Anomaly) -> float:
    """Return about how many people a finding harms; 0: nobody, or nobody knows how many.

    Of those whom a check let pass whoever they were only as many as it usually refuses were let in wrongly.
    """
    if anomaly.misjudged is not None:
        return anomaly.misjudged
    unknown = anomaly.rule == "score_shift" and anomaly.affected is None
    if unknown or harm_of(anomaly) == "nobody":
        return 0.0
    passed_all = anomaly.rule == _AT_BOUND and harm_of(anomaly) == "people_in"
    return excess(anomaly) * ((anomaly.refused_rate or 0.0) if passed_all else 1.0)


def unchecked(anomaly: Anomaly) -> float:
    """Return how many attempts passed whoever came, by a finding that the check refused nobody; 0: it says no such."""
    if harm_of(anomaly) != "people_in":
        return 0.0
    if anomaly.rule == _AT_BOUND:
        return excess(anomaly)
    return float(anomaly.n - anomaly.k) if anomaly.rule == "collapse" else 0.0


def unjudged(anomaly: Anomaly) -> float:
    """Return about how many attempts got one of a few scores whoever came, high ones or low ones; 0: it says no such.

    Its counts are of pairs.
    """
    return anomaly.affected or 0.0 if anomaly.rule == "few_values" else 0.0


def lets_in(anomaly: Anomaly) -> bool | None:
    """Return whether more people pass than usual, or fewer; None: it does not say.

    So it is of what labels prove of weeks, and of the comparison of a version with others.
    """
    harm = harm_of(anomaly)
    if anomaly.rule in _OF_ANOTHER_TIME or (anomaly.rule in _OF_SCORES and anomaly.direction is None):
        return None
    return True if harm == "people_in" else False if harm in KEEPS_OUT else None


def shuts(anomaly: Anomaly) -> bool:
    """Return whether a finding of minutes says that nobody passes any more, or hardly anybody."""
    return (anomaly.rule, anomaly.direction) in _CLOSED
