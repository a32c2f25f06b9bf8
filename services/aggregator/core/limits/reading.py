"""How 28 days of labelled trials compare with a promised limit.

A limit is proven broken when the one-sided lower bound of the rate (Clopper and Pearson 1934) is above it at 99 %, with
at least five errors, among however few trials: a least number of trials is for what shows a limit kept. Of APCER and
IAPAR every named PAI species is tested, at a confidence that is corrected for the number of those that have trials
enough for five errors (Bonferroni); where none can be, all attacks are tested as one, since something in a mixture that
is above a limit is so itself.

Trials of one subject resemble each other: of a failure's retries 28 % fail again where 1 % to 3 % do otherwise, which
makes the variance of false rejections (1 + 0.28) / (1 - 0.28) times that of independent trials. FNMR and BPCER are
judged on counts divided by that design effect (Kish 1965), and so are the five errors where trials are few, for they
may be one person's; the ledger knows no subject, so it is stated, not measured.
Of FMR, APCER and IAPAR it is taken to be 1: a label does not say which presentations were of one artefact.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from proofwatch.biometrics.rates import UNKNOWN_SPECIES
from proofwatch.biometrics.worst_of import FEWEST_ERRORS
from services.aggregator.core.life import Observation
from services.aggregator.core.limits.trials import BPCER, EACH_PASSED, FNMR, INJECTION

DAYS: Final = 28
CONFIDENCE: Final = 0.99
RETRIES: Final = 1.28 / 0.72
DESIGN_EFFECT: Final[Mapping[str, float]] = {FNMR: RETRIES, BPCER: RETRIES}
"""By metric; not listed: 1."""

Counts = tuple[int, int]
"""Errors, trials."""
Days = Mapping[int, Counts]
"""By days since 1970."""


class Promise(NamedTuple):
    """A limit of a rate, the target below it (None: there is none), and how many trials show a limit kept.

    `confidence`: at which it is proven broken, before the correction for the number of species.
    """

    metric: str
    limit: float
    target: float | None = None
    min_trials: int = 30
    confidence: float = CONFIDENCE


class Reading(NamedTuple):
    """What 28 days say of a limit.

    Observed is: within, the rates are at most the limit; weak, one is above it, unproven; low_evidence, the target is
    proven missed; high, the limit is proven broken. `species` are the concerned ones, the most certain first; k errors
    in n trials are those of the first of them, else of all members; `bound` is the lower one of that, at the confidence
    that was used; of injections they are those of all concerned methods. `broken`: the limit, or the target, that was
    compared with. `excess`: errors beyond `broken` x trials, of all that is concerned; of attacks that were accepted
    and of impostors that matched all errors, for each of them is one who passed.
    """

    observation: Observation
    k: int
    n: int
    bound: float
    broken: float
    excess: float
    species: tuple[str, ...] = ()


def window(days: Days, end: int) -> Counts:
    """Return errors and trials of the 28 days up to `end`.

    A label that was counted by an earlier release, and is taken back, leaves less than nothing: then none.
    """
    found = [days[day] for day in range(end - DAYS + 1, end + 1) if day in days]
    n = max(0, sum(n for _, n in found))
    return min(n, max(0, sum(k for k, _ in found))), n


def read(members: Mapping[str, Days], end: int, promise: Promise) -> Reading | None:
    """Return what the 28 days up to `end` say; None without trials. `members` are species; one without name: no such.

    Raises ValueError when there are more errors than trials.
    """
    counted = {name: window(days, end) for name, days in members.items()}
    counted = {name: (k, n) for name, (k, n) in counted.items() if n > 0}
    if not counted:
        return None
    total = sum(k for k, _ in counted.values()), sum(n for _, n in counted.values())
    tested, family = _tested(counted, total, promise)
    proofs: tuple[tuple[Observation, float | None], ...] = (("high", promise.limit), ("low_evidence", promise.target))
    for observation, broken in proofs:
        if broken is not None and (found := _broken(tested, family, promise, broken)):
            bound, name = found[0]
            concerned = [tested[each] for _, each in found]
            errors, trials = sum(k for k, _ in concerned), sum(n for _, n in concerned)
            excess = errors if promise.metric in EACH_PASSED else errors - broken * trials
            counts = (errors, trials) if promise.metric == INJECTION else tested[name]
            species = tuple(each for _, each in found if each)
            return Reading(observation, *counts, bound, broken, excess, species)
    aim = promise.limit if promise.target is None else promise.target
    enough = any(n >= promise.min_trials for _, n in tested.values())
    within = enough and all(k <= aim * n for k, n in tested.values())
    return Reading("within" if within else "weak", *total, 0.0, aim, max(0.0, total[0] - aim * total[1]))


def _tested(counted: Mapping[str, Counts], total: Counts, promise: Promise) -> tuple[dict[str, Counts], int]:
    """Return what is tested, and how many could have been, whatever came of their trials."""
    fewest = FEWEST_ERRORS * DESIGN_EFFECT.get(promise.metric, 1.0)
    least = min(promise.min_trials, fewest)

    def tells(counts: Counts) -> bool:
        return counts[1] >= promise.min_trials or counts[0] >= fewest

    named = {name: counts for name, counts in counted.items() if name != UNKNOWN_SPECIES}
    tested = {name: counts for name, counts in named.items() if tells(counts)}
    if not tested and tells(total):
        tested = {"": total}
    return tested, max(1, sum(n >= least for _, n in named.values()) + ("" in tested and "" not in named))


def _broken(tested: Mapping[str, Counts], family: int, promise: Promise, broken: float) -> list[tuple[float, str]]:
    confidence = 1 - (1 - promise.confidence) / family
    effect = DESIGN_EFFECT.get(promise.metric, 1.0)
    found = []
    for name, (k, n) in tested.items():
        if k < FEWEST_ERRORS or k <= broken * n:
            continue
        bound = lower_bound(k / effect, n / effect, confidence)
        if bound > broken:
            found.append((bound, name))
    return sorted(found, key=lambda each: (-each[0], each[1]))


@lru_cache(maxsize=16_384)
def lower_bound(k: float, n: float, confidence: float) -> float:
    """Return the one-sided lower Clopper-Pearson bound of k errors in n trials, which may be fractions."""
    from scipy.special import betaincinv  # on first use: it costs a tenth of a second

    if not 0 <= k <= n or not n:
        raise ValueError(f"{k} errors in {n} trials: 0 <= errors <= trials and a trial must hold")
    if k == 0:
        return 0.0
    return float((1 - confidence) ** (1 / n)) if k == n else float(betaincinv(k, n - k + 1, 1 - confidence))


def p_value(k: float, n: float, limit: float) -> float:
    """Return the probability of k errors or more in n trials at the limit; as above."""
    from scipy.special import betainc

    if k <= 0:
        return 1.0
    return float(limit**n) if k >= n else float(betainc(k, n - k + 1, limit))
