"""Incidents of one tenant, kept up with its anomalies: (state, event) → (state, what changed).

Deterministic, and in the end the same in whatever order the events come: what findings are known decides
(`detection.causes`), not how they came to be. Until then an incident may turn out to be a part of another one, which
began earlier: it is told as merged, once. States: firing, ended (by evidence), firing again soon (`detection.runs`),
merged. People close cases; incidents end.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from proofwatch.detection.causes import causes
from proofwatch.detection.findings import FindingHistory, Panel, Slice, Tables, panel_of, traffic_of, trials
from proofwatch.detection.growth import NEWS, counted_on, grown
from proofwatch.detection.incident import Incident, incident_of
from proofwatch.detection.incident_event import change_of
from proofwatch.detection.proofs import attached, proves
from proofwatch.detection.revisions import finding_of, merged, remembered
from proofwatch.detection.taken_in_late import taken_in_late
from proofwatch.events.types import Anomaly, Proof
from proofwatch.instants import ms_of

LABELS_MS: Final = 45 * 86_400_000
"""For so long after its end labels may prove what an incident was: 28 days stand for as long, and some come later."""
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


def remembering(state: Incidents) -> Incidents:
    """Return the state in which findings keep the counts of their windows, and give what is counted no longer.

    Windows are kept for some days, and an incident may stand for weeks: what it is made of may not depend on that.
    """
    fired = {one: each for one, each in state.findings.items() if each.worst}
    known = {one: remembered(each, state.tables) for one, each in fired.items()}
    of_panels = [(panel_of(each), each.counts) for each in known.values()]
    of_panels += [(among, each.traffic) for each in known.values() if (among := traffic_of(panel_of(each)))]
    of_panels = sorted((each for each in of_panels if each[1]), key=lambda each: trials(each[1]))
    kept = {panel: {where: (k, n) for where, k, n in counts} for panel, counts in of_panels}
    return state._replace(
        findings={one: known.get(one, each) for one, each in state.findings.items()}, tables={**state.tables, **kept}
    )


def gathered(
    findings: Mapping[str, FindingHistory],
    tables: Tables,
    kept: Iterable[Incident] = (),
    told: Mapping[str, Proof] = _NOTHING,
) -> list[Incident]:
    """Return the incidents of a tenant's whole log at once: what `observe` comes to, without its revisions.

    `kept`: those that ended long ago, whose findings are forgotten; labels may still prove something of them.
    `told`: what labels prove of incidents by id, as people were told.
    """
    proofs = [each for each in findings.values() if proves(each)]
    kept, rest = taken_in_late(kept, (each for each in findings.values() if not proves(each)), tables)
    found = [incident_of(cause, tables) for cause in causes(rest, tables)]
    proven, alone = attached(proofs, [*found, *kept], tables, told)
    if not alone:
        return proven
    found = [incident_of(cause, tables) for cause in causes([*rest, *alone], tables)]
    return attached([each for each in proofs if each not in alone], [*found, *kept], tables, told).incidents


def forget(state: Incidents, before_ms: int) -> Incidents:
    """Drop the incidents that ended before `before_ms`, with their findings and counts: they are told, and done.

    `before_ms` must lie further back than anomalies come late, or one that comes begins an incident anew. Of strong
    evidence the incident itself stays for `LABELS_MS` longer, with what proves it: labels come late. What merged goes
    with the last that it may have merged into; findings of which only the end is known go by their age.
    """
    done = {one for one, each in state.incidents.items() if each.state != "merged" and _over(each, before_ms)}
    gone = {one for each in done for one in _findings(state.incidents[each])}
    kept = {
        one
        for one in done
        if state.incidents[one].evidence == "strong" and not _over(state.incidents[one], before_ms - LABELS_MS)
    }
    gone -= {proof.anomaly_id for one in kept if (proof := state.incidents[one].proof)}
    done -= kept
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


def _is_kept(incident: Incident, findings: Mapping[str, FindingHistory]) -> bool:
    """Return whether an incident stands by itself: the finding that leads it is forgotten, or known by its end only."""
    lead = findings.get(incident.lead.anomaly_id)
    return incident.state == "ended" and (lead is None or lead.worst is None)


def regrouped(state: Incidents) -> Step:
    """Tell what follows from counts that came after the last event."""
    kept = [each._replace(revision=1) for each in state.incidents.values() if _is_kept(each, state.findings)]
    proofs = {one: each.proof for one, each in state.incidents.items() if each.proof and each.state != "merged"}
    now = {each.incident_id: each for each in gathered(state.findings, state.tables, kept, proofs)}
    told: dict[str, Incident] = {}
    changes = []
    for one, known in state.incidents.items():
        if one not in now:
            told[one] = known if known.state == "merged" else _merged(known, now)
            changes += [told[one]] if told[one] is not known else []
    for one, each in now.items():
        before = state.incidents.get(one)
        same = before is not None and counted_on(each, before) == before._replace(revision=1)
        told[one] = before if same and before else _revised(each, before)
        changes += [] if same else [told[one]]
    return Step(state._replace(incidents=told), tuple(sorted(changes, key=lambda each: each.incident_id)))


def _revised(found: Incident, before: Incident | None) -> Incident:
    """Return the next revision, with how much people were told of before it and by it."""
    found = found._replace(revision=1 if before is None else before.revision + 1)
    return grown(found, before, news=change_of(found, before) in NEWS)


def _merged(known: Incident, now: Mapping[str, Incident]) -> Incident:
    lead = known.lead.anomaly_id
    into = next((one for one, each in now.items() if lead == each.lead.anomaly_id or lead in each.children), None)
    return known._replace(revision=known.revision + 1, state="merged", merged_into=into)
