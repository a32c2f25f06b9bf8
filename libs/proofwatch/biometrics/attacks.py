"""What attacks achieve beyond the liveness check: against the whole system, and past the sensor.

* IAPAR (ISO/IEC 30107-3, full-system evaluation) is the share of a species' attacks that comparison and liveness
  together accept. RIAPAR = IAPAR + FRR: a system that accepts nobody has the IAPAR 0 and the RIAPAR 1.
* Injection attacks have rates of their own (compare CEN/TS 18099), by method: they are in no APCER and no IAPAR.
"""

from collections.abc import Mapping

import msgspec

from proofwatch.biometrics.figures import Figure, composed, rate
from proofwatch.biometrics.rates import DEFAULT_MIN_TRIALS, UNKNOWN_SPECIES, SpeciesCounts, species_figure
from proofwatch.biometrics.trials import (
    ATTACK_PREFIX,
    INJECTION_PREFIX,
    ClassCounts,
    Classes,
    by_name,
    system_class,
)
from proofwatch.biometrics.worst_of import PooledFigure, SpeciesFigure


class SystemEvaluation(msgspec.Struct, frozen=True):
    """Presentation attacks against the whole system; `n_attack` are those that both checks were asked to judge.

    An attack without a score is rejected, not left out: to the attacker it is the same. `riapar` is null where there is
    no FRR.
    """

    n_attack: int
    iapar: SpeciesFigure
    iapar_by_species: dict[str, Figure]
    riapar: Figure
    riapar_by_species: dict[str, Figure]


class InjectionEvaluation(msgspec.Struct, frozen=True):
    """Injection attacks; `n_injection` are those with a liveness score.

    `pass_rate`: classified as bona fide by the liveness check, of those with a score. `non_response_rate`: without a
    score, of all. `accept_rate`: accepted by the whole system, of those that both checks were asked to judge; of all
    methods together, with the status that every one of them makes (`worst_of`). `accept_limit` is what it is judged by,
    which is promised of presentation attacks (`Limits.injection_accept_rate`): nobody promises anything of injections;
    null: no status.
    """

    n_injection: int
    pass_rate: Figure
    pass_rate_by_method: dict[str, Figure]
    non_response_rate: Figure
    accept_rate: PooledFigure
    accept_rate_by_method: dict[str, Figure]
    accept_limit: float | None = None


def system_rates(
    classes: Classes, frr: float | None, limit: float | None = None, min_trials: int = DEFAULT_MIN_TRIALS
) -> SystemEvaluation | None:
    """Return IAPAR and RIAPAR; None without an attack that the whole system judged.

    `frr` is the false reject rate of the same system (0..1), `limit` that of IAPAR.
    """
    species = by_name(classes, system_class(ATTACK_PREFIX))
    if not any(counts.n for counts in species.values()):
        return None
    by_species = {name: rate(counts.passed, counts.n, limit) for name, counts in species.items()}
    worst = species_figure({name: SpeciesCounts(c.n, c.passed) for name, c in species.items()}, limit, min_trials)
    relative = {name: _relative(figure, frr) for name, figure in by_species.items()}
    return SystemEvaluation(sum(c.n for c in species.values()), worst, by_species, _relative(worst, frr), relative)


def injection_rates(
    classes: Classes, limit: float | None = None, min_trials: int = DEFAULT_MIN_TRIALS
) -> InjectionEvaluation | None:
    """Return the rates of injection attacks; None without any. `limit`: of those that the whole system accepts."""
    methods, accepted = by_name(classes, INJECTION_PREFIX), by_name(classes, system_class(INJECTION_PREFIX))
    n, missing = sum(c.n for c in methods.values()), sum(c.missing for c in methods.values())
    if not n + missing:
        return None
    return InjectionEvaluation(
        n,
        _pooled(methods),
        _each(methods),
        rate(missing, n + missing),
        PooledFigure.of({name: (c.passed, c.n) for name, c in accepted.items()}, limit, min_trials, (UNKNOWN_SPECIES,)),
        _each(accepted, limit),
        limit,
    )


def _relative(iapar: Figure, frr: float | None) -> Figure:
    return composed(None if iapar.value is None or frr is None else iapar.value + frr)


def _pooled(counted: Mapping[str, ClassCounts]) -> Figure:
    return rate(sum(c.passed for c in counted.values()), sum(c.n for c in counted.values()))


def _each(counted: Mapping[str, ClassCounts], limit: float | None = None) -> dict[str, Figure]:
    return {name: rate(c.passed, c.n, limit) for name, c in counted.items()}
