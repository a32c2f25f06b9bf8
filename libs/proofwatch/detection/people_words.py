"""Whom findings and incidents concern, in plain English: by the harm of what leads (`detection.harm`)."""

from collections.abc import Iterable
from datetime import datetime

from proofwatch.detection.findings import counts_once
from proofwatch.detection.harm import ATTACKS, Harm, harm_of, harmed, unchecked, unjudged
from proofwatch.detection.incident import Incident
from proofwatch.detection.words import BECAME
from proofwatch.events.types import Anomaly
from proofwatch.local_time import minute


def people_of(anomaly: Anomaly) -> str:
    """Return whom a finding concerns, as a sentence after a blank; empty where it is nobody."""
    number, harm = harmed(anomaly), harm_of(anomaly)
    if (alike := unjudged(anomaly)) >= 1:
        return f" {_unjudged(alike)}"
    if (passed := unchecked(anomaly)) >= 1:
        return f" {_passed(passed, number)}"
    if number < 1:
        return ""
    people = number if counts_once(anomaly) else None
    said = _counted(number, people) if harm == "sent_on" else f"{number:,.0f}"
    return f" {_said(harm, said, (anomaly.metric,))}{_estimate(anomaly)}"


def incident_people(incident: Incident) -> str:
    """Return whom an incident concerns, as sentences after a blank; empty where it is nobody."""
    if incident.proof is not None:
        return f" {_proven(incident)}"
    lead = harm_of(incident.lead)
    if lead == "kept_waiting" or unjudged(incident.lead) >= 1:
        return people_of(incident.lead)
    told, far = "", _far(incident, incident.accepted_by)
    named = ATTACKS & {each.partition(":")[0] for each in incident.metrics}
    if incident.unchecked >= 1 and (lead == "people_in" or not named):
        told = f" {_passed(incident.unchecked, incident.accepted, far)}"
    elif incident.accepted >= 1:
        harm: Harm = "attackers_in" if lead != "people_in" and named else "people_in"
        told = f" {_said(harm, f'{incident.accepted:,.0f}', incident.metrics, far)}"
    return f"{told}{_rejected(incident)}{_estimate(incident.lead)}"


def _estimate(anomaly: Anomaly) -> str:
    """Return what people are counted by where scores were compared, and not the decisions, as a sentence."""
    if not anomaly.misjudged:
        return ""
    way = "more" if anomaly.direction == "down" else "fewer"
    return (
        f" An estimate: so many {way} fail this check than failed it at the same hours with the version before, "
        "retries among them."
    )


def _rejected(incident: Incident) -> str:
    """Return who was kept out, as sentences after a blank; people and attempts together if of the same windows."""
    if incident.rejected < 1:
        return ""
    far, by = _far(incident, incident.rejected_by), incident.rejected_people_by
    people = incident.rejected_people
    once = ""
    if by is not None and people is not None:
        until = minute(by, incident.lead.time_zone)
        once = f" Each person counted once, the rejected were about {people:,.0f} by {until}."
        people = None
    number = _counted(incident.rejected, people)
    if set(incident.metrics) <= BECAME.keys():
        return f" {_said('sent_on', number, incident.metrics, far)}{once}{_again(incident)}"
    if incident.rejected_people is None:
        number = f"{incident.rejected:,.0f}"
    harm: Harm = "genuine_out" if harm_of(incident.lead) == "genuine_out" else "people_out"
    if incident.impostors and harm == "people_out":
        return f" About {number} rejected beyond what was to be expected{far}{_named(incident)}{once}"
    return f" {_said(harm, number, (), far)}{once}"


def _named(incident: Incident) -> str:
    """Return whom labels name as impostors among the rejected, and how many they leave, as the end of a sentence."""
    rest = incident.rejected_unproven
    left = (
        f"About {rest:,.0f} are left: wrongly, as far as they are no attackers."
        if rest >= 1
        else "Nobody is left whom they would not explain."
    )
    one = "impostor" if incident.impostors == 1 else "impostors"
    return f". Labels by now name {incident.impostors:,} {one} among those whom the face match refused then. {left}"


def _passed(number: float, refused: float, far: str = "") -> str:
    """Return how many passed whoever they were, and how many of them the check would usually have refused."""
    usually = f"about {refused:,.0f}" if refused >= 1 else "fewer than one" if refused > 0 else "an unknown number"
    return f"{number:,.0f} attempts passed unchecked{far}: at the usual rate {usually} of them would have been refused."


def _unjudged(number: float) -> str:
    """Return how many got a score that says nothing of them."""
    return (
        f"About {number:,.0f} attempts got one of a few scores whoever they were: who of them should have "
        "passed is not known."
    )


def _counted(attempts: float, people: float | None) -> str:
    """Return how many people, with their attempts where these are more; without people how many attempts."""
    many = f"{attempts:,.0f} attempts"
    if people is None:
        return many
    return f"{people:,.0f} people" + ("" if round(attempts) <= round(people) else f" ({many})")


def _far(incident: Incident, by: datetime | None) -> str:
    """Return until when people are counted of what goes on."""
    if by is None or incident.state != "firing":
        return ""
    return f", so far (by {minute(by, incident.lead.time_zone)})"


def _said(harm: Harm, number: str, metrics: Iterable[str], far: str = "") -> str:
    """Return how many a harm came to, in a sentence. `number`: of people or attempts; `far`: until when counted."""
    about, beyond = f"About {number}", "beyond what was to be expected"
    if harm == "attackers_in":
        return f"{about} wrongly accepted{far}: labels say that they are attackers or impostors."
    if harm == "people_in":
        return f"{about} wrongly accepted{far}, as far as the check would have refused them."
    if harm == "genuine_out":
        return f"{about} rejected {beyond}{far}, wrongly: labels say that they are genuine."
    if harm == "sent_on":
        became = " or ".join(sorted({BECAME[each] for each in metrics}))
        return f"{about} {became} {beyond}{far}: needlessly, as far as not by attackers."
    if harm == "kept_waiting":
        return f"{about} kept waiting {beyond}{far}."
    return f"{about} rejected {beyond}{far}: wrongly, as far as they are no attackers."


def _proven(incident: Incident) -> str:
    """Return who is in, and who is out, where labels say which of them are attackers."""
    proof = incident.proof
    assert proof is not None, "only what labels prove is told so"
    out = proof.attacks - proof.accepted
    done = "passed the liveness check" if proof.metric == "apcer" else "were accepted"
    told = f"{proof.accepted:,} attackers {done}, counted from labels; {out:,} were stopped."
    if incident.rejected < 1:
        return told
    rest = incident.rejected_unproven
    left = (
        f"about {rest:,.0f} have no label that says so: attackers too, or genuine people"
        if rest >= 1
        else "none is left that they would not explain"
    )
    return f"{told} Of about {incident.rejected:,.0f} attempts rejected beyond what was to be expected {left}."


def _again(incident: Incident) -> str:
    """Return what it means that more becomes of who failed, and that no check is known to fail more often."""
    if incident.lead.direction == "down":
        return ""
    return " No check is known to fail more often by itself: who fails tries again more often, or fails again."
