"""The status of a worst-of figure: APCER over PAI species, an error rate over segments, any maximum over members.

The status is not that of the member with the highest observed rate. One of many members looks bad by chance, and a
large member in proven breach must not hide behind a small one that proves nothing. So:

* BREACH if any eligible member is in breach at confidence 1 - (1 - confidence) / (number of eligible members):
  Bonferroni, so that a sound system is called a breach at most as often as one member alone would be.
* PASS only if every named member passes at the plain confidence. This is the intersection-union test (Berger 1982,
  Technometrics 24:295-300), which needs no correction. A named member with fewer than `min_trials` forbids it.
* INSUFFICIENT otherwise, with the members to blame.

A member is *eligible* when it is named and has at least `min_trials` trials. Unnamed members (`unknown` species, blank
segment cells) are mixtures: listed, never the headline. Yet the mean of a mixture in breach proves that something in
it is, so it forbids PASS. Bounds are one-sided Clopper-Pearson, as for every limit (see `figures`).
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec

from proofwatch.biometrics.figures import Status, judge
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper, trials_needed

MANY = 10**9
"""More trials than anybody collects: where so many would not decide, no number is stated."""


class Reason(StrEnum):
    """Why a member decides nothing."""

    TOO_FEW_TRIALS = "too few trials"  # so few would not have shown the limit kept even without an error
    STRADDLES_THE_LIMIT = "straddles the limit"  # enough for that, but the interval still holds the limit


class Member(msgspec.Struct, frozen=True):
    """One member with k errors in n trials.

    `status` is its own, uncorrected for the number of members (INSUFFICIENT without trials); `in_breach` is the
    corrected verdict, true of eligible members only. `reason` is set when it neither passes nor is in breach. Then
    `needed_without_error` further trials would show the limit kept if no further error occurs, and
    `needed_at_present_rate` further ones would decide either way if errors go on at k / n: null where no number of
    trials would (a rate at the limit, or no trial yet).
    """

    name: str
    k: int
    n: int
    status: Status
    eligible: bool
    in_breach: bool
    reason: Reason | None
    needed_without_error: int | None
    needed_at_present_rate: int | None

    @property
    def rate(self) -> float | None:
        """k / n, null without trials."""
        return self.k / self.n if self.n else None


class WorstOf(msgspec.Struct, frozen=True):
    """The status with all members, the highest rate first.

    `concerned` names those that make the status: the members in breach, or those that forbid PASS; none for PASS.
    `worst` is the eligible member with the highest rate, which gives the headline its figure but not its status;
    null when none is eligible.
    """

    status: Status
    limit: float
    concerned: tuple[str, ...]
    worst: str | None
    members: tuple[Member, ...]


def worst_of(
    members: Mapping[str, tuple[int, int]],
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
    eligible = {name for name, (_, n) in members.items() if name not in unnamed and n >= at_least}

    def member(name: str, k: int, n: int) -> Member:
        # One that is not eligible yet would be one more when it is.
        tests = len(eligible | {name})
        return _member(name, k, n, limit, at_least, name in eligible, confidence, 1 - (1 - confidence) / tests)

    found = [member(name, k, n) for name, (k, n) in members.items()]
    # Of equal rates the one with fewer trials leads: it is the one that proves least.
    found.sort(key=lambda m: (-(m.rate or 0.0), m.n, m.name))
    worst = next((m.name for m in found if m.eligible), None)
    status, concerned = _headline(found, unnamed)
    return WorstOf(status, limit, concerned, worst, tuple(found))


def _headline(members: list[Member], unnamed: Collection[str]) -> tuple[Status, tuple[str, ...]]:
    if breach := tuple(m.name for m in members if m.in_breach):
        return Status.BREACH, breach
    named = [m for m in members if m.name not in unnamed]
    forbid = {m.name for m in named if m.status is not Status.PASS or not m.eligible}
    forbid |= {m.name for m in members if m.name in unnamed and m.status is Status.BREACH}
    if named and not forbid:
        return Status.PASS, ()
    return Status.INSUFFICIENT, tuple(m.name for m in members if m.name in forbid)


def _member(
    name: str, k: int, n: int, limit: float, min_trials: int, eligible: bool, confidence: float, corrected: float
) -> Member:
    status = judge(k, n, limit, confidence=confidence) if n else Status.INSUFFICIENT
    in_breach = eligible and clopper_pearson_lower(k, n, corrected) > limit
    if in_breach or (status is Status.PASS and n >= min_trials):
        return Member(name, k, n, status, eligible, in_breach, None, None, None)
    few = n < max(min_trials, trials_needed(limit, confidence))
    return Member(
        name,
        k,
        n,
        status,
        eligible,
        False,
        Reason.TOO_FEW_TRIALS if few else Reason.STRADDLES_THE_LIMIT,
        needed_without_error(k, n, limit, min_trials, confidence),
        needed_at_present_rate(k, n, limit, min_trials, confidence, corrected),
    )


@lru_cache(maxsize=65_536)
def needed_without_error(k: int, n: int, limit: float, min_trials: int, confidence: float) -> int | None:
    """Return how many further trials, none of them an error, show that the rate is at most `limit`."""
    if k == 0:
        return max(0, min_trials - n, trials_needed(limit, confidence) - n)
    first = _first(max(n, min_trials, 1), lambda total: clopper_pearson_upper(k, total, confidence) <= limit)
    return None if first is None else first - n


@lru_cache(maxsize=65_536)
def needed_at_present_rate(
    k: int, n: int, limit: float, min_trials: int, confidence: float, breach_confidence: float
) -> int | None:
    """Return how many further trials at the rate k / n show that it is at most, or above, `limit`.

    Errors grow pro rata, as a real number, so that the answer has no saw teeth. None when no number up to `MANY` does.
    """
    if n == 0 or k == n * limit:
        return None
    rate = k / n

    def decided(total: int) -> bool:
        if rate < limit:
            return _upper(rate * total, total, confidence) <= limit
        return _lower(rate * total, total, breach_confidence) > limit

    first = _first(max(n, min_trials), decided)
    return None if first is None else first - n


def _first(start: int, true_from: Callable[[int], bool]) -> int | None:
    """Return the first number from `start` on for which a monotone predicate is true; None beyond `MANY`."""
    if true_from(start):
        return start
    low, high = start, 2 * start
    while not true_from(high):
        low, high = high, 2 * high
        if low > MANY:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true_from(middle) else (middle, high)
    return high


def _upper(k: float, n: int, confidence: float) -> float:
    from scipy.special import betaincinv  # on first use: see intervals

    return 1.0 if k >= n else float(betaincinv(k + 1, n - k, confidence))


def _lower(k: float, n: int, confidence: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(k, n - k + 1, 1.0 - confidence))
