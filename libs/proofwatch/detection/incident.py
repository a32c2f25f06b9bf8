"""An incident: what one cause did, told once. Built here only, from the findings of the cause."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.detection.begin import CHANCE, DAY_S, Begin, begin_of, chance_of, of_days, steps_of, worst_of
from proofwatch.detection.ends import deciding, end_of, known_of
from proofwatch.detection.ever_so import was_ever_so
from proofwatch.detection.findings import (
    PROTECTED,
    RATES,
    WHOLE,
    FindingHistory,
    Slice,
    Tables,
    kind_of,
    length_s,
    panel_of,
)
from proofwatch.detection.impostors import impostors_rejected
from proofwatch.detection.leading import founds, leader, newest_of, weight
from proofwatch.detection.panel_counts import table_of
from proofwatch.detection.people_counts import people_counts
from proofwatch.detection.root_slice import Root, single
from proofwatch.detection.runs import BY_LABELS, KEPT_OUT, Cause
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.events.enumerations import IncidentEndedBy, IncidentEvidence, IncidentSeverity, IncidentState
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly, Proof, Step
from proofwatch.instants import EPOCH, instant_of

_DAY: Final = timedelta(seconds=DAY_S)


class LogEnd(NamedTuple):
    """Where a log ends that has an end: the time of its last transaction, and what such a log is called."""

    at: datetime
    log: str


class Incident(NamedTuple):
    """What one cause did.

    `since`: that of the root's own strong evidence that says best when it began: to the minute, else of the chart that
    was sure first, with a 90 % interval, else of the shortest windows that have any. Where the root has days alone, a
    chart of the whole tenant that fires because of it says it better; where it has none, that of the whole cause does.
    `steps`: how the root's rates changed since then; each told rise is one that people are told of.
    `chance`: how many findings as extreme the tenant's looks of a day would make by chance; 0 where a rule with a
    budget of its own found it. `lead` has the most evidence of the root's own findings, with its counts by now; where
    the root has none, that of another slice in the window that was sure, for it is compared with the root's counts.
    `rejected` and `accepted`: about how many people were wrongly rejected or accepted by now, beyond what was to be
    expected; without labels the rejected may be attackers.
    `rejected_people`: how many by findings that count each person once, where `rejected` may be of attempts; None: none
    does. `unchecked`: how many attempts passed a check that refused nobody; as many as it usually refuses are
    `accepted`. `rejected_by`, `accepted_by`, `rejected_people_by`: as `people_counts.PeopleCounts` says.

    `rules` are the detectors that found it; `known_at` is when it could first be known.
    `children` are the other findings, by id; `described`: slices that fired as well. `quiet_since`: since when days
    alone have strong evidence. `ended_by` is how the last finding ended. `merged_into`: the incident that it turned out
    to be a part of. `until_known`: when it became known that it ended. `log_end`: where the log ends in which it
    stands; None: it ended, or the log goes on. `proof`: what labels prove of attacks among what the root sent
    (`detection.proofs`); `accepted` counts them then. `version`: with which version of something else the root does so
    (`detection.narrower`). `ever_so`: it is what the policy did not expect, and was so since the first day.
    `told_proven`: of how many whom labels prove wrongly accepted, or of how far a version is from what ran before,
    people were told by this revision; `told_from`: before it (`detection.growth`). `settled`: labels
    that prove it told no more for a week. `impostors`: how many of its slice and days, whom the match refused, labels
    name as such (`detection.impostors`).
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
    until_known: datetime | None = None
    log_end: LogEnd | None = None
    rejected_people: float | None = None
    proof: Proof | None = None
    rejected_by: datetime | None = None
    accepted_by: datetime | None = None
    rejected_people_by: datetime | None = None
    unchecked: float = 0.0
    version: Slice | None = None
    ever_so: bool = False
    told_proven: float = 0.0
    told_from: float = 0.0
    settled: bool = False
    impostors: int = 0

    @property
    def kind(self) -> str:
        """Return what it is about, as `FindingHistory.kind`."""
        return kind_of(self.lead)

    @property
    def rejected_unproven(self) -> float:
        """Return about how many of the rejected labels do not name as attackers or impostors."""
        named = 0 if self.proof is None else self.proof.attacks - self.proof.accepted
        return max(0.0, self.rejected - named - self.impostors)

    @property
    def severity(self) -> IncidentSeverity:
        """Return how grave it is: critical if people or attacks pass who should not, as far as it is no chance.

        What was so since the first day is no emergency, unless one attempt in five is kept out; nor are impostors who
        were kept out, where labels name them all.
        """
        passed = max(self.accepted, self.unchecked) >= 1
        named = self.impostors > 0 and self.rejected_unproven < 1 and not passed
        if self.evidence == "weak" or named or (self.ever_so and self.lead.rate < KEPT_OUT):
            return "low"
        return "critical" if passed else "high"

    @property
    def harm(self) -> float:
        """Return about how many people it concerns."""
        return self.rejected_unproven + self.accepted


def incident_of(cause: Cause, tables: Tables) -> Incident:
    """Return the incident of a cause, as revision 1; `tables`: the counts that it was found by.

    Its id is of the finding that it was first sure by, so that neither longer windows, nor what joins, nor a root that
    becomes clear later change it: a finding is of one cause.
    """
    told = [each for each in cause.findings if each.kind == RATES] or list(cause.findings)
    own = [each for each in told if each.where == cause.root.where] or told
    lead, telling = max(own, key=weight), newest_of(leader(own), own)
    others = [each for each in cause.findings if each not in own]
    version = next((each for each in others if each.latest.rule == VERSION_CHANGE), None)
    begin = begin_of(own, others, cause.root.where, tables) or begin_of(told, (), cause.root.where, tables)
    begin = _with(version, begin, days=of_days(own))
    alike = {WHOLE, *cause.root.confounded} - {each.where for each in own}
    found = min(each.found for each in cause.findings)
    founder = min(cause.findings, key=founds)
    chance = min(chance_of(worst_of(each)) for each in cause.findings)
    people = people_counts(own)
    return Incident(
        incident_id=derived_id("incident", lead.latest.tenant, founder.latest.anomaly_id),
        revision=1,
        tenant=lead.latest.tenant,
        state="firing" if cause.until_ms is None else "ended",
        root=_counted_with(cause, telling, tables),
        since=begin.since if begin else instant_of(cause.since_ms),
        until=None if cause.until_ms is None else instant_of(cause.until_ms),
        evidence="strong" if chance < CHANCE else "weak",
        chance=chance,
        lead=telling.newest if telling.where == cause.root.where else worst_of(telling),
        metrics=tuple(sorted({each.latest.metric for each in cause.findings})),
        rejected=people.rejected,
        accepted=people.accepted,
        children=tuple(sorted(each.latest.anomaly_id for each in cause.findings if each is not telling)),
        described=tuple(sorted({each.where for each in cause.findings} - {cause.root.where, WHOLE}, key=str)),
        ended_by=None if cause.until_ms is None else _ended_by(cause),
        quiet_since=_quiet_since(cause),
        rules=tuple(sorted({each.latest.rule for each in cause.findings})),
        known_at=found,
        since_low=begin.low if begin else None,
        since_high=begin.high if begin else None,
        steps=steps_of(own, [each for each in told if each.where in alike]),
        until_known=None if cause.until_ms is None else known_of(cause.findings, cause.root.where),
        rejected_people=people.people,
        rejected_by=people.rejected_by,
        accepted_by=people.accepted_by,
        rejected_people_by=people.people_by,
        unchecked=people.unchecked,
        version=version.where if version else None,
        settled=lead.is_settled,
        impostors=0 if people.rejected_at == "liveness" else impostors_rejected(own, cause.root.where, tables),
        ever_so=chance < CHANCE
        and all(was_ever_so(each, tables) for each in told if chance_of(worst_of(each)) < CHANCE),
    )


def _with(version: FindingHistory | None, begin: Begin | None, *, days: bool) -> Begin | None:
    """Return the begin: that of the version that a slice goes wrong with, unless the slice was so before.

    It may show it later: a release reaches people by and by. `days`: it shows the day only.
    """
    if version is None or begin is None:
        return begin
    high = begin.high or begin.since + (_DAY if days else timedelta(0))
    return Begin(version.since) if version.since <= high else begin


def _counted_with(cause: Cause, telling: FindingHistory, tables: Tables) -> Root:
    """Return the root with its counts, and those of the rest, of the rate and window that leads: both are told.

    A cause moves several rates, of all attempts and of first ones; the window that named the root may be of another one
    than the one that tells. What is beside it is told where it was counted of the same, or not at all.
    """
    root, worst, panel = cause.root, worst_of(telling), panel_of(telling)
    if root.where == WHOLE:
        return root
    group = [each for each in cause.findings if each.worst and panel_of(each) == panel]
    known = tables.get(panel, {})
    table = table_of(group, {root.where}, known, down=worst.direction == "down")
    if root.where not in table or WHOLE not in table:
        return root._replace(share=None, rest=None)
    counted = single(table, root.where)._replace(confounded=root.confounded)
    told = telling.newest if telling.where == root.where else worst
    same = (told.window_start, told.window_end) == (worst.window_start, worst.window_end)
    if worst.rule in BY_LABELS and telling.where == WHOLE:  # labels come on: windows may be of a later date
        same = same and known.get(WHOLE) == (told.k, told.n)
    return counted if same else counted._replace(rest=None)


def protected(where: Slice) -> bool:
    """Return whether a slice is one of people by what they are."""
    return where[0] in PROTECTED


def _quiet_since(cause: Cause) -> datetime | None:
    if cause.until_ms is not None:
        return None
    strong = [each for each in cause.findings if chance_of(worst_of(each)) < CHANCE]
    ends = [each.until_ms for each in strong if length_s(worst_of(each)) < DAY_S]
    known = [end for end in ends if end is not None]
    return instant_of(max(known)) if known and len(known) == len(ends) else None


def _ended_by(cause: Cause) -> IncidentEndedBy:
    last = max(
        deciding(cause.findings, cause.root.where),
        key=lambda each: (end_of(each, cause.findings) or 0, each.where == cause.root.where, each.latest.anomaly_id),
    )
    return last.latest.resolution or "within"
