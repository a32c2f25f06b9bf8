"""By when what a revision of an incident says was known: the time of what is made of it. Pure.

It is of the event alone, and so the same whenever the log is read again.
"""

from datetime import datetime

from proofwatch.events.types import Incident


def known_by(incident: Incident) -> datetime:
    """Return the last of the moments that an event says something was known at; never before what it counts."""
    known = [incident.known_at, incident.window_end, *(each.known_at for each in incident.steps or ())]
    later = (incident.until, incident.until_known, incident.quiet_since, incident.revised_at)
    known += [each for each in later if each is not None]
    return max(known if incident.proof is None else [*known, incident.proof.known_at])
