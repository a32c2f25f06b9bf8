"""Findings of one root, in the order of their begin: which of them come of one cause. Pure.

What overlaps, or follows soon, is of one cause: within `GAP_MS`, or half of the time that it had lasted, a day at most;
of several that may be its cause, the latest that is of high severity, for low evidence comes by chance every day.
So it is but for what the standing findings do not explain:

* what began to the minute (`EXACT`), later than `GAP_MS` after what stands, unless that is exact too;
* what began later than `GAP_MS` after a promised limit was broken, which labels prove of the days before, by the last
  of the days on which that may have begun;
* what lets people in, while that keeps them out, or the other way round;
* errors of one check that began when only those of the other were known already;
* what labels prove of genuine people whom one check rejects, of errors of the other alone (`detection.checks`).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple

from proofwatch.detection.checks import check_of, is_proven, proven_of_other
from proofwatch.detection.ends import deciding, until_of
from proofwatch.detection.findings import RATES, WHOLE, FindingHistory, Slice
from proofwatch.detection.harm import LETS_IN, harm_of, lets_in, shuts
from proofwatch.detection.root_slice import Root
from proofwatch.detection.version_words import VERSION_CHANGE
from proofwatch.instants import ms_of

GAP_MS: Final = 3_600_000
"""A cause that comes back within an hour is the same, however short it was."""
_LONGEST_MS: Final = 86_400_000
_EVER_SO_MS: Final = 14 * _LONGEST_MS
"""A tenant that its policy does not know is told of once, until what is usual there is known."""
_PART: Final = 0.5
"""What lasted for days is seen to be over, and to be back, hours late: a chart needs them, and the rate wanders."""
KEPT_OUT: Final = 0.2
"""Of its attempts: then it is more than a tenant that its policy does not know."""
_SOON_MS: Final = 600_000
"""A change in how many come is known less exactly than one of how many are kept out."""
EXACT: Final = frozenset({"collapse", "saturation", "few_values", "missing_scores", "score_shift"})
"""Rules of whole tenants that say to the minute when something began."""
BY_LABELS: Final = frozenset({"limit_breach", "sequential_limit"})
"""Rules of what labels prove of weeks: they stand for as long."""


class Cause(NamedTuple):
    """Findings of one root, the first one first, from its begin to its end (None: some fire) in milliseconds."""

    root: Root
    findings: tuple[FindingHistory, ...]
    since_ms: int
    until_ms: int | None


class Placed(NamedTuple):
    """A finding and its root; whether it is `detection.ever_so`."""

    finding: FindingHistory
    root: Root
    ever_so: bool = False


@lru_cache(maxsize=1024)
def related(metric: str, other: str) -> bool:
    """Return whether one cause may move both: all but errors of one check and errors of the other."""
    return {check_of(metric), check_of(other)} != {"liveness", "match"}


def order(finding: FindingHistory) -> tuple[int, str]:
    """Return what findings are sorted by: their begin."""
    return (finding.since_ms, finding.latest.anomaly_id)


def stood(before: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether what another finding says had stood for too long to explain this one.

    What was not known for sure by then did not stand: a chart that wanders may be told by what something else does.
    """
    if before.since_ms >= finding.since_ms - GAP_MS:
        return False
    then, now = before.latest.rule, finding.latest.rule
    if then in BY_LABELS and now not in BY_LABELS:
        return before.since_high is None or ms_of(before.since_high) < finding.since_ms - GAP_MS
    if now in EXACT and then not in EXACT:
        if before.since_ms >= _earliest_ms(finding) - GAP_MS:
            return False
        high = before.worst is not None and before.worst.severity == "high"
        sure = before.sure or (before.found if high else None)  # kept by a release that did not note when it was
        return sure is not None and ms_of(sure) <= finding.since_ms
    return False


def contradict(one: FindingHistory, other: FindingHistory) -> bool:
    """Return whether one says that more people pass than usual, and the other that fewer do.

    Labels that prove a limit of genuine people broken are no cause with what lets people or attacks in, whatever else
    they share; attacks that get in are with the rejections of the others.
    """
    harms = {harm_of(each.latest) for each in (one, other)}
    if "genuine_out" in harms and harms & LETS_IN:
        return VERSION_CHANGE not in {one.latest.rule, other.latest.rule}
    return {lets_in(one.latest), lets_in(other.latest)} == {True, False}


def may_explain(slice_: FindingHistory, finding: FindingHistory) -> bool:
    """Return whether what one finding says of a slice may be why another one fires, by what both do and since when.

    What lets people in explains nothing that keeps them out, nor the other way round. What began to the minute is not
    explained by what began long before, however late that was sure; what minutes know within hours only may be.
    """
    if stood(slice_, finding) or contradict(slice_, finding):
        return False
    exact, other = finding.latest.rule in EXACT, slice_.latest.rule not in EXACT
    return not (exact and other and slice_.since_ms < _earliest_ms(finding) - GAP_MS)


def _earliest_ms(finding: FindingHistory) -> int:
    """Return when a finding of minutes began at the earliest: to the minute, but for bounds that it states."""
    return finding.since_ms if finding.since_low is None else ms_of(finding.since_low)


def joined(placed: Iterable[Placed]) -> list[Cause]:
    """Return the causes, in the order of their begin."""
    everything = list(placed)
    rejecting = [each.finding for each in everything if each.root.where == WHOLE and _rejects(each.finding)]
    series: dict[tuple[str, Slice], list[Placed]] = {}
    for each in everything:
        kind = RATES if _come_again(each.finding, rejecting) else each.finding.kind
        series.setdefault((kind, each.root.where), []).append(each)
    found = [_cause(run) for members in series.values() for run in _runs(members)]
    return sorted(found, key=lambda cause: (cause.since_ms, cause.findings[0].latest.anomaly_id))


def _rejects(finding: FindingHistory) -> bool:
    """Return whether a finding of a tenant says that one attempt in five or more is kept out."""
    worst = finding.worst
    if finding.kind != RATES or worst is None or worst.severity != "high" or lets_in(worst) is not False:
        return False
    return worst.rate >= KEPT_OUT


def _come_again(finding: FindingHistory, rejecting: Iterable[FindingHistory]) -> bool:
    """Return whether there is more traffic than usual because people who are kept out try again."""
    if finding.latest.rule != "volume" or finding.latest.direction != "up":
        return False
    at = finding.since_ms
    return any(each.since_ms - _SOON_MS <= at <= _end(each) + GAP_MS for each in rejecting)


def _runs(members: Iterable[Placed]) -> list[list[Placed]]:
    runs: list[list[Placed]] = []
    # what labels prove comes after what it may be a part of
    for each in sorted(members, key=lambda one: (one.finding.since_ms, is_proven(one.finding), order(one.finding))):
        at = each.finding.since_ms
        open_ones = [run for run in reversed(runs) if at <= _until(run) + _gap_ms(run, each)]
        open_ones.sort(key=lambda run, at=at: (at > _until(run) + GAP_MS, not _is_sure(run)))  # type: ignore[misc]
        run = next((run for run in open_ones if _explained(each, run)), None)
        if run is None:  # what was first known at one moment stays together: an incident's id is of that moment
            alike = (run for run in open_ones if not _is_another(each.finding, run))
            run = next((run for run in alike if _found_ms(run) == ms_of(each.finding.found)), None)
        if run is None:
            runs.append([each])
        else:
            run.append(each)
    return runs


def _explained(placed: Placed, run: Sequence[Placed]) -> bool:
    """Return whether a finding may come of what the run comes of; what counts lay to a slice is no news of it."""
    finding = placed.finding
    laid = finding.where == WHOLE != placed.root.where and shuts(finding.latest)
    gap_ms = _gap_ms(run, placed)
    going = [each.finding for each in run if each.finding.since_ms <= finding.since_ms <= _end(each.finding) + gap_ms]
    if (not laid and all(stood(each, finding) for each in going)) or _is_another(finding, run):
        return False
    checks = {check_of(each.latest.metric) for each in going} - {None}
    own = check_of(finding.latest.metric)
    if own is None or not checks or own in checks:
        return True
    known = [ms_of(each.sure) for each in going if each.sure]  # of low evidence nobody was told
    return not known or finding.since_ms <= min(known)


def _is_another(finding: FindingHistory, run: Sequence[Placed]) -> bool:
    """Return whether a finding is of another cause than a run, by what both say, whenever that began."""
    others = [each.finding for each in run]
    return any(contradict(each, finding) for each in others) or proven_of_other(finding, others)


def _gap_ms(run: Sequence[Placed], placed: Placed) -> float:
    """Return within which time after its end what comes is of the same run."""
    if placed.ever_so and all(each.ever_so for each in run):
        return _EVER_SO_MS
    since_ms = min(each.since_ms for each in deciding([each.finding for each in run], run[0].root.where))
    return max(GAP_MS, min(_PART * (_until(run) - since_ms), _LONGEST_MS))


def _is_sure(run: Sequence[Placed]) -> bool:
    return any(each.finding.sure for each in run)


def _found_ms(run: Sequence[Placed]) -> int:
    return min(ms_of(each.finding.found) for each in run)


def _end(finding: FindingHistory) -> float:
    return inf if finding.until_ms is None else finding.until_ms


def _until(run: Sequence[Placed]) -> float:
    until = until_of([each.finding for each in run], run[0].root.where)
    return inf if until is None else until


def _cause(run: Sequence[Placed]) -> Cause:
    # numbers of who comes are not of what went wrong
    told = [each for each in run if each.finding.kind == RATES] or run
    largest = max(
        told, key=lambda each: (each.root.share is not None, each.root.counts.excess, each.finding.latest.anomaly_id)
    )
    alike = tuple(sorted({one for each in run for one in each.root.confounded if each.root == largest.root}, key=str))
    root = largest.root._replace(confounded=alike)
    findings = tuple(each.finding for each in run)
    return Cause(root, findings, findings[0].since_ms, until_of(findings, root.where))
