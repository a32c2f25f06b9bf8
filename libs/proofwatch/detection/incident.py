"""An incident: what one cause did, told once. Built here only, from the findings of the cause."""

from datetime import datetime
from math import inf
from typing import Final, NamedTuple

from proofwatch.detection.findings import PROTECTED, WHOLE, FindingHistory, Slice, excess, length_s
from proofwatch.detection.root_slice import Root
from proofwatch.detection.runs import Cause
from proofwatch.events.enumerations import IncidentEndedBy, IncidentEvidence, IncidentSeverity, IncidentState
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import EPOCH, instant_of, ms_of

CHANCE: Final = 0.05
"""Strong: found so by chance in fewer than one tenant-day of twenty."""
_DAY_S: Final = 86_400
_SERIES: Final = 21 * 6
"""Series that a tenant is looked at by: itself and 20 segment values, 6 metrics."""
_MUCH: Final = 0.25
_EACH_LOOK: Final = "twice_baseline"
"""The rule whose p is that of one look; other rules keep a budget of false highs of their own."""
_ACCEPTED: Final = ("fmr", "apcer", "iapar", "far")


class Incident(NamedTuple):
    """What one cause did.

    `since`: the first evidence of the root's own that is strong by itself, at the shortest windows that have any.
    `chance`: how many findings as extreme the tenant's looks of a day would make by chance; 0 where a rule with a
    budget of its own found it. `lead` has the most evidence of the root's own findings. `rejected` and `accepted`:
    about how many people were wrongly rejected or accepted, beyond what was to be expected; without labels the
    rejected may be attackers.

    `rules` are the detectors that found it; `known_at` is when it could first be known.
    `children` are the other findings, by id; `described`: slices that fired as well. `quiet_since`: since when days
    alone have strong evidence. `ended_by` is how the last finding ended. `merged_into`: the incident that it turned out
    to be a part of.
    """

    incident_id: str
    revision: int
    tenant: str
    state: IncidentState
    root: Root
    since: datetime
    until: datetime | None
    evidence: IncidentEvidence
    chance: float
    lead: Anomaly
    metrics: tuple[str, ...]
    rejected: float
    accepted: float
    children: tuple[str, ...]
    described: tuple[Slice, ...]
    ended_by: IncidentEndedBy | None = None
    merged_into: str | None = None
    quiet_since: datetime | None = None
    rules: tuple[str, ...] = ()
    known_at: datetime = EPOCH

    @property
    def severity(self) -> IncidentSeverity:
        """Return how grave it is: critical if people or attacks are wrongly accepted, as far as it is no chance."""
        if self.evidence == "weak":
            return "low"
        return "critical" if self.accepted >= 1 else "high"

    @property
    def harm(self) -> float:
        """Return about how many people it concerns."""
        return self.rejected + self.accepted


def incident_of(cause: Cause) -> Incident:
    """Return the incident of a cause, as revision 1.

    Its id is of its root and of when it could first be known, so that neither longer windows nor what joins change it.
    """
    own = [each for each in cause.findings if each.where == cause.root.where] or list(cause.findings)
    lead = max(own, key=_weight)
    found = min(each.found for each in cause.findings)
    chance = min(chance_of(_worst(each)) for each in cause.findings)
    return Incident(
        incident_id=derived_id("incident", lead.latest.tenant, *cause.root.where, ms_of(found), lead.kind),
        revision=1,
        tenant=lead.latest.tenant,
        state="firing" if cause.until_ms is None else "ended",
        root=cause.root,
        since=_since(own) or instant_of(cause.since_ms),
        until=None if cause.until_ms is None else instant_of(cause.until_ms),
        evidence="strong" if chance < CHANCE else "weak",
        chance=chance,
        lead=_worst(lead),
        metrics=tuple(sorted({each.latest.metric for each in cause.findings})),
        rejected=_people(own, accepted=False),
        accepted=_people(own, accepted=True),
        children=tuple(sorted(each.latest.anomaly_id for each in cause.findings if each is not lead)),
        described=tuple(sorted({each.where for each in cause.findings} - {cause.root.where, WHOLE}, key=str)),
        ended_by=None if cause.until_ms is None else _ended_by(cause),
        quiet_since=_quiet_since(cause),
        rules=tuple(sorted({each.latest.rule for each in cause.findings})),
        known_at=found,
    )


def urgency(incident: Incident) -> tuple[bool, bool, float, str]:
    """Return what incidents are sorted by, the worst first: evidence, whether it goes on, harm. Never the ratio."""
    return (incident.evidence != "strong", incident.state != "firing", -incident.harm, incident.incident_id)


def chance_of(anomaly: Anomaly) -> float:
    """Return how many findings as extreme a day's looks of a tenant at windows of this length make by chance.

    What its own rule calls low evidence is never stronger than one.
    """
    if anomaly.severity != "high":
        return 1.0 if anomaly.rule != _EACH_LOOK else max(1.0, _by_looks(anomaly))
    return _by_looks(anomaly) if anomaly.rule == _EACH_LOOK else 0.0


def _by_looks(anomaly: Anomaly) -> float:
    return max(0.0, anomaly.p_value) * max(1.0, _DAY_S / max(length_s(anomaly), 1)) * _SERIES


def protected(where: Slice) -> bool:
    """Return whether a slice is one of people by what they are."""
    return where[0] in PROTECTED


def _worst(finding: FindingHistory) -> Anomaly:
    assert finding.worst is not None, "causes are of findings that fired"
    return finding.worst


def _weight(finding: FindingHistory) -> tuple[bool, float, str]:
    worst = _worst(finding)
    expected = max(worst.n * worst.baseline_rate, 1.0)
    return (worst.severity == "high", excess(worst) / expected**0.5, worst.anomaly_id)


def _since(own: list[FindingHistory]) -> datetime | None:
    """A day's window says only that it was on that day; a shorter one says when, if it lasted for much of the day's."""
    strong = [each for each in own if chance_of(_worst(each)) < CHANCE]
    days = [each for each in strong if length_s(_worst(each)) >= _DAY_S]
    of_day = max((excess(_worst(each)) for each in days), default=0.0)
    telling = [each for each in strong if each not in days and _lasted(each) >= _MUCH * of_day]
    return min((each.since for each in telling or strong), default=None)


def _lasted(finding: FindingHistory) -> float:
    """Return the excess of a finding from its begin to its end, were all of its windows like the worst."""
    if finding.until_ms is None:
        return inf
    worst = _worst(finding)
    windows = (finding.until_ms - finding.since_ms) / max(1000 * length_s(worst), 1)
    return excess(worst) * max(windows, 1.0)


def _quiet_since(cause: Cause) -> datetime | None:
    if cause.until_ms is not None:
        return None
    strong = [each for each in cause.findings if chance_of(_worst(each)) < CHANCE]
    ends = [each.until_ms for each in strong if length_s(_worst(each)) < _DAY_S]
    known = [end for end in ends if end is not None]
    return instant_of(max(known)) if known and len(known) == len(ends) else None


def _people(own: list[FindingHistory], *, accepted: bool) -> float:
    """Return the largest excess of one metric: those of several overlap, and so do windows of several lengths."""
    worst = [_worst(each) for each in own]
    found = [excess(each) for each in worst if wrongly_accepted(each) == accepted and counts_people(each)]
    return max(found, default=0.0)


def wrongly_accepted(anomaly: Anomaly) -> bool:
    """Return whether what is beyond the expected was let in: attacks, impostors, rejections that did not come."""
    return anomaly.metric.startswith(_ACCEPTED) or anomaly.direction == "down"


def counts_people(anomaly: Anomaly) -> bool:
    """Return whether the excess is a number of transactions that went wrong; volumes and silence have none."""
    return anomaly.rule not in {"volume", "silence", "few_values", "score_shift"} or anomaly.affected is not None


def _ended_by(cause: Cause) -> IncidentEndedBy:
    last = max(
        cause.findings, key=lambda each: (each.until_ms or 0, each.where == cause.root.where, each.latest.anomaly_id)
    )
    return last.latest.resolution or "within"
