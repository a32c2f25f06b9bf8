"""The event of an incident: its numbers and codes, and its words, once in full and once as a notice may say them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from proofwatch.detection import incident
from proofwatch.detection.findings import Slice
from proofwatch.detection.growth import grew
from proofwatch.detection.proof_words import plain_proof
from proofwatch.detection.sentences import incident_news, incident_sentence
from proofwatch.detection.slice_names import is_plain, notice_words, withheld_words
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.detection.words import plain_metric
from proofwatch.events import types
from proofwatch.events.enumerations import IncidentChange

CHILDREN: Final = 100
"""As many children as an event names; the rest is a number."""
SLICES: Final = 32
STEPS: Final = 32
_LONGEST: Final = {"title": 2048, "sentence": 8192, "notice_title": 512, "notice": 4096}


def event_of(
    found: incident.Incident, before: incident.Incident | None = None, revised_at: datetime | None = None
) -> types.Incident:
    """Return the event of an incident as it is now; `before` as it was told last, None: not yet.

    `revised_at`: when what made it change became known.
    """
    lead, root = found.lead, found.root
    species = lead.species if all(map(is_plain, lead.species or ())) else None
    plain = replace(lead, metric=plain_metric(lead.metric), species=species)
    quiet = found._replace(lead=plain, proof=plain_proof(found.proof))
    change = change_of(found, before)
    words = {
        "title": incident_news(found, change=change),
        "sentence": incident_sentence(found),
        "notice_title": incident_news(quiet, notice_words, change=change),
        "notice": f"{incident_sentence(quiet, notice_words)}{withheld_words(root.where)}",
    }
    return types.Incident(
        schema_version=1,
        incident_id=found.incident_id,
        revision=found.revision,
        tenant=found.tenant,
        state=found.state,
        change=change,
        evidence=found.evidence,
        severity=found.severity,
        chance=found.chance,
        root=_slices([root.where]),
        share=root.share,
        rest_k=root.rest.k if root.rest else None,
        rest_n=root.rest.n if root.rest else None,
        rest_baseline_rate=root.rest.baseline if root.rest else None,
        alike=_slices(root.confounded),
        since=found.since,
        known_at=found.known_at,
        time_zone=lead.time_zone,
        until=found.until,
        until_known=found.until_known,
        revised_at=revised_at,
        quiet_since=found.quiet_since,
        since_low=found.since_low,
        since_high=found.since_high,
        since_moved_from=before.since if before and before.since != found.since else None,
        steps=_newest(found.steps),
        ended_by=found.ended_by,
        merged_into=found.merged_into,
        metrics=found.metrics[:64],
        rules=found.rules,
        action=lead.action,
        metric=lead.metric,
        rule=lead.rule,
        direction=lead.direction,
        window_start=lead.window_start,
        window_end=lead.window_end,
        k=lead.k,
        n=lead.n,
        rate=lead.rate,
        low=lead.low,
        high=lead.high,
        expected_rate=lead.baseline_rate,
        p_value=lead.p_value,
        rejected=found.rejected,
        accepted=found.accepted,
        trials_needed=lead.trials_needed,
        lead_anomaly_id=lead.anomaly_id,
        lead_revision=lead.revision,
        children=found.children[:CHILDREN],
        children_count=len(found.children),
        described=_slices(found.described),
        described_count=len(found.described),
        title=_fitting(words["title"], _LONGEST["title"]),
        sentence=_fitting(words["sentence"], _LONGEST["sentence"]),
        notice_title=_fitting(words["notice_title"], _LONGEST["notice_title"]),
        notice=_fitting(words["notice"], _LONGEST["notice"]),
        counted=lead.counted,
        rejected_people=found.rejected_people,
        proof=found.proof,
        rejected_by=found.rejected_by,
        accepted_by=found.accepted_by,
        rejected_people_by=found.rejected_people_by,
        unchecked=found.unchecked or None,
        with_version=_slices([found.version]) if found.version else None,
        ever_so=found.ever_so or None,
        root_k=root.counts.k if root.rest else None,
        root_n=root.counts.n if root.rest else None,
        told_from=found.told_from or None,
        impostors=found.impostors or None,
    )


def change_of(found: incident.Incident, before: incident.Incident | None) -> IncidentChange:
    """Return what is new about an incident; what was and is weak is never more than changed."""
    if before is None or before.evidence == "weak":
        return "began" if found.evidence == "strong" and found.state != "merged" else "changed"
    if found.state == "merged":
        return "merged" if before.state != "merged" else "changed"
    if before.state == "merged" and found.state == "firing":
        return "changed"  # it stands by itself again: what it says was told before it became a part of another one
    if before.state != found.state:
        return "ended" if found.state == "ended" else "again"
    if before.severity == "high" and found.severity == "critical":
        return "rose"
    if grew(found, before):
        return "grew"
    if found.state == "firing" and _comes_with(found) and not _comes_with(before):
        return "traced"
    if found.state == "firing" and _rises(found) > _rises(before):
        return "rose_again"
    fell = found.steps and found.steps[-1].direction == "down" and found.steps[-1] not in before.steps
    return "fell_back" if fell and found.state == "firing" else "changed"


def _comes_with(found: incident.Incident) -> Slice | None:
    """Return the version that people are told an incident comes with, or is of; None: of none."""
    return found.root.where if found.lead.rule == VERSION_CHANGE else found.version


def _rises(found: incident.Incident) -> int:
    return sum(each.told for each in found.steps)


def _newest(steps: tuple[types.Step, ...]) -> tuple[types.Step, ...] | None:
    return steps[-STEPS:] or None


def _slices(slices: Iterable[Slice]) -> tuple[types.Slice, ...]:
    """Return slices as the event has them; the whole tenant is none."""
    named = [types.Slice(segment_name=name, segment_value=value or "") for name, value in slices if name]
    return tuple(named[:SLICES])


def _fitting(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
