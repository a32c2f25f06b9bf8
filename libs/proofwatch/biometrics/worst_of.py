"""The status of a worst-of figure: APCER over PAI species, an error rate over segments, any maximum over members.

The status is not that of the member with the highest observed rate. One of many members looks bad by chance, and a
large member in proven breach must not hide behind a small one that proves nothing. So:

* BREACH if any eligible member is in breach at confidence 1 - (1 - confidence) / (number of members that could be):
  Bonferroni, so that a sound system is called a breach at most as often as one member alone would be. Those that could
  be are named and have as many trials as a proof takes errors, whatever came of them.
* PASS only if every named member passes at the plain confidence. This is the intersection-union test (Berger 1982,
  Technometrics 24:295-300), which needs no correction. A named member with fewer than `min_trials` forbids it.
* INSUFFICIENT otherwise, with the members to blame.

A member is *eligible* when it is named and has at least `min_trials` trials, or `FEWEST_ERRORS` errors: few trials
cannot show that a limit is kept, but errors among them can show that it is not, and only PASS waits for `min_trials`.
Unnamed members (`unknown` species, blank segment cells) are mixtures: listed, never the headline. Yet the mean of a
mixture above the limit proves that something in it is, so such a mixture, and all that is not eligible taken together
(`rest`), forbid PASS and are said. What is not eligible has no status but INSUFFICIENT. Bounds are one-sided
Clopper-Pearson, as for every limit (see `figures`).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

import msgspec
from msgspec import UNSET, UnsetType

from proofwatch.biometrics.evidence import Reason, missing
from proofwatch.biometrics.figures import Figure, Status, judge, rate
from proofwatch.biometrics.intervals import clopper_pearson_lower

TOGETHER = "all others together"
"""The name of the member that all which are not eligible make."""
Counts = Mapping[str, tuple[int, int]]
"""Errors and trials by the name of the member."""
FEWEST_ERRORS = 5
"""So many errors prove a limit broken among however few trials, where their lower bound is above it."""
MOST_NAMED = 50
"""So many members are named at most as the reason of a figure's status."""


class Member(msgspec.Struct, frozen=True):
    """One member with k errors in n trials.

    `status` is its own, uncorrected for their number, INSUFFICIENT where it is not eligible; `in_breach` is the
    corrected verdict, true of eligible members only. `reason` is set when it neither passes nor is in breach. Then
    `needed_without_error` and `needed_at_present_rate` are the further trials that would decide (see `evidence`).
    """

    name: str
    k: int
    n: int
    status: Status
    eligible: bool
    in_breach: bool
    reason: Reason | None = None
    needed_without_error: int | None = None
    needed_at_present_rate: int | None = None

    @property
    def rate(self) -> float | None:
        """k / n, null without trials."""
        return self.k / self.n if self.n else None


class WorstOf(msgspec.Struct, frozen=True):
    """The status with all members, the highest rate first.

    `concerned` names those that make the status: the members in breach, or those that forbid PASS; none for PASS.
    `worst` is the eligible member with the highest rate, which gives the headline its figure but not its status;
    null when none is eligible. `rest` is all that is not eligible as one member, null unless several have trials.
    """

    status: Status
    limit: float
    concerned: tuple[str, ...]
    worst: str | None
    members: tuple[Member, ...]
    rest: Member | None = None

    @property
    def because(self) -> tuple[Member, ...]:
        """Return the members concerned; at the end the mixture above the limit, where it has several members."""
        named = {*self.concerned}
        found = tuple(member for member in self.members if member.name in named)
        mixture = self.rest
        if mixture is None or self.status is not Status.INSUFFICIENT or mixture.reason is not Reason.NOT_TOLD_APART:
            return found
        return found if any(each.reason is mixture.reason for each in found) else (*found, mixture)


class WorstFigure(Figure, frozen=True):
    """The figure of the worst eligible member, with the status that all members make together.

    `k`, `n`, `value`, `low` and `high` are the worst member's (null when none is eligible). `because` are the members
    that make the status: those in breach, or those that forbid PASS, `MOST_NAMED` at most.
    """

    because: tuple[Member, ...] = ()


class SpeciesFigure(WorstFigure, frozen=True):
    """The worst of PAI species, such as the headline APCER."""

    worst_species: str | None = None

    @classmethod
    def of(cls, members: Counts, limit: float | None, min_trials: int, unnamed: Collection[str]) -> Self:
        """Return the figure of the species; without a limit it has no status."""
        return cls(*_figure(members, limit, min_trials, unnamed))


class SegmentFigure(WorstFigure, frozen=True):
    """The worst of the values of a segment."""

    worst_value: str | None = None

    @classmethod
    def of(cls, members: Counts, limit: float | None, min_trials: int, unnamed: Collection[str]) -> Self:
        """Return the figure of the values; without a limit it has no status."""
        return cls(*_figure(members, limit, min_trials, unnamed))


class PooledFigure(WorstFigure, frozen=True):
    """The rate of all members together, with the status that all of them make."""

    @classmethod
    def of(cls, members: Counts, limit: float | None, min_trials: int, unnamed: Collection[str]) -> Self:
        """Return the figure of the members; without a limit it has no status."""
        together = rate(sum(k for k, _ in members.values()), sum(n for _, n in members.values()))
        shown = (together.k, together.n, together.value, together.low, together.high)
        return cls(*shown, *_figure(members, limit, min_trials, unnamed)[len(shown) : -1])


def worst_of(
    members: Counts,
    limit: float,
    *,
    min_trials: int,
    unnamed: Collection[str] = (),
    confidence: float = 0.95,
) -> WorstOf:
    """Return the status of the worst of `members` (name -> (errors, trials)) against `limit`, a rate in 0..1.

    A member without trials counts as seen but unproven; leave out what had no traffic. Without any named member the
    status is INSUFFICIENT and concerns nobody. Raises ValueError when counts are not 0 <= errors <= trials or the
    limit is not strictly between 0 and 1.
    """
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit {limit!r} is not a rate strictly between 0 and 1")
    for name, (k, n) in members.items():
        if not 0 <= k <= n:
            raise ValueError(f"{name}: {k} errors in {n} trials, but 0 <= errors <= trials must hold")
    at_least = max(1, min_trials)
    eligible = {*_eligible(members, at_least, unnamed)}
    could = {name for name, (_, n) in members.items() if name not in unnamed and n >= min(at_least, FEWEST_ERRORS)}

    def member(name: str, k: int, n: int) -> Member:
        # One that could not be yet would be one more when it can.
        corrected = 1 - (1 - confidence) / (len(could) + (name not in could))
        return _member(name, k, n, limit, at_least, name in eligible, name in unnamed, confidence, corrected)

    found = sorted((member(name, k, n) for name, (k, n) in members.items()), key=_worst_first)
    others = [counts for name, counts in members.items() if name not in eligible and counts[1]]
    rest = None
    if len(others) > 1:  # one by itself is told apart
        k, n = (sum(column) for column in zip(*others, strict=True))
        rest = _member(TOGETHER, k, n, limit, at_least, False, True, confidence, confidence)
    status, concerned = _headline(found, unnamed, at_least)
    worst = next((m.name for m in found if m.eligible), None)
    return WorstOf(status, limit, concerned, worst, tuple(found), rest)


def worst_member(members: Counts, min_trials: int, unnamed: Collection[str] = ()) -> str | None:
    """Return the eligible member with the highest rate; of equal rates that with fewer trials: it proves least."""
    eligible = _eligible(members, max(1, min_trials), unnamed)
    return min(eligible, key=lambda name: (-members[name][0] / members[name][1], members[name][1], name), default=None)


def _figure(members: Counts, limit: float | None, min_trials: int, unnamed: Collection[str]) -> tuple[Any, ...]:
    """Return the fields of a `WorstFigure` in order, and the name of the worst member."""
    worst = worst_member(members, min_trials, unnamed)
    f = Figure(None, None, None, None, None, None) if worst is None else rate(*members[worst])
    shown = (f.k, f.n, f.value, f.low, f.high)
    if limit is None:
        return *shown, None, UNSET, UNSET, UNSET, UNSET, UNSET, (), worst
    found = worst_of(members, limit, min_trials=min_trials, unnamed=unnamed)
    because = found.because[:MOST_NAMED]
    reason: Reason | UnsetType = UNSET
    if found.status is Status.INSUFFICIENT:
        reasons = {each.reason for each in because}
        reason = next((each for each in Reason if each in reasons), Reason.TOO_FEW_TRIALS)
    return *shown, found.status, UNSET, UNSET, reason, UNSET, UNSET, because, worst


def _eligible(members: Counts, min_trials: int, unnamed: Collection[str]) -> Iterable[str]:
    return (name for name, (k, n) in members.items() if name not in unnamed and (n >= min_trials or k >= FEWEST_ERRORS))


def _worst_first(member: Member) -> tuple[float, int, str]:
    return -(member.rate or 0.0), member.n, member.name


def _headline(members: list[Member], unnamed: Collection[str], min_trials: int) -> tuple[Status, tuple[str, ...]]:
    if breach := tuple(m.name for m in members if m.in_breach):
        return Status.BREACH, breach
    named = [m for m in members if m.name not in unnamed]
    forbid = {m.name for m in named if m.status is not Status.PASS or m.n < min_trials}
    forbid |= {m.name for m in members if m.reason is Reason.NOT_TOLD_APART}
    if named and not forbid:
        return Status.PASS, ()
    return Status.INSUFFICIENT, tuple(m.name for m in members if m.name in forbid)


def _member(
    name: str,
    k: int,
    n: int,
    limit: float,
    min_trials: int,
    eligible: bool,
    mixture: bool,
    confidence: float,
    corrected: float,
) -> Member:
    status = judged = judge(k, n, limit, confidence=confidence) if n else Status.INSUFFICIENT
    if not eligible or (judged is Status.PASS and n < min_trials):
        status = Status.INSUFFICIENT
    in_breach = eligible and clopper_pearson_lower(k, n, corrected) > limit
    if in_breach or (status is Status.PASS and n >= min_trials):
        return Member(name, k, n, status, eligible, in_breach)
    if mixture and judged is Status.BREACH:
        return Member(name, k, n, status, eligible, False, Reason.NOT_TOLD_APART)
    found = missing(k, n, limit, min_trials, confidence, corrected)
    return Member(
        name, k, n, status, eligible, False, found.reason, found.needed_without_error, found.needed_at_present_rate
    )
