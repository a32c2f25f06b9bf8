"""The standard error rates from exact counts (ISO/IEC 19795-1 for matching, ISO/IEC 30107-3 for liveness).

A trial without a score is a failure to acquire (matching) or a non-response (liveness): it has its own rate
and is never in the N of an error rate, and never a score of zero. ACER is left out on purpose: ISO/IEC
30107-3 does not report it, since a mean of APCER and BPCER hides which of the two is bad.
"""

from collections.abc import Mapping
from typing import Protocol, Self

import msgspec

from proofwatch.biometrics.figures import Figure, composed, rate
from proofwatch.biometrics.worst_of import SpeciesFigure, WorstOf, worst_of

UNKNOWN_SPECIES = "unknown"  # an attack whose PAI species nobody stated
DEFAULT_MIN_TRIALS = 30


class Promised(Protocol):
    """Whatever states limits under these names, such as a policy."""

    @property
    def fmr(self) -> float | None: ...  # noqa: D102 - the names are the metrics'
    @property
    def fnmr(self) -> float | None: ...  # noqa: D102
    @property
    def apcer(self) -> float | None: ...  # noqa: D102
    @property
    def bpcer(self) -> float | None: ...  # noqa: D102
    @property
    def iapar(self) -> float | None: ...  # noqa: D102


class Limits(msgspec.Struct, frozen=True):
    """The limits (rates in 0..1) that figures are judged by; None means not judged."""

    fmr: float | None = None
    fnmr: float | None = None
    apcer: float | None = None
    bpcer: float | None = None
    iapar: float | None = None

    @property
    def injection_accept_rate(self) -> float | None:
        """Return what accepted injections are held to: IAPAR's limit, else APCER's; nobody promises any of them."""
        return self.apcer if self.iapar is None else self.iapar

    @classmethod
    def of(cls, promised: Promised) -> Self:
        """Return the limits that somebody else states, without what does not concern these figures."""
        return cls(promised.fmr, promised.fnmr, promised.apcer, promised.bpcer, promised.iapar)


class MatchCounts(msgspec.Struct, frozen=True):
    """Outcomes of labelled comparisons at one threshold. `n_*` count completed comparisons (with a score)."""

    n_genuine: int
    n_impostor: int
    false_non_match: int  # genuine, score < threshold
    false_match: int  # impostor, score >= threshold
    fta: int  # labelled attempts of either class without a score


class SpeciesCounts(msgspec.Struct, frozen=True):
    """Attack presentations of one PAI species with a score, and how many of them passed as bona fide."""

    n: int
    apce: int


class LivenessCounts(msgspec.Struct, frozen=True):
    """Outcomes of labelled presentations at one threshold. Every `n` counts presentations with a score."""

    species: Mapping[str, SpeciesCounts]
    n_bona_fide: int
    bpce: int  # bona fide, score < threshold
    attack_non_responses: int
    bona_fide_non_responses: int


class MatchRates(msgspec.Struct, frozen=True):
    """FTA, FMR, FNMR with counts; FAR, FRR, HTER composed of them (null as soon as one part is)."""

    fta: Figure
    fmr: Figure
    fnmr: Figure
    far: Figure
    frr: Figure
    hter: Figure


class LivenessRates(msgspec.Struct, frozen=True):
    """APCER (worst species, pooled, by species), BPCER and the two non-response rates."""

    apcer: SpeciesFigure
    apcer_pooled: Figure
    apcer_by_species: dict[str, Figure]
    bpcer: Figure
    apnrr: Figure
    bpnrr: Figure


def match_rates(counts: MatchCounts, limits: Limits) -> MatchRates:
    """Return the match rates (ISO/IEC 19795-1).

    FTA is over all labelled attempts. FAR = FMR (1 - FTA); FRR = FTA + FNMR (1 - FTA); HTER is their mean.
    """
    fta = rate(counts.fta, counts.fta + counts.n_genuine + counts.n_impostor)
    fmr = rate(counts.false_match, counts.n_impostor, limits.fmr)
    fnmr = rate(counts.false_non_match, counts.n_genuine, limits.fnmr)
    far = frr = hter = None
    if fta.value is not None and fmr.value is not None:
        far = fmr.value * (1 - fta.value)
    if fta.value is not None and fnmr.value is not None:
        frr = fta.value + fnmr.value * (1 - fta.value)
    if far is not None and frr is not None:
        hter = (far + frr) / 2
    return MatchRates(fta, fmr, fnmr, composed(far), composed(frr), composed(hter))


def liveness_rates(counts: LivenessCounts, limits: Limits, min_trials: int = DEFAULT_MIN_TRIALS) -> LivenessRates:
    """Return the liveness rates (ISO/IEC 30107-3).

    The APCER limit applies per PAI species, so the pooled rate, which a large easy species can dilute, is
    shown without a status.
    """
    by_species = {name: rate(c.apce, c.n, limits.apcer) for name, c in sorted(counts.species.items())}
    n_attack = sum(c.n for c in counts.species.values())
    return LivenessRates(
        apcer=species_figure(counts.species, limits.apcer, min_trials),
        apcer_pooled=rate(sum(c.apce for c in counts.species.values()), n_attack),
        apcer_by_species=by_species,
        bpcer=rate(counts.bpce, counts.n_bona_fide, limits.bpcer),
        apnrr=rate(counts.attack_non_responses, counts.attack_non_responses + n_attack),
        bpnrr=rate(counts.bona_fide_non_responses, counts.bona_fide_non_responses + counts.n_bona_fide),
    )


def apcer_status(species: Mapping[str, SpeciesCounts], limit: float, min_trials: int = DEFAULT_MIN_TRIALS) -> WorstOf:
    """Return what all species together prove about the APCER limit, and which of them prove it (see `worst_of`)."""
    counts = {name: (c.apce, c.n) for name, c in species.items()}
    return worst_of(counts, limit, min_trials=min_trials, unnamed=(UNKNOWN_SPECIES,))


def headline_species(trials: Mapping[str, int], min_trials: int) -> list[str]:
    """Return the species that may be the headline: named, and with at least `min_trials` scored presentations.

    `trials` maps species to scored presentations. A handful of trials makes a rate of 0 or 100 % by chance,
    and `unknown` is no species at all: both are listed and pooled, never the headline.
    """
    return sorted(s for s, n in trials.items() if s != UNKNOWN_SPECIES and n >= max(1, min_trials))


def species_figure(species: Mapping[str, SpeciesCounts], limit: float | None, min_trials: int) -> SpeciesFigure:
    """Return the figure of the worst species, with the status that all of them make (see `worst_of`)."""
    return SpeciesFigure.of({name: (c.apce, c.n) for name, c in species.items()}, limit, min_trials, (UNKNOWN_SPECIES,))
