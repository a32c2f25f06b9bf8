"""Whom findings and incidents concern, in plain English: wrongly accepted, wrongly rejected, or sent another way."""

from collections.abc import Iterable
from typing import Final

from proofwatch.detection.findings import counts_once, excess, wrongly_accepted
from proofwatch.detection.incident import Incident, counts_people
from proofwatch.detection.words import BECAME
from proofwatch.events.types import Anomaly
from proofwatch.local_time import minute

_OF_ONE_WINDOW: Final = frozenset({"version_change", "twice_baseline"})
"""Rules that count what they were judged by, and no more while it goes on."""


def people_of(anomaly: Anomaly) -> str:
    """Return whom a finding concerns, as a sentence after a blank; empty where it is nobody."""
    number = excess(anomaly)
    if not counts_people(anomaly) or number < 1:
        return ""
    if wrongly_accepted(anomaly):
        return f" About {number:,.0f} people wrongly accepted."
    if anomaly.metric in BECAME:
        return f" {_more((anomaly.metric,), _counted(number, number if counts_once(anomaly) else None))}"
    return f" About {number:,.0f} people more than expected: wrongly rejected, as far as they are no attackers."


def incident_people(incident: Incident) -> str:
    """Return whom an incident concerns, as sentences after a blank; empty where it is nobody."""
    far = _by(incident)
    told = f" About {incident.accepted:,.0f} wrongly accepted{far}." if incident.accepted >= 1 else ""
    if incident.rejected < 1:
        return told
    if set(incident.metrics) <= BECAME.keys():
        number = _counted(incident.rejected, incident.rejected_people)
        return f"{told} {_more(incident.metrics, number, far)}{_again(incident)}"
    known = incident.rejected_people is not None
    number = _counted(incident.rejected, incident.rejected_people) if known else f"{incident.rejected:,.0f}"
    beyond = f"{number} rejected beyond what was to be expected"
    return f"{told} About {beyond}{far}: wrongly, as far as they are no attackers."


def _counted(attempts: float, people: float | None) -> str:
    """Return how many people, with their attempts where these are more; without people how many attempts."""
    many = f"{attempts:,.0f} attempts"
    if people is None:
        return many
    return f"{people:,.0f} people" + ("" if round(attempts) <= round(people) else f" ({many})")


def _by(incident: Incident) -> str:
    """Return until when people are counted of what goes on; charts and minutes tell it anew with each doubling."""
    lead = incident.lead
    own = (lead.segment_name, lead.segment_value) == incident.root.where
    grows = lead.cadence == "real_time" and lead.rule not in _OF_ONE_WINDOW
    if not own or incident.state != "firing" or not grows:
        return ""
    return f", so far (by {minute(lead.window_end, lead.time_zone)})"


def _more(metrics: Iterable[str], number: str, far: str = "") -> str:
    """Return how many more than expected came to what the metrics count: of one person attempts may be several.

    `number`: of people or attempts; `far`: until when they are counted.
    """
    became = " or ".join(sorted({BECAME[each] for each in metrics}))
    beyond = f"{number} {became} beyond what was to be expected"
    return f"About {beyond}{far}: needlessly, as far as not by attackers."


def _again(incident: Incident) -> str:
    """Return what it means that more becomes of who failed, and that no check is known to fail more often."""
    if incident.lead.direction == "down":
        return ""
    return " No check is known to fail more often by itself: who fails tries again more often, or fails again."
