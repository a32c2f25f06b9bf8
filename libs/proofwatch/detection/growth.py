"""How much an incident has grown since people were told of it: what labels prove, or what a version changed. Pure.

Labels come for weeks, and each evaluation that knows more is a revision; few of them are news. What is proven is told
anew when at least twice as many were wrongly accepted, or rejected, as people were told of, at the incident's end, and
once labels have told no more of it for a week, each time with both numbers: from five told to n on log2(n / 5) messages
and a last one. So is what a new version does that goes on getting worse:
when it is twice as far from what ran before as it was told. A severity that rises is told as ever.
"""

from typing import Final, Literal

from proofwatch.detection.harm import harm_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.words import number, percent
from proofwatch.events.enumerations import IncidentChange

NEWS: Final[frozenset[IncidentChange]] = frozenset({"began", "rose", "rose_again", "grew", "traced", "again", "ended"})
"""Changes that people are told of."""
Kind = Literal["accepted", "rejected", ""]
_OF_LIMITS: Final = frozenset({"limit_breach", "sequential_limit"})
_OF_IT: Final = " of what was to be expected"
_TIMES: Final = 2.0
_AS_BEFORE: Final = 1.0
"""The ratio of a rate, or of durations, that is as it was; scores that lie as they did are at a distance of 0."""


def proven(incident: Incident) -> float:
    """Return how many labels say were wrongly accepted; 0: they prove nothing."""
    if incident.proof is not None:
        return float(incident.proof.accepted)
    return incident.accepted if harm_of(incident.lead) == "attackers_in" else 0.0


def _labels(incident: Incident) -> Kind:
    """Return what labels prove by what leads an incident: who was wrongly accepted, or rejected, or nothing."""
    if incident.proof is not None or harm_of(incident.lead) == "attackers_in":
        return "accepted"
    return "rejected" if incident.lead.rule in _OF_LIMITS and harm_of(incident.lead) == "genuine_out" else ""


def _counted(incident: Incident) -> float:
    return incident.rejected if _labels(incident) == "rejected" else proven(incident)


def grew(found: Incident, before: Incident) -> bool:
    """Return whether it is at least twice as much as people were told of by the revision before."""
    told = _told_before(found, before)
    if _compares(found):
        beyond = _as_before(found)
        return told > 0 and measured(found) - beyond >= _TIMES * (told - beyond)
    now = _counted(found)
    if told <= 0:  # what labels say of the genuine in what people know of is no more of it
        return now >= 1 and _labels(found) == "accepted"
    more = now > told and f"{now:,.0f}" != f"{told:,.0f}"
    return now >= _TIMES * told or (found.settled and more)


def grown(found: Incident, before: Incident | None, *, news: bool) -> Incident:
    """Return the incident with how much people were told of before it, and by it; `news`: they are told of it."""
    told = _told_before(found, before)
    return found._replace(told_from=told, told_proven=measured(found) if news else told)


def counted_on(found: Incident, known: Incident) -> Incident:
    """Return the incident with what people were told of as the known revision has it: to see whether more is new."""
    return found._replace(told_proven=known.told_proven, told_from=known.told_from)


def grown_words(incident: Incident) -> str:
    """Return how much people were told of before, as a sentence; empty: they were told of nothing, or of as much."""
    if _compares(incident):
        told, now = _far_off(incident, incident.told_from), _far_off(incident, measured(incident))
        return f"When it was told last it was {told}." if incident.told_from and told != now else ""
    told, last = f"{incident.told_from:,.0f}", " Labels have told no more of it for a week." if incident.settled else ""
    if incident.told_from < 1 or told == f"{_counted(incident):,.0f}":
        return ""
    return f"When it was told last it was {told} {_labels(incident)}.{last}"


def growth_title(incident: Incident) -> str:
    """Return the head of a title: how much by now, and how much was told of."""
    if _compares(incident):
        now, told = _far_off(incident, measured(incident)), _far_off(incident, incident.told_from)
        return f"By now {now}, {told.removesuffix(_unit(incident))} when last told"
    told = f", {incident.told_from:,.0f} when last told" if incident.told_from >= 1 else ""
    return f"Labels by now prove {_counted(incident):,.0f} wrongly {_labels(incident)}{told}"


def measured(incident: Incident) -> float:
    """Return what grows: how many labels prove accepted, or rejected, or how far off a version is."""
    return incident.lead.statistic or 0.0 if _compares(incident) else _counted(incident)


def _told_before(found: Incident, before: Incident | None) -> float:
    """Return how much people were told of; where another metric leads by now, as much as it is: nobody can compare."""
    if before is None:
        return 0.0
    if _compares(found) or _compares(before):
        same = (found.lead.metric, found.lead.direction) == (before.lead.metric, before.lead.direction)
        if not (same and _compares(found) and _compares(before)):
            return measured(found) if _compares(found) else 0.0
    if _labels(found) == "rejected" and _labels(before) != "rejected":
        return _counted(found)
    return before.told_proven if _labels(found) == _labels(before) or not _labels(before) else 0.0


def _compares(incident: Incident) -> bool:
    """Return whether it is what a new version does, as its comparison says and not labels."""
    return incident.proof is None and incident.lead.rule == VERSION_CHANGE


def _as_before(incident: Incident) -> float:
    return 0.0 if incident.lead.metric.endswith("_score") else _AS_BEFORE


def _far_off(incident: Incident, value: float) -> str:
    """Return how far a version is from what ran before; of a rate that fell which part of it is left."""
    share = _unit(incident) == _OF_IT
    return f"{percent(1 / value) if share and value else number(value)}{_unit(incident)}"


def _unit(incident: Incident) -> str:
    metric = incident.lead.metric
    if metric.endswith("_score"):
        return " standard deviations of ranks"
    if metric.endswith("_ms"):
        return " times as long"
    return _OF_IT if incident.lead.direction == "down" else " times as many"
