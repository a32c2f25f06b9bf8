"""The figures of a labelled day: ISO rates with limits, status, what is missing, and coverage, as events carry them."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from proofwatch.biometrics.attacks import injection_rates, system_rates
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.rates import (
    Limits,
    LivenessCounts,
    MatchCounts,
    MatchRates,
    SpeciesCounts,
    liveness_rates,
    match_rates,
)
from proofwatch.biometrics.trials import (
    ATTACK_PREFIX,
    BONA_FIDE,
    GENUINE,
    IMPOSTOR,
    INJECTION_PREFIX,
    NO_TRIALS,
    Classes,
    by_name,
)
from proofwatch.biometrics.worst_of import TOGETHER, Member, SpeciesFigure, WorstFigure
from proofwatch.events import types
from proofwatch.governance.policy import Policy

_LONGEST_METRIC: Final = 64


def figures(classes: Classes, requested: tuple[int, int], policy: Policy) -> Iterator[types.Figure]:
    """Yield the match figures if there are labelled comparisons, the others as far as there are attacks and bona fides.

    ISO/IEC 19795-1 and 30107-3. `apcer` has the status that all PAI species make together, and the counts of the worst
    one with `min_trials`, or five errors; without such a species the counts of all together, which never prove that
    each keeps the limit. IAPAR and RIAPAR are those of the whole system; injection attacks are in none of these.
    """
    limits = Limits.of(policy.limits)
    match = _match(classes, limits)
    if match:
        missing = match.fta.k or 0
        coverage = _share((match.fmr.n or 0) + (match.fnmr.n or 0) + missing, requested[0])
        yield _figure("fmr", match.fmr, limits.fmr, coverage)
        yield _figure("fnmr", match.fnmr, limits.fnmr, coverage)
        yield _figure("fta", match.fta, None, coverage)
    presented = [*by_name(classes, ATTACK_PREFIX).values(), classes.get(BONA_FIDE, NO_TRIALS)]
    injected = by_name(classes, INJECTION_PREFIX).values()
    coverage = _share(sum(each.n + each.missing for each in (*presented, *injected)), requested[1])
    if any(each.n + each.missing for each in presented):
        yield from _liveness(classes, limits, policy.min_trials, coverage)
    if system := system_rates(classes, match.frr.value if match else None, limits.iapar, policy.min_trials):
        yield _figure("iapar", system.iapar, limits.iapar, coverage)
        yield from _each("iapar", system.iapar_by_species, limits.iapar, coverage)
        yield _figure("riapar", system.riapar, None, coverage)
    if injection := injection_rates(classes, limits.injection_accept_rate, policy.min_trials):
        yield _figure("injection_pass_rate", injection.pass_rate, None, coverage)
        yield from _each("injection_pass_rate", injection.pass_rate_by_method, None, coverage)
        yield _figure("injection_non_response_rate", injection.non_response_rate, None, coverage)
        yield _figure("injection_accept_rate", injection.accept_rate, injection.accept_limit, coverage)
        yield from _each("injection_accept_rate", injection.accept_rate_by_method, injection.accept_limit, coverage)


def species_metric(metric: str, species: str) -> str:
    """Return the name of a species' metric; one too long for the schema ends in a digest of the species."""
    name = f"{metric}:{species}"
    if len(name) <= _LONGEST_METRIC:
        return name
    digest = sha256(species.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_METRIC - 9]}~{digest}"


def _match(classes: Classes, limits: Limits) -> MatchRates | None:
    genuine, impostor = classes.get(GENUINE, NO_TRIALS), classes.get(IMPOSTOR, NO_TRIALS)
    missing = genuine.missing + impostor.missing
    if not genuine.n + impostor.n + missing:
        return None
    return match_rates(MatchCounts(genuine.n, impostor.n, genuine.failed, impostor.passed, missing), limits)


def _liveness(classes: Classes, limits: Limits, min_trials: int, coverage: float | None) -> Iterator[types.Figure]:
    attacks, bona_fide = by_name(classes, ATTACK_PREFIX), classes.get(BONA_FIDE, NO_TRIALS)
    species = {name: SpeciesCounts(counted.n, counted.passed) for name, counted in attacks.items()}
    missing = sum(counted.missing for counted in attacks.values())
    counts = LivenessCounts(species, bona_fide.n, bona_fide.failed, missing, bona_fide.missing)
    liveness = liveness_rates(counts, limits, min_trials)
    headline = liveness.apcer
    if headline.worst_species is None:
        pooled = liveness.apcer_pooled
        shown = {name: getattr(pooled, name) for name in ("k", "n", "value", "low", "high")}
        headline = msgspec.structs.replace(headline, **shown)
    yield _figure("apcer", headline, limits.apcer, coverage)
    yield from _each("apcer", liveness.apcer_by_species, limits.apcer, coverage)
    yield _figure("bpcer", liveness.bpcer, limits.bpcer, coverage)
    yield _figure("apnrr", liveness.apnrr, None, coverage)
    yield _figure("bpnrr", liveness.bpnrr, None, coverage)


def _each(
    metric: str, by_species: Mapping[str, Figure], limit: float | None, coverage: float | None
) -> Iterator[types.Figure]:
    for name, figure in by_species.items():
        yield _figure(species_metric(metric, name), figure, limit, coverage, name)


def _share(labelled: int, requested: int) -> float | None:
    return labelled / requested if requested else None


def _figure(
    metric: str, figure: Figure, limit: float | None, coverage: float | None, species: str | None = None
) -> types.Figure:
    return types.Figure(
        metric=metric,
        k=figure.k,
        n=figure.n,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        limit=limit,
        status=figure.status.value if figure.status else None,
        coverage=coverage,
        reason=figure.reason.value if figure.reason else None,
        needed_without_error=figure.needed_without_error or None,
        needed_at_present_rate=figure.needed_at_present_rate or None,
        species=figure.worst_species if isinstance(figure, SpeciesFigure) else species,
        because=tuple(map(_member, figure.because)) or None if isinstance(figure, WorstFigure) else None,
    )


def _member(member: Member) -> types.Member:
    return types.Member(
        name=None if member.name == TOGETHER else member.name,
        k=member.k,
        n=member.n,
        status=member.status.value,
        reason=member.reason.value if member.reason else None,
        needed_without_error=member.needed_without_error,
        needed_at_present_rate=member.needed_at_present_rate,
    )
