"""An incident: what one cause did, told once. Built here only, from the findings of the cause."""

from datetime import datetime
from typing import Final, NamedTuple

from proofwatch.detection.begin import CHANCE, DAY_S, begin_of, chance_of, steps_of, worst_of
from proofwatch.detection.findings import PROTECTED, WHOLE, FindingHistory, Slice, excess, length_s
from proofwatch.detection.root_slice import Root
from proofwatch.detection.runs import Cause
from proofwatch.events.enumerations import IncidentEndedBy, IncidentEvidence, IncidentSeverity, IncidentState
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly, Step
from proofwatch.instants import EPOCH, instant_of, ms_of

_ACCEPTED: Final = ("fmr", "apcer", "iapar", "far")
_OF_SCORES: Final = frozenset({"saturation", "score_shift"})
"""Rules whose direction is that of scores, of which higher ones pass."""
_OF_NOBODY: Final = frozenset({"volume", "silence"})
_KNOWS_CAUSE: Final = frozenset({"version_change"})


class Incident(NamedTuple):
    """What one cause did.

    `since`: that of the root's own strong evidence that says best when it began: to the minute, else of the chart that
    was sure first, with a 90 % interval, else of the shortest windows that have any.
    `steps`: how the root's rates changed since then; each told rise is one that people are told of.
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
    since_low: datetime | None = None
    since_high: datetime | None = None
    steps: tuple[Step, ...] = ()

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
    lead, telling = max(own, key=_weight), max(own, key=_tells)
    begin = begin_of(own)
    found = min(each.found for each in cause.findings)
    chance = min(chance_of(worst_of(each)) for each in cause.findings)
    return Incident(
        incident_id=derived_id("incident", lead.latest.tenant, *cause.root.where, ms_of(found), lead.kind),
        revision=1,
        tenant=lead.latest.tenant,
        state="firing" if cause.until_ms is None else "ended",
        root=cause.root,
        since=begin.since if begin else instant_of(cause.since_ms),
        until=None if cause.until_ms is None else instant_of(cause.until_ms),
        evidence="strong" if chance < CHANCE else "weak",
        chance=chance,
        lead=worst_of(telling),
        metrics=tuple(sorted({each.latest.metric for each in cause.findings})),
        rejected=_people(own, accepted=False),
        accepted=_people(own, accepted=True),
        children=tuple(sorted(each.latest.anomaly_id for each in cause.findings if each is not telling)),
        described=tuple(sorted({each.where for each in cause.findings} - {cause.root.where, WHOLE}, key=str)),
        ended_by=None if cause.until_ms is None else _ended_by(cause),
        quiet_since=_quiet_since(cause),
        rules=tuple(sorted({each.latest.rule for each in cause.findings})),
        known_at=found,
        since_low=begin.low if begin else None,
        since_high=begin.high if begin else None,
        steps=steps_of(own),
    )


def urgency(incident: Incident) -> tuple[bool, bool, float, str]:
    """Return what incidents are sorted by, the worst first: evidence, whether it goes on, harm. Never the ratio."""
    return (incident.evidence != "strong", incident.state != "firing", -incident.harm, incident.incident_id)


def protected(where: Slice) -> bool:
    """Return whether a slice is one of people by what they are."""
    return where[0] in PROTECTED


def _weight(finding: FindingHistory) -> tuple[bool, float, str]:
    worst = worst_of(finding)
    expected = max(worst.n * worst.baseline_rate, 1.0)
    return (worst.severity == "high", excess(worst) / expected**0.5, worst.anomaly_id)


def _tells(finding: FindingHistory) -> tuple[bool, bool, float, str]:
    """Whose words an incident has: a rule that knows the cause says better what to do than one that counts more."""
    high, weight, name = _weight(finding)
    return high, finding.latest.rule in _KNOWS_CAUSE, weight, name


def _quiet_since(cause: Cause) -> datetime | None:
    if cause.until_ms is not None:
        return None
    strong = [each for each in cause.findings if chance_of(worst_of(each)) < CHANCE]
    ends = [each.until_ms for each in strong if length_s(worst_of(each)) < DAY_S]
    known = [end for end in ends if end is not None]
    return instant_of(max(known)) if known and len(known) == len(ends) else None


def _people(own: list[FindingHistory], *, accepted: bool) -> float:
    """Return the largest excess of one metric: those of several overlap, and so do windows of several lengths."""
    worst = [worst_of(each) for each in own]
    found = [excess(each) for each in worst if wrongly_accepted(each) == accepted and counts_people(each)]
    return max(found, default=0.0)


def wrongly_accepted(anomaly: Anomaly) -> bool:
    """Return whether what is beyond the expected was let in: attacks, impostors, rejections that did not come.

    Scores that are higher than usual let people in; of everything else it is too few that do.
    """
    if anomaly.rule in _OF_SCORES:
        return anomaly.direction != "down"
    return anomaly.metric.startswith(_ACCEPTED) or anomaly.direction == "down"


def counts_people(anomaly: Anomaly) -> bool:
    """Return whether the excess is a number of transactions that went wrong: nobody came to harm who did not come."""
    if anomaly.rule in _OF_NOBODY:
        return False
    return anomaly.rule not in {"few_values", "score_shift"} or anomaly.affected is not None


def _ended_by(cause: Cause) -> IncidentEndedBy:
    last = max(
        cause.findings, key=lambda each: (each.until_ms or 0, each.where == cause.root.where, each.latest.anomaly_id)
    )
    return last.latest.resolution or "within"
