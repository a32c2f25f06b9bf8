"""How the finding of a broken limit begins, rises, holds and ends: one for each rule, metric and cohort.

It is judged once for each day on which something of it became known, by the windows of 28 days that what became known
lies in. The first of them that proves most begins it, so labels that come late begin what they would have in time; of
injected attacks, which come in waves, the newest that proves it, for it has all of the wave.
While it fires severity only rises, and each evaluation that knows more of it is a revision with its counts, so that
what it grew by can be told; a week after the last of these one more says that they are settled. It ends when the newest
28 days keep the limit (of FNMR: the target), which is well below what begins it. The table is that of all anomalies
(`core.life`): what it does not list raises.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from proofwatch.events.identity import derived_id
from services.aggregator.core.anomaly_state import Severity
from services.aggregator.core.life import TRANSITIONS, Observation, Phase
from services.aggregator.core.limits.reading import DAYS, Days, Promise, Reading, read
from services.aggregator.core.limits.state import FindingState
from services.aggregator.core.limits.trials import INJECTION

_RANK: Final[Mapping[Observation, int]] = {"within": 0, "weak": 1, "low_evidence": 2, "high": 3}
_NEVER: Final = -(10**9)
SETTLED_DAYS: Final = 7
"""Who labels by weekly files has labelled again by then, if more is to come."""


class SeriesId(NamedTuple):
    """What a finding is about; segment name and value are None for the whole tenant."""

    rule: str
    metric: str
    tenant: str
    segment_name: str | None
    segment_value: str | None


class Moved(NamedTuple):
    """A finding that began, rose or ended, with the 28 days up to `end` that say so. `reading` None: no trials."""

    state: FindingState
    end: int
    reading: Reading | None


def advance(
    series: SeriesId,
    members: Mapping[str, Days],
    changed: Collection[int],
    promise: Promise,
    known: FindingState | None,
    *,
    told_of_all: Severity | None = None,
) -> Moved | None:
    """Return what becomes of a finding when trials of the days `changed` became known; None: nothing.

    `told_of_all`: the severity with which the same is found of the whole tenant: one cause is told once.
    """
    last = max((day for days in members.values() for day, (_, n) in days.items() if n), default=None)
    newest = None if last is None else read(members, last, promise)
    if last is None or newest is None:
        return None
    phase: Phase = known.severity if known and known.firing else "quiet"
    end, reading = last, newest
    if phase != "high":
        after = _NEVER if known is None else known.first_day - 1 if known.firing else known.through
        found = _strongest(members, changed, last, promise, after)
        whole = promise.metric == INJECTION and newest.observation == "high"
        if found and not whole and (phase == "quiet" or found[1].observation == "high"):
            end, reading = found
    observation = reading.observation
    if told_of_all and _RANK[observation] >= 2 and _RANK[observation] <= _RANK[told_of_all]:
        observation = "weak"
    if phase == "quiet" and known and end <= known.through:
        observation = "weak"  # told already, and over
    stands = _stands(members, known, promise)
    return move(series, known, phase, observation, end, reading, stands=stands, counted=bool(changed))


def move(
    series: SeriesId,
    known: FindingState | None,
    phase: Phase,
    observation: Observation,
    end: int,
    reading: Reading | None,
    *,
    stands: bool = True,
    counted: bool = False,
) -> Moved | None:
    """Return what the table says; None where nothing is to be told.

    `stands`: its proof was not taken back. `counted`: while it is as sure as it was, new counts are told.
    """
    effect = TRANSITIONS[phase, observation]
    if effect == "hold" and counted and known and phase == observation:
        revisions = {**known.revisions, known.first_day: known.revision + 1}
        return Moved(replace(known, revision=known.revision + 1, revisions=revisions), end, reading)
    if effect in ("none", "hold"):
        return None
    revisions = dict(known.revisions) if known else {}
    if effect == "fire":
        severity: Severity = "high" if observation == "high" else "low_evidence"
        revisions[end] = revision = revisions.get(end, 0) + 1
        state = FindingState(anomaly_id(series, end), revision, "firing", severity, end, _NEVER, revisions)
        return Moved(state, end, reading)
    assert known is not None, "only a firing finding escalates or resolves"
    revisions[known.first_day] = revision = known.revision + 1
    if effect == "escalate":
        return Moved(replace(known, revision=revision, severity="high", revisions=revisions), end, reading)
    through = end if stands else known.first_day - 1
    return Moved(
        replace(known, revision=revision, state="resolved", through=through, revisions=revisions), end, reading
    )


def settled(known: FindingState, members: Mapping[str, Days], promise: Promise, until_day: int) -> Moved | None:
    """Return what a finding comes to when nothing became known of it for `SETTLED_DAYS`; None: it may yet."""
    last = max((day for days in members.values() for day, (_, n) in days.items() if n), default=None)
    if not known.firing or known.severity != "high" or known.settles is None or until_day < known.settles:
        return None
    reading = None if last is None else read(members, last, promise)
    if last is None or reading is None or reading.observation != "high":
        return None
    revisions = {**known.revisions, known.first_day: known.revision + 1}
    return Moved(replace(known, revision=known.revision + 1, revisions=revisions, settles=None), last, reading)


def silent(known: FindingState | None, last_day: int | None, until_day: int) -> Moved | None:
    """Return the end of a finding of which 28 days up to `until_day` hold no trials, since there were none."""
    if known is None or not known.firing or (last_day is not None and last_day + DAYS > until_day):
        return None
    end = known.first_day if last_day is None else last_day
    revisions = known.revisions | {known.first_day: known.revision + 1}
    ended = replace(known, revision=known.revision + 1, state="resolved", through=end, revisions=revisions)
    return Moved(ended, end + DAYS, None)


def anomaly_id(series: SeriesId, first_day: int) -> str:
    """Return the id of the finding that these 28 days began."""
    return derived_id("anomaly", *series, first_day)


def _strongest(
    members: Mapping[str, Days], changed: Collection[int], last: int, promise: Promise, after: int
) -> tuple[int, Reading] | None:
    """Return the first of the windows ending after `after` that say most, of those that hold a changed day."""
    with_trials = {day for days in members.values() for day, (_, n) in days.items() if n}
    ends = {end for day in changed for end in range(day, min(day + DAYS, last + 1))} & with_trials | {last}
    best = None
    for end in sorted(end for end in ends if end > after):
        reading = read(members, end, promise)
        if reading and (best is None or _RANK[reading.observation] > _RANK[best[1].observation]):
            best = end, reading
    return best


def _stands(members: Mapping[str, Days], known: FindingState | None, promise: Promise) -> bool:
    if known is None:
        return True
    proof = read(members, known.first_day, promise)
    return proof is not None and _RANK[proof.observation] >= 2
