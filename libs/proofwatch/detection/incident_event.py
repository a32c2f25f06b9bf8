"""The event of an incident: its numbers and codes, and its words, once with the values of segments and once without."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from proofwatch.detection import incident
from proofwatch.detection.findings import Slice
from proofwatch.detection.sentences import incident_news, incident_sentence
from proofwatch.detection.words import CODE, slice_kind_words
from proofwatch.events import types
from proofwatch.events.enumerations import IncidentChange

CHILDREN: Final = 100
"""As many children as an event names; the rest is a number."""
SLICES: Final = 32
_LONGEST: Final = {"title": 2048, "sentence": 8192, "notice_title": 512, "notice": 4096}
_UNNAMED: Final = "unnamed"


def event_of(found: incident.Incident, before: incident.Incident | None = None) -> types.Incident:
    """Return the event of an incident as it is now; `before` as it was told last, None: not yet."""
    lead, root = found.lead, found.root
    quiet = found._replace(lead=replace(lead, metric=_code(lead.metric)))
    words = {
        "title": incident_news(found),
        "sentence": incident_sentence(found),
        "notice_title": incident_news(quiet, slice_kind_words),
        "notice": incident_sentence(quiet, slice_kind_words),
    }
    return types.Incident(
        schema_version=1,
        incident_id=found.incident_id,
        revision=found.revision,
        tenant=found.tenant,
        state=found.state,
        change=change_of(found, before),
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
        quiet_since=found.quiet_since,
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
        **{name: _fitting(text, _LONGEST[name]) for name, text in words.items()},
    )


def change_of(found: incident.Incident, before: incident.Incident | None) -> IncidentChange:
    """Return what is new about an incident; what was and is weak is never more than changed."""
    if before is None or before.evidence == "weak":
        return "began" if found.evidence == "strong" and found.state != "merged" else "changed"
    if found.state == "merged":
        return "merged" if before.state != "merged" else "changed"
    if before.state != found.state:
        return "ended" if found.state == "ended" else "again"
    return "rose" if before.severity == "high" and found.severity == "critical" else "changed"


def _slices(slices: Iterable[Slice]) -> tuple[types.Slice, ...]:
    """Return slices as the event has them; the whole tenant is none."""
    named = [types.Slice(segment_name=name, segment_value=value or "") for name, value in slices if name]
    return tuple(named[:SLICES])


def _code(metric: str) -> str:
    return metric if CODE.fullmatch(metric) else _UNNAMED


def _fitting(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
