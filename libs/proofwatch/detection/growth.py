"""How much what labels prove of an incident has grown since people were told of it. Pure.

Labels come for weeks, and each evaluation that knows more is a revision; few of them are news. What is proven is told
anew when at least twice as many were wrongly accepted as people were told of, and at the incident's end, with both
numbers: from five told to n on log2(n / 5) messages at most. A severity that rises is told as ever.
"""

from typing import Final

from proofwatch.detection.harm import harm_of
from proofwatch.detection.incident import Incident
from proofwatch.events.enumerations import IncidentChange

NEWS: Final[frozenset[IncidentChange]] = frozenset({"began", "rose", "rose_again", "grew", "again", "ended"})
"""Changes that people are told of."""
_TIMES: Final = 2.0


def proven(incident: Incident) -> float:
    """Return how many labels say were wrongly accepted; 0: they prove nothing."""
    if incident.proof is not None:
        return float(incident.proof.accepted)
    return incident.accepted if harm_of(incident.lead) == "attackers_in" else 0.0


def grew(found: Incident, before: Incident) -> bool:
    """Return whether at least twice as many are proven as people were told of by the revision before."""
    now = proven(found)
    return now >= 1 and now >= _TIMES * before.told_proven


def counted_on(found: Incident, known: Incident) -> Incident:
    """Return the incident with what people were told of as the known revision has it: to see whether more is new."""
    return found._replace(told_proven=known.told_proven, told_from=known.told_from)


def grown_words(incident: Incident) -> str:
    """Return how many people were told of before, as a sentence; empty: they were told of none, or of as many."""
    told = f"{incident.told_from:,.0f}"
    if incident.told_from < 1 or told == f"{proven(incident):,.0f}":
        return ""
    return f"When it was told last they were {told}."


def growth_title(incident: Incident) -> str:
    """Return the head of a title: how many by now, and how many were told of."""
    told = f", {incident.told_from:,.0f} when last told" if incident.told_from >= 1 else ""
    return f"Labels by now prove {proven(incident):,.0f} wrongly accepted{told}"
