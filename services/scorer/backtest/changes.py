"""Counts as figures: what a rate was, what it would be, and what the difference proves.

Every difference is between two rates of the same transactions, so it is judged by the discordant ones alone
(`proofwatch.biometrics.paired`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from proofwatch.biometrics.figures import Figure, rate
from proofwatch.biometrics.paired import difference_interval, mcnemar_exact
from proofwatch.biometrics.rates import Limits, LivenessCounts, SpeciesCounts, liveness_rates
from proofwatch.biometrics.trials import BONA_FIDE, GENUINE, IMPOSTOR, attack_classes, species_of
from proofwatch.biometrics.worst_of import SpeciesFigure
from services.scorer.backtest.player import RULED
from services.scorer.backtest.tally import Move, Outcomes

DECISIONS: Final = {
    "accepted": "accept",
    "retakes": "retry",
    "manual_reviews": "refer",
    "kyc_reviews": "manual_kyc_review",
    "fraud_reviews": "fraud_analyst_review",
}
"""Rates of decisions and of actions, over all transactions that both policies judged."""
RATES: Final = {"fmr": IMPOSTOR, "fnmr": GENUINE, "bpcer": BONA_FIDE}
_PASSED: Final = frozenset({"pass", "marginal"})
_SCORED: Final = _PASSED | {"fail"}


class Change(msgspec.Struct):
    """One rate under both policies, over the same `n` trials.

    `newly` trials count under the new policy only, `no_longer` under the old one only. `delta` is new minus old, with
    Tango's 95 % interval; `p` is McNemar's exact test, `p_holm` corrected for all tests of the result.
    """

    old: Figure
    new: Figure
    newly: int
    no_longer: int
    delta: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None


class Apcer(msgspec.Struct):
    """APCER (ISO/IEC 30107-3): the worst species under each policy, all species pooled, and each one.

    The worst species may be another one under the new policy. Then its difference is `delta` without interval or test.
    """

    old: SpeciesFigure
    new: SpeciesFigure
    delta: float | None
    pooled: Change
    species: dict[str, Change]


class Judging(msgspec.Struct, frozen=True):
    """What the figures of a policy are judged by."""

    limits: Limits
    min_trials: int


def decision_changes(moves: Counter[Move]) -> dict[str, Change]:
    """Return the rates of decisions, Δ retakes and Δ manual reviews among them."""
    judged = {move: n for move, n in moves.items() if move.old_decision in RULED and move.new_decision in RULED}
    total = sum(judged.values())
    found = {}
    for name, meant in DECISIONS.items():
        old = {move for move in judged if meant in (move.old_decision, move.old_action)}
        new = {move for move in judged if meant in (move.new_decision, move.new_action)}
        found[name] = change(total, *(_sum(judged, at) for at in (old & new, new - old, old - new)))
    return found


def error_changes(outcomes: Counter[Outcomes], old: Judging, new: Judging) -> dict[str, Change]:
    """Return FMR, FNMR and BPCER, each where there is a labelled trial with a score."""
    found = {}
    for name, trial_class in RATES.items():
        wrong = _accepted if trial_class == IMPOSTOR else _rejected
        counted = _count(outcomes, trial_class, wrong)
        if counted[0]:
            found[name] = change(*counted, getattr(old.limits, name), getattr(new.limits, name))
    return found


def apcer_change(outcomes: Counter[Outcomes], old: Judging, new: Judging) -> Apcer | None:
    """Return the APCER figures, None without attack presentations that have a score."""
    counted = {}
    for name in attack_classes({outcome.trial_class for outcome in outcomes}):
        counts = _count(outcomes, name, _accepted)
        if counts[0]:
            counted[species_of(name)] = counts
    if not counted:
        return None
    old_worst = _worst({name: (n, both + gone) for name, (n, both, _, gone) in counted.items()}, old)
    new_worst = _worst({name: (n, both + more) for name, (n, both, more, _) in counted.items()}, new)
    known = old_worst.value is not None and new_worst.value is not None
    delta = (new_worst.value or 0.0) - (old_worst.value or 0.0) if known else None
    pooled = change(*(sum(column) for column in zip(*counted.values(), strict=True)))
    species = {name: change(*counts, old.limits.apcer, new.limits.apcer) for name, counts in sorted(counted.items())}
    return Apcer(old_worst, new_worst, delta, pooled, species)


def change(
    n: int, both: int, newly: int, no_longer: int, old_limit: float | None = None, new_limit: float | None = None
) -> Change:
    """Return the change of a rate over `n` trials, `both` of which count under either policy."""
    old, new = rate(both + no_longer, n, old_limit), rate(both + newly, n, new_limit)
    if n == 0:
        return Change(old, new, 0, 0, None, None, None, None)
    low, high = difference_interval(newly, no_longer, n)
    return Change(old, new, newly, no_longer, (newly - no_longer) / n, low, high, mcnemar_exact(newly, no_longer))


def tests_of(*groups: Mapping[str, Change]) -> Iterator[Change]:
    """Yield the changes that were tested."""
    for group in groups:
        yield from (each for each in group.values() if each.p is not None)


def names_worst(apcer: Apcer) -> bool:
    """Return whether the worst species is the same under both policies, so that its change is a paired one."""
    return apcer.old.worst_species is not None and apcer.old.worst_species == apcer.new.worst_species


def _worst(counted: Mapping[str, tuple[int, int]], judging: Judging) -> SpeciesFigure:
    species = {name: SpeciesCounts(n, errors) for name, (n, errors) in counted.items()}
    counts = LivenessCounts(species, n_bona_fide=0, bpce=0, attack_non_responses=0, bona_fide_non_responses=0)
    return liveness_rates(counts, judging.limits, judging.min_trials).apcer


def _count(outcomes: Counter[Outcomes], trial_class: str, wrong: Callable[[str], bool]) -> tuple[int, int, int, int]:
    """Return trials with a score, and of those the errors under both policies, the new one only, the old one only."""
    n = both = newly = no_longer = 0
    for (name, old, new), count in outcomes.items():
        if name != trial_class or old not in _SCORED or new not in _SCORED:
            continue
        n += count
        if wrong(old):
            both += count * wrong(new)
            no_longer += count * (not wrong(new))
        else:
            newly += count * wrong(new)
    return n, both, newly, no_longer


def _accepted(outcome: str) -> bool:
    return outcome in _PASSED


def _rejected(outcome: str) -> bool:
    return outcome == "fail"


def _sum(counts: Mapping[Move, int], wanted: set[Move]) -> int:
    return sum(counts[move] for move in wanted)
