"""Incidents of one tenant, kept up with its anomalies: (state, event) → (state, what changed).

Deterministic, and in the end the same in whatever order the events come: what findings are known decides
(`detection.causes`), not how they came to be. Until then an incident may turn out to be a part of another one, which
began earlier: it is told as merged, once. States: firing, ended (by evidence), firing again within `GAP_MS`, merged.
People close cases; incidents end.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from proofwatch.detection.causes import causes
from proofwatch.detection.findings import FindingHistory, Panel, Slice, Tables, finding_of, merged
from proofwatch.detection.incident import Incident, incident_of
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class Incidents(NamedTuple):
    """What is known of a tenant: findings and incidents by id, and counts of slices in the windows that were judged."""

    findings: Mapping[str, FindingHistory] = _NOTHING
    tables: Tables = _NOTHING
    incidents: Mapping[str, Incident] = _NOTHING


class Step(NamedTuple):
    """The state after an event, and the incidents that it began or changed, in order of their id."""

    state: Incidents
    changes: tuple[Incident, ...]


def observe(state: Incidents, anomalies: Iterable[Anomaly]) -> Step:
    """Take revisions of anomalies, those of one closing together; what is known already changes nothing."""
    after = take(state, anomalies)
    return Step(state, ()) if after is state else regrouped(after)


def take(state: Incidents, anomalies: Iterable[Anomaly]) -> Incidents:
    """Take revisions of anomalies, without telling what follows: `regrouped` does. The same state if all are known."""
    findings = dict(state.findings)
    for each in anomalies:
        before = findings.get(each.anomaly_id)
        findings[each.anomaly_id] = finding_of(each) if before is None else merged(before, finding_of(each))
    return state if findings == state.findings else state._replace(findings=findings)


def count(state: Incidents, panel: Panel, where: Slice, k: int, n: int) -> Incidents:
    """Take the counts of a slice in a window; they tell with the next event, or
    `regrouped`. A restated window replaces its counts."""
    return state._replace(tables={**state.tables, panel: {**state.tables.get(panel, {}), where: (k, n)}})


def gathered(findings: Mapping[str, FindingHistory], tables: Tables) -> list[Incident]:
    """Return the incidents of a tenant's whole log at once: what `observe` comes to, without its revisions."""
    return [incident_of(cause, tables) for cause in causes(findings.values(), tables)]


def forget(state: Incidents, before_ms: int) -> Incidents:
    """Drop the incidents that ended before `before_ms`, with their findings and counts: they are told, and done.

    `before_ms` must lie further back than anomalies come late, or one that comes begins an incident anew. What merged
    goes with the last that it may have merged into; findings of which only the end is known go by their age.
    """
    done = {one for one, each in state.incidents.items() if each.state != "merged" and _over(each, before_ms)}
    gone = {one for each in done for one in _findings(state.incidents[each])}
    gone |= {one for one, each in state.findings.items() if each.worst is None and (each.until_ms or 0) < before_ms}
    findings = {one: each for one, each in state.findings.items() if one not in gone}
    done |= {
        one
        for one, each in state.incidents.items()
        if each.state == "merged" and not any(finding in findings for finding in _findings(each))
    }
    return Incidents(
        findings,
        {panel: table for panel, table in state.tables.items() if panel.start_ms >= before_ms},
        {one: each for one, each in state.incidents.items() if one not in done},
    )


def _over(incident: Incident, before_ms: int) -> bool:
    return incident.until is not None and ms_of(incident.until) < before_ms


def _findings(incident: Incident) -> tuple[str, ...]:
    return (incident.lead.anomaly_id, *incident.children)


def regrouped(state: Incidents) -> Step:
    """Tell what follows from counts that came after the last event."""
    now = {each.incident_id: each for each in gathered(state.findings, state.tables)}
    told: dict[str, Incident] = {}
    changes = []
    for one, known in state.incidents.items():
        if one not in now:
            told[one] = known if known.state == "merged" else _merged(known, now)
            changes += [told[one]] if told[one] is not known else []
    for one, each in now.items():
        known_or_none = state.incidents.get(one)
        same = known_or_none is not None and each == known_or_none._replace(revision=1)
        told[one] = (
            known_or_none
            if same and known_or_none
            else each._replace(revision=known_or_none.revision + 1 if known_or_none else 1)
        )
        changes += [] if same else [told[one]]
    return Step(state._replace(incidents=told), tuple(sorted(changes, key=lambda each: each.incident_id)))


def _merged(known: Incident, now: Mapping[str, Incident]) -> Incident:
    lead = known.lead.anomaly_id
    into = next((one for one, each in now.items() if lead == each.lead.anomaly_id or lead in each.children), None)
    return known._replace(revision=known.revision + 1, state="merged", merged_into=into)
