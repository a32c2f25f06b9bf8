"""In which order incidents are told, the worst first: one order for what is printed, reported and asked for. Pure."""

from typing import Final, NamedTuple

from proofwatch.detection.growth import proven
from proofwatch.detection.harm import harm_of, unjudged
from proofwatch.detection.incident import Incident
from proofwatch.events.enumerations import IncidentSeverity

_GRAVEST: Final[tuple[IncidentSeverity, ...]] = ("critical", "high", "low")


class Urgency(NamedTuple):
    """What is sorted by: how grave it is, what is proven, whether it goes on, and then what is to be expected.

    Who was let in comes before who was kept out: the one has an account, the other tries again. Numbers of people are
    negated, so that more come first. Never the ratio: a rate of three in five may be three people.
    """

    gravity: int
    proven_accepted: float
    proven_rejected: float
    over: bool
    accepted: float
    harm: float
    name: str


def ranked(
    severity: IncidentSeverity,
    *,
    accepted: float,
    rejected: float,
    proven_accepted: float = 0.0,
    proven_rejected: float = 0.0,
    unchecked: float = 0.0,
    over: bool = False,
    name: str,
) -> Urgency:
    """Return the place in the order. Numbers of people; of the accepted and rejected some are `proven` by labels.

    `unchecked`: how many came to a check that told nobody apart.
    """
    gravity = _GRAVEST.index(severity)
    harm = accepted + rejected + unchecked
    return Urgency(gravity, -proven_accepted, -proven_rejected, over, -accepted, -harm, name)


def urgency(incident: Incident) -> Urgency:
    """Return what incidents are sorted by, the worst first; weak evidence is of low severity, and so the last."""
    harm = harm_of(incident.lead)
    return ranked(
        incident.severity,
        accepted=incident.accepted,
        rejected=incident.rejected_unproven,
        proven_accepted=proven(incident),
        proven_rejected=incident.rejected if harm == "genuine_out" else 0.0,
        unchecked=incident.unchecked + unjudged(incident.lead),
        over=incident.state != "firing",
        name=incident.incident_id,
    )
