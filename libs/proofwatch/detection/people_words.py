"""Whom findings and incidents concern, in plain English: wrongly accepted, wrongly rejected, or sent another way."""

from collections.abc import Iterable

from proofwatch.detection.findings import excess, wrongly_accepted
from proofwatch.detection.incident import Incident, counts_people
from proofwatch.detection.words import BECAME
from proofwatch.events.types import Anomaly


def people_of(anomaly: Anomaly) -> str:
    """Return whom a finding concerns, as a sentence after a blank; empty where it is nobody."""
    number = excess(anomaly)
    if not counts_people(anomaly) or number < 1:
        return ""
    if wrongly_accepted(anomaly):
        return f" About {number:,.0f} people wrongly accepted."
    if anomaly.metric in BECAME:
        return f" {_more((anomaly.metric,), number)}"
    return f" About {number:,.0f} people more than expected: wrongly rejected, as far as they are no attackers."


def incident_people(incident: Incident) -> str:
    """Return whom an incident concerns, as sentences after a blank; empty where it is nobody."""
    told = f" About {incident.accepted:,.0f} wrongly accepted." if incident.accepted >= 1 else ""
    if incident.rejected < 1:
        return told
    if set(incident.metrics) <= BECAME.keys():
        return f"{told} {_more(incident.metrics, incident.rejected)}{_again(incident)}"
    beyond = f"{incident.rejected:,.0f} rejected beyond what was to be expected"
    return f"{told} About {beyond}: wrongly, as far as they are no attackers."


def _more(metrics: Iterable[str], number: float) -> str:
    """Return how many attempts more than expected came to what the metrics count: of one person they may be several."""
    became = " or ".join(sorted(BECAME[each] for each in metrics))
    return (
        f"About {number:,.0f} attempts {became} beyond what was to be expected: needlessly, as far as not by attackers."
    )


def _again(incident: Incident) -> str:
    """Return what it means that more becomes of who failed, and that no check is known to fail more often."""
    if incident.lead.direction == "down":
        return ""
    return " No check is known to fail more often by itself: who fails tries again more often, or fails again."
