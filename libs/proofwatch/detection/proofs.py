"""What labels prove of attacks, told with the incident of the slice that sent them. Pure.

A wave of attacks is first seen as rejections, when nobody knows what they are; labels name it hours or weeks later, as
a broken limit of the whole tenant's 28 days. It is the wave's own news: an incident holds a proof where its slice sent
four in five of the attacks that labels name, on the days of the incident; one of a whole tenant where a check let
everybody in. Of several the one that began nearest to the first of these days holds it, then the smallest slice. A
proof that incidents explain is no cause of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from proofwatch.biometrics.intervals import wilson
from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import PROVEN, RATES, WHOLE, FindingHistory, Tables
from proofwatch.detection.harm import lets_in
from proofwatch.detection.incident import Incident
from proofwatch.detection.panel_days import days_of
from proofwatch.detection.runs import BY_LABELS, EXACT, GAP_MS
from proofwatch.events.types import Proof
from proofwatch.instants import instant_of, ms_of

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
_SHARE: Final = 0.8
_SPECIES: Final = 32


class _Held(NamedTuple):
    """Attacks of an incident's slice on its days (milliseconds since 1970): k accepted of n."""

    distance_ms: int
    incident: Incident
    days: frozenset[int]
    until_ms: int
    k: int
    n: int


class Attached(NamedTuple):
    """Incidents with what labels prove of them, and the proofs that are of none."""

    incidents: list[Incident]
    alone: list[FindingHistory]


def proves(finding: FindingHistory) -> bool:
    """Return whether it is a limit of attacks that labels prove broken, of the whole tenant."""
    latest, worst = finding.latest, finding.worst
    told = worst is not None and worst.severity == "high" and finding.where == WHOLE
    return told and latest.rule in BY_LABELS and latest.metric in PROVEN


def attached(
    proofs: Iterable[FindingHistory],
    incidents: Iterable[Incident],
    tables: Tables,
    told: Mapping[str, Proof] = _NOTHING,
) -> Attached:
    """Return the incidents with their proofs; what is known of an incident already stays where none says more.

    `told`: the proofs that people were told of, by incident. Where it still stands it holds what it was told with.
    """
    by_id = {each.incident_id: each for each in incidents}
    alone = []
    for finding in sorted(proofs, key=lambda each: (each.found, each.latest.anomaly_id)):
        held = [found for each in by_id.values() if (found := _held(finding, each, tables))]
        taken: set[int] = set()
        explained = 0
        holders = {one for one, each in told.items() if each.anomaly_id == finding.latest.anomaly_id and one in by_id}
        for one in sorted(holders - {each.incident.incident_id for each in held}):
            by_id[one] = with_proof(by_id[one], told[one], finding)
            explained = worst_of(finding).n
        for each in sorted(held, key=lambda each: (each.incident.incident_id not in holders, _order(each))):
            if not each.days & taken:
                taken |= each.days
                explained += each.n
                by_id[each.incident.incident_id] = _proven(by_id[each.incident.incident_id], finding, each)
        if explained < _SHARE * worst_of(finding).n:
            alone.append(finding)
    return Attached(list(by_id.values()), alone)


def _order(held: _Held) -> tuple[bool, int, int, str]:
    root = held.incident.root
    return root.where == WHOLE, held.distance_ms, root.counts.n, held.incident.incident_id


def _held(finding: FindingHistory, incident: Incident, tables: Tables) -> _Held | None:
    """Return the attacks of the days of an incident, if its slice sent nearly all of them; None: it did not."""
    if not _may_hold(incident):
        return None
    since_ms = ms_of(incident.since)
    until_ms = inf if incident.until is None else ms_of(incident.until) + GAP_MS
    days, counts = [], {incident.root.where: (0, 0), WHOLE: (0, 0)}
    for day in days_of(worst_of(finding)):
        end_ms = day.start_ms + day.length_s * 1000
        known = tables.get(day, {})
        if WHOLE in known and known[WHOLE][1] and day.start_ms < until_ms and since_ms < end_ms:
            days.append((day.start_ms, end_ms))
            counts = {where: _sum(total, known.get(where, (0, 0))) for where, total in counts.items()}
    k, n = counts[incident.root.where]
    if not k or n < _SHARE * counts[WHOLE][1]:
        return None
    first_ms = min(start for start, _ in days)
    return _Held(
        abs(since_ms - first_ms), incident, frozenset(start for start, _ in days), max(end for _, end in days), k, n
    )


def _may_hold(incident: Incident) -> bool:
    """Return whether an incident is of what people met: a slice of them, or a check that let everybody in."""
    lead = incident.lead
    told = incident.evidence == "strong" and incident.state != "merged"
    if not told or lead.rule in BY_LABELS or incident.kind != RATES:
        return False
    return incident.root.where != WHOLE or (lead.rule in EXACT and lets_in(lead) is True)


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _proven(incident: Incident, finding: FindingHistory, held: _Held) -> Incident:
    """Return the incident with the proof: its people are counted from labels, and the finding is a part of it."""
    worst = worst_of(finding)
    before = incident.proof
    if before is not None and before.anomaly_id != finding.latest.anomaly_id and before.accepted >= held.k:
        return incident
    low, high = wilson(held.k, held.n)
    proof = Proof(
        anomaly_id=finding.latest.anomaly_id,
        metric=worst.metric,
        species=_species(worst.species),
        attacks=held.n,
        accepted=held.k,
        low=low,
        high=high,
        limit=worst.baseline_rate,
        since=instant_of(min(held.days)),
        until=instant_of(held.until_ms),
        known_at=finding.found,
    )
    return with_proof(incident, proof, finding)


def with_proof(incident: Incident, proof: Proof, finding: FindingHistory) -> Incident:
    """Return the incident with what labels prove; the finding is a part of it."""
    return _since_the_first_day(incident, proof)._replace(
        proof=proof,
        accepted=max(incident.accepted, float(proof.accepted)),
        settled=finding.is_settled,
        children=tuple(sorted({*incident.children, proof.anomaly_id})),
        rules=tuple(sorted({*incident.rules, worst_of(finding).rule})),
        metrics=tuple(sorted({*incident.metrics, proof.metric})),
    )


def _since_the_first_day(incident: Incident, proof: Proof) -> Incident:
    """Return the incident, begun no earlier than the attacks did, as far as its begin is known that roughly only."""
    low, high = incident.since_low, incident.since_high
    if low is None or high is None or not max(low, incident.since) < proof.since <= high:
        return incident
    return incident._replace(since=proof.since, since_low=proof.since)


def _species(species: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(species[:_SPECIES]) or None if species else None
