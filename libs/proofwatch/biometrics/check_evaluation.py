"""The figures of one check, match or liveness, put together from its counted classes."""

import msgspec

from proofwatch.biometrics.curve_figures import (
    FIXED_APCER,
    FIXED_FMR,
    auc_figure,
    curve_of,
    eer_figure,
    liveness_points,
    match_points,
    point_figure,
)
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.rates import (
    Limits,
    LivenessCounts,
    MatchCounts,
    SpeciesCounts,
    liveness_rates,
    match_rates,
)
from proofwatch.biometrics.trials import (
    BONA_FIDE,
    GENUINE,
    IMPOSTOR,
    NO_TRIALS,
    Classes,
    attack_classes,
    species_of,
)
from proofwatch.biometrics.worst_of import SpeciesFigure


class MatchEvaluation(msgspec.Struct, frozen=True):
    """Match figures; `n_*` are comparisons with a score."""

    threshold: float
    n_genuine: int
    n_impostor: int
    fta: Figure
    fmr: Figure
    fnmr: Figure
    far: Figure
    frr: Figure
    hter: Figure
    eer: Figure
    auc: Figure
    fnmr_at_fmr: dict[str, Figure]


class LivenessEvaluation(msgspec.Struct, frozen=True):
    """Liveness figures; `n_*` are presentations with a score.

    `eer` and `auc` take all attacks together. `bpcer10`, `bpcer20`, `bpcer100` hold the APCER of every
    headline species (see `rates`) at 10, 5 and 1 %; without such a species they are null, as `apcer` itself
    is.
    """

    threshold: float
    n_bona_fide: int
    n_attack: int
    apcer: SpeciesFigure
    apcer_pooled: Figure
    apcer_by_species: dict[str, Figure]
    bpcer: Figure
    apnrr: Figure
    bpnrr: Figure
    eer: Figure
    auc: Figure
    bpcer10: Figure
    bpcer20: Figure
    bpcer100: Figure


def match_evaluation(classes: Classes, threshold: float, limits: Limits) -> MatchEvaluation | None:
    """Return the match figures; None without a labelled comparison."""
    genuine, impostor = classes.get(GENUINE, NO_TRIALS), classes.get(IMPOSTOR, NO_TRIALS)
    missing = genuine.missing + impostor.missing
    if not genuine.n + impostor.n + missing:
        return None
    counts = MatchCounts(genuine.n, impostor.n, genuine.failed, impostor.passed, missing)
    rates = match_rates(counts, limits)
    curve = curve_of(classes, [GENUINE, IMPOSTOR])
    points = match_points(curve)
    return MatchEvaluation(
        threshold,
        genuine.n,
        impostor.n,
        rates.fta,
        rates.fmr,
        rates.fnmr,
        rates.far,
        rates.frr,
        rates.hter,
        eer_figure(curve, GENUINE, [IMPOSTOR]),
        auc_figure(curve, GENUINE, [IMPOSTOR]),
        {name: point_figure(points[name]) for name in FIXED_FMR},
    )


def liveness_evaluation(
    classes: Classes, threshold: float, limits: Limits, min_trials: int
) -> LivenessEvaluation | None:
    """Return the liveness figures; None without a labelled presentation."""
    bona_fide = classes.get(BONA_FIDE, NO_TRIALS)
    names = attack_classes(classes)
    attacks = {species_of(name): classes[name] for name in names}
    attack_non_responses = sum(c.missing for c in attacks.values())
    n_attack = sum(c.n for c in attacks.values())
    if not bona_fide.n + bona_fide.missing + n_attack + attack_non_responses:
        return None
    counts = LivenessCounts(
        {species: SpeciesCounts(c.n, c.passed) for species, c in attacks.items()},
        bona_fide.n,
        bona_fide.failed,
        attack_non_responses,
        bona_fide.missing,
    )
    rates = liveness_rates(counts, limits, min_trials)
    curve = curve_of(classes, [BONA_FIDE, *names])
    points = liveness_points(curve, min_trials)
    return LivenessEvaluation(
        threshold,
        bona_fide.n,
        n_attack,
        rates.apcer,
        rates.apcer_pooled,
        rates.apcer_by_species,
        rates.bpcer,
        rates.apnrr,
        rates.bpnrr,
        eer_figure(curve, BONA_FIDE, names),
        auc_figure(curve, BONA_FIDE, names),
        **{name: point_figure(points[name]) for name in FIXED_APCER},
    )
