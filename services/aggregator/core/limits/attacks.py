"""APCER above its limit, at any time: an e-detector for each PAI species, averaged (`biometrics.e_detector`).

Fed once for each day of evaluation with what became known on it, species by species in the order of their names; of a
batch the errors first. The promise: a system at its limit is accused after 10,000 presentations a species or more, in
the mean. It is told where the rolling 28 days (`reading`) do not tell of the same already, and ends when the evidence
is below its limit and the newest 28 days keep the promised one; then every species starts anew.

Labels that are taken back are taken from the newest batches that have such trials, and the evidence is worked out anew.
R is capped at a hundred times the limit, so that it can come down again; that only lowers it. A label names no
artefact, so each presentation counts as one of its own (a design effect of 1): campaigns of few artefacts with many
presentations each prove less than this says.
"""

from collections.abc import Mapping
from typing import Final

from proofwatch.biometrics.e_detector import ALTERNATIVES, averaged, evidence, start, step
from services.aggregator.core.life import Observation
from services.aggregator.core.limits.reading import Reading
from services.aggregator.core.limits.state import KEPT_DAYS, SpeciesEvidence

ALARM: Final = 10_000.0
_CAP: Final = 100 * ALARM


def alternatives(limit: float) -> tuple[float, ...]:
    """Return the rates above the limit that the evidence is for: 1, 2, 4 and 8 %, or in proportion to another limit."""
    scale = limit / 0.005
    return tuple(rate for each in ALTERNATIVES if (rate := each * scale) < 1) or ((1 + limit) / 2,)


def feed(known: dict[str, SpeciesEvidence], at: int, counts: Mapping[str, tuple[int, int]], limit: float) -> None:
    """Take in by species the errors and trials that became known at an evaluation; both may be negative."""
    for species in sorted(counts):
        k, n = counts[species]
        zero = start(alternatives(limit))
        mine = known.setdefault(species, SpeciesEvidence(zero, zero))
        if len(mine.base) != len(zero):  # the policy promises something else now
            mine.base, mine.r, mine.batches = zero, zero, []
        if 0 <= k <= n:
            mine.batches.append((at, k, n))
            mine.r = _after(mine.r, k, n, limit)
        else:
            _take_back(mine, at, k, n)
            mine.r = mine.base
            for _, errors, trials in mine.batches:
                mine.r = _after(mine.r, errors, trials, limit)
        while mine.batches and mine.batches[0][0] <= at - KEPT_DAYS:
            _, errors, trials = mine.batches.pop(0)
            mine.base = _after(mine.base, errors, trials, limit)


def statistic(known: Mapping[str, SpeciesEvidence]) -> float:
    """Return M, the mean over the species: an alarm at 10,000."""
    return averaged(each.r for each in known.values())


def worst(known: Mapping[str, SpeciesEvidence]) -> str:
    """Return the species with the most evidence against it."""
    return max(sorted(known), key=lambda species: evidence(known[species].r))


def observe(known: Mapping[str, SpeciesEvidence], newest: Reading, *, told: bool) -> Observation:
    """Return what the evidence says; `told`: the rolling 28 days tell of it already, so this one need not."""
    if statistic(known) >= ALARM:
        return "weak" if told else "high"
    return "within" if newest.observation == "within" else "weak"


def _after(r: tuple[float, ...], k: int, n: int, limit: float) -> tuple[float, ...]:
    moved = step(r, k, n, limit=limit, alternatives=alternatives(limit))
    return tuple(min(_CAP, each) for each in moved)


def _take_back(mine: SpeciesEvidence, at: int, k: int, n: int) -> None:
    """Add what was added, and take what was taken back from the newest batches; more than there is, is gone."""
    errors, others = k, n - k
    if errors > 0 or others > 0:
        mine.batches.append((at, max(0, errors), max(0, errors) + max(0, others)))
    for place in range(len(mine.batches) - 1, -1, -1):
        when, had, of = mine.batches[place]
        fewer, less = min(had, max(0, -errors)), min(of - had, max(0, -others))
        errors, others = errors + fewer, others + less
        mine.batches[place] = when, had - fewer, of - fewer - less
