"""Incidents in plain English: what, where, since when, how sure, how many people, what next, by their findings.

The one place where they get words. What a segment is called is the caller's to say: not every reader may see it.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from proofwatch.detection.certainty_words import incident_certainty
from proofwatch.detection.course_words import course, ended_words, is_rolled_back, last_rise, standing
from proofwatch.detection.finding_words import capital, counted_words, needed, next_step, rates, since_words, what
from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.growth import grown_words, growth_title
from proofwatch.detection.incident import Incident, protected
from proofwatch.detection.people_words import incident_people
from proofwatch.detection.proof_words import proof_sentence, proof_step, proof_title
from proofwatch.detection.root_slice import Counts
from proofwatch.detection.rule_words import words_of
from proofwatch.detection.slice_names import attribute_words, slice_words
from proofwatch.detection.words import CHECK_EXPECTED, EVER_SO, KEEP_OUT, NEXT_STEPS, metric_words, percent
from proofwatch.events.enumerations import IncidentChange
from proofwatch.local_time import minute

Named = Callable[[Slice, str], str]
"""How a reader may know a slice of a tenant: `slice_words`, or `notice_words` without what a notice may not say."""
_MAX_ALIKE: Final = 4


class IncidentFacts(NamedTuple):
    """What follows the title of an incident, apart; `until` is its course. Empty where there is nothing."""

    until: str
    evidence: str
    people: str
    next_step: str
    needed: str


def incident_sentence(incident: Incident, name: Named = slice_words) -> str:
    """Return an incident in sentences, its slices as the reader may know them."""
    return f"{incident_title(incident, name)}. {incident_details(incident, name)}"


def incident_details(incident: Incident, name: Named = slice_words) -> str:
    """Return what follows the title of an incident: until when, how many, how sure, how far, whom, and what next."""
    facts = incident_facts(incident, name)
    until, people, missing = (f"{each} " if each else "" for each in (facts.until, facts.people, facts.needed))
    return f"{until}{facts.evidence} {people}Next: {facts.next_step}. {missing}".rstrip()


def incident_facts(incident: Incident, name: Named = slice_words) -> IncidentFacts:
    """Return what `incident_details` says, apart."""
    lead, root = incident.lead, incident.root
    only_people = ", but not by what people are" if protected(root.where) else ""
    proven = f"{proof_sentence(incident)} " if incident.proof else ""
    return IncidentFacts(
        until=course(incident),
        evidence=f"{proven}{_evidence(incident, name)}. {incident_certainty(incident)}{_share(incident, name)}",
        people=f"{incident_people(incident).strip()} {grown_words(incident)}".strip(),
        next_step=proof_step(incident) if incident.proof else f"{_step(incident)}{only_people}",
        needed=needed(lead).strip(),
    )


def incident_title(incident: Incident, name: Named = slice_words) -> str:
    """Return an incident in a few words: what, where, since when."""
    where = _where(incident, name)
    if incident.ever_so:
        return capital(EVER_SO.format(metric=metric_words(incident.lead.metric), where=where))
    seen = f"{what(incident.lead)} at {where} {since_words(incident.lead, incident.since)}"
    return f"{proof_title(incident.proof)}: {seen}" if incident.proof else capital(seen)


def _where(incident: Incident, name: Named) -> str:
    """Return which transactions an incident is of: those of a slice, with a version where it is so with that."""
    where = name(incident.root.where, incident.tenant)
    if incident.version is None:
        return where
    return f"{where.removesuffix(f' of {incident.tenant}')} with {name(incident.version, incident.tenant)}"


def _step(incident: Incident) -> str:
    if incident.ever_so:
        return CHECK_EXPECTED
    if is_rolled_back(incident):
        return KEEP_OUT
    return (
        next_step(incident.lead, incident.since)
        if incident.version is None
        else NEXT_STEPS["hold_or_roll_back_release"]
    )


def incident_news(incident: Incident, name: Named = slice_words, *, change: IncidentChange | None = None) -> str:
    """Return the title as news: what became of it stands first, where it does not go on, rose or holds again, or grew.

    `change`: what is new about it; what labels prove is news whether it ended or not.
    """
    title = incident_title(incident, name)
    if change == "grew":
        return f"{growth_title(incident)}: {title}"
    if change == "rose" and incident.proof:
        return title
    if incident.state == "merged":
        return f"Part of another incident: {title}"
    if incident.until is not None and incident.ended_by is not None:
        return f"Ended ({ended_words(incident)}): {title}"
    if change == "rose_again" and (rise := last_rise(incident)):
        return f"Rose again since {minute(rise.since, incident.lead.time_zone)}: {title}"
    if change == "traced":
        return f"It came with a new version: {title}"
    if change == "again":
        since = incident.lead.since or incident.lead.window_start
        return f"Again since {minute(since, incident.lead.time_zone)}: {title}"
    return f"{capital(standing(incident))}: {title}" if incident.log_end else title


def incident_account(found: Sequence[Incident]) -> str:
    """Return how many incidents there are, and how many groups of findings are no more than chance."""
    strong = sum(each.evidence == "strong" for each in found)
    weak = len(found) - strong
    told = f"{strong:,} incident{'' if strong == 1 else 's'}" if strong else "No incident"
    return f"{told}; {weak:,} of weak evidence or a missed target, told to nobody" if weak else told


def _evidence(incident: Incident, name: Named) -> str:
    """Return the rates of the root; where only its tenant was judged, its counts in that window beside these rates."""
    lead, root = incident.lead, incident.root
    found = rates(lead, incident.since)
    k, n, rest = root.counts.k, root.counts.n, root.rest
    if incident.version is not None and (lead.segment_name, lead.segment_value) == root.where and not words_of(lead):
        # slices are not counted by versions: the figures are of the slice, and said to be
        attribute = attribute_words(str(incident.version[0]))
        return f"{capital(name(root.where, incident.tenant))}, whatever its {attribute}, had {found}"
    beside = root.where != WHOLE and lead.segment_name is None and not words_of(lead)
    if not beside or not n or rest is None or (k + rest.k, n + rest.n) != (lead.k, lead.n):
        return found  # counts of another window or date than what leads are not told as though they were of it
    if rest.n and (rest.k * n <= k * rest.n if lead.direction == "down" else rest.k * n >= k * rest.n):
        return found  # what is no worse than the rest is not where it comes from
    judged = name((lead.segment_name, lead.segment_value), incident.tenant)
    if not rest.n:
        return f"{capital(judged)} had {found}: all of them are of {name(root.where, incident.tenant)}"
    own = f"{k:,} of {n:,}{counted_words(lead)} = {percent(k / n)}"
    return f"{own}. That is where it comes from: {judged} had {found}"


def _share(incident: Incident, name: Named) -> str:
    root = incident.root
    if root.where == WHOLE or root.share is None:
        return ""
    alike = " and ".join(name(each, incident.tenant) for each in root.confounded[:_MAX_ALIKE])
    named = f" (not to be told from {alike})" if alike else ""
    return f" It holds {100 * root.share:.0f} % of the excess of {incident.tenant}{named}{_rest(root.rest)}."


def _rest(rest: Counts | None) -> str:
    if rest is None:
        return ""
    if not rest.n:
        return ""
    return f"; the rest is at {percent(rest.k / rest.n)} ({rest.k:,} of {rest.n:,}), expected {percent(rest.baseline)}"
