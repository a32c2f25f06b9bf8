"""Incidents of a run, as the incident stage told them, and written as JSON."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from proofwatch.detection.course_words import standing
from proofwatch.detection.findings import WHOLE, Slice
from proofwatch.detection.incident import Incident, LogEnd
from proofwatch.detection.root_slice import Counts, Root
from proofwatch.detection.sentences import incident_news, incident_sentence, incident_title
from proofwatch.detection.urgency import urgency
from proofwatch.events import types
from proofwatch.events.types import Anomaly

_anomaly = msgspec.json.Decoder(Anomaly).decode


def read_incidents(told: Iterable[types.Incident], out: Path, log_end: LogEnd | None = None) -> list[Incident]:
    """Return incidents by their last events, the worst first, without what merged; the anomalies in `out` lead them.

    What fires still stands at `log_end`.
    """
    return _led([each for each in told if each.state != "merged"], out, log_end)


def read_merged(told: Iterable[types.Incident], out: Path) -> list[Incident]:
    """Return the incidents that people were told of and that are a part of another one, so that their ids are found."""
    return _led([each for each in told if each.state == "merged" and each.evidence == "strong"], out)


def _led(told: Iterable[types.Incident], out: Path, log_end: LogEnd | None = None) -> list[Incident]:
    by_lead: dict[tuple[str, int], list[types.Incident]] = {}
    for each in told:
        by_lead.setdefault((each.lead_anomaly_id, each.lead_revision), []).append(each)
    found: list[Incident] = []
    with (out / "anomalies.jsonl").open("rb") as lines:
        for line in lines:
            lead = _anomaly(line)
            events = by_lead.pop((lead.anomaly_id, lead.revision), ())
            found += [_incident(event, lead, log_end) for event in events]
    return sorted(found, key=urgency)


def document(incident: Incident) -> dict[str, Any]:
    """Return an incident as JSON has it: its words, and the numbers and codes that they are made of."""
    plain: dict[str, Any] = msgspec.to_builtins(incident._asdict() | {"root": None})
    told = {
        "title": incident_news(incident) if incident.state == "merged" else incident_title(incident),
        "sentence": incident_sentence(incident),
        "harm": incident.harm,
        "severity": incident.severity,
        "standing": standing(incident) or None,
    }
    return plain | told | {"root": _root(incident.root), "described": [_slice(each) for each in incident.described]}


def _incident(event: types.Incident, lead: Anomaly, log_end: LogEnd | None) -> Incident:
    down = lead.direction == "down"
    rest = None
    if event.rest_k is not None and event.rest_n is not None:
        rest = Counts(event.rest_k, event.rest_n, event.rest_baseline_rate or 0.0, down)
    counts = Counts(event.k, event.n, event.expected_rate, down, lead.affected)
    where = next(_slices(event.root), WHOLE)
    if where != WHOLE and lead.segment_name is None and rest and rest.n <= event.n and rest.k <= event.k:
        counts = Counts(event.k - rest.k, event.n - rest.n, event.expected_rate, down)  # what leads is of its tenant
    if event.root_k is not None and event.root_n is not None:
        counts = counts._replace(k=event.root_k, n=event.root_n)
    return Incident(
        incident_id=event.incident_id,
        revision=event.revision,
        tenant=event.tenant,
        state=event.state,
        root=Root(where, counts, event.share, rest, tuple(_slices(event.alike))),
        since=event.since,
        until=event.until,
        until_known=event.until_known,
        evidence=event.evidence,
        chance=event.chance,
        lead=lead,
        metrics=event.metrics,
        rejected=event.rejected,
        accepted=event.accepted,
        rejected_people=event.rejected_people,
        children=event.children,
        described=tuple(_slices(event.described)),
        ended_by=event.ended_by,
        merged_into=event.merged_into,
        quiet_since=event.quiet_since,
        rules=event.rules,
        known_at=event.known_at,
        proof=event.proof,
        since_low=event.since_low,
        since_high=event.since_high,
        steps=tuple(event.steps or ()),
        rejected_by=event.rejected_by,
        accepted_by=event.accepted_by,
        rejected_people_by=event.rejected_people_by,
        unchecked=event.unchecked or 0.0,
        version=next(_slices(event.with_version or ()), None),
        ever_so=event.ever_so or False,
        told_from=event.told_from or 0.0,
        impostors=event.impostors or 0,
        log_end=log_end if event.state == "firing" else None,
    )


def _slices(slices: Iterable[types.Slice]) -> Iterator[Slice]:
    return ((each.segment_name, each.segment_value) for each in slices)


def _root(root: Root) -> dict[str, Any]:
    counts = {
        name: None if each is None else each._asdict() for name, each in (("counts", root.counts), ("rest", root.rest))
    }
    confounded = [_slice(each) for each in root.confounded]
    return _slice(root.where) | {"share": root.share, "confounded": confounded} | counts


def _slice(where: Slice) -> dict[str, str | None]:
    return {"segment_name": where[0], "segment_value": where[1]}
