"""One evaluation: the match and liveness figures of all trials and of every segment value.

There is one road to the figures, `evaluate_counts`, and two ways onto it: from exact counts and sketches
(what is left of traffic that went through the system), or, by `evaluate_scores`, from the raw scores of a
table. Counts at the thresholds are the same either way; `curve_figures` says how far figures read off a
sketched curve can differ.
"""

from collections.abc import Mapping, Sequence

import msgspec

from proofwatch.biometrics.curve_figures import (
    FIXED_APCER,
    FIXED_FMR,
    ThresholdChoice,
    auc_figure,
    curve_of,
    eer_figure,
    liveness_points,
    match_points,
    point_figure,
    resolve_thresholds,
)
from proofwatch.biometrics.figures import ApcerFigure, Figure
from proofwatch.biometrics.rates import (
    DEFAULT_MIN_TRIALS,
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
    Cohort,
    Thresholds,
    Trials,
    attack_classes,
    count_outcomes,
    species_of,
)


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
    apcer: ApcerFigure
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


class SegmentEvaluation(msgspec.Struct, frozen=True):
    """The figures of one segment value; null where it has no labelled trial of that kind."""

    match: MatchEvaluation | None
    liveness: LivenessEvaluation | None


class Evaluation(msgspec.Struct, frozen=True):
    """The figures of all trials (null without a labelled trial of that kind) and `segments[column][value]`."""

    match: MatchEvaluation | None
    liveness: LivenessEvaluation | None
    segments: dict[str, dict[str, SegmentEvaluation]]


def evaluate_counts(
    cells: Mapping[Cohort, Classes],
    thresholds: Thresholds,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    min_trials: int = DEFAULT_MIN_TRIALS,
    segments: Sequence[str] = (),
) -> Evaluation:
    """Return the evaluation of counted trials: `cells[cohort][class]`, cohort None being all of them.

    `segments` names the columns to report, in order; their values come sorted. Raises ValueError when the
    scores of a class are not as many as its outcomes: its rates and its curves would speak of different
    trials.
    """

    def both(classes: Classes) -> SegmentEvaluation:
        return SegmentEvaluation(
            _match(classes, thresholds.match, limits),
            _liveness(classes, thresholds.liveness, limits, min_trials),
        )

    def values(column: str) -> dict[str, SegmentEvaluation]:
        cohorts = sorted(cohort for cohort in cells if cohort and cohort[0] == column)
        return {cohort[1]: both(cells[cohort]) for cohort in cohorts}

    everything = both(cells.get(None, {}))
    return Evaluation(everything.match, everything.liveness, {column: values(column) for column in segments})


def evaluate_scores(
    trials: Trials,
    match_threshold: ThresholdChoice,
    liveness_threshold: ThresholdChoice,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    min_trials: int = DEFAULT_MIN_TRIALS,
    segments: Sequence[str] = (),
) -> Evaluation:
    """Return the evaluation of raw scores of any range. `eer` stands for the EER point of all these scores.

    Raises ValueError when `eer` is asked for and there are trials of that kind, but only of one side.
    """
    thresholds = resolve_thresholds(trials, match_threshold, liveness_threshold)
    cells = {cohort: count_outcomes(classes, thresholds) for cohort, classes in trials.cells.items()}
    return evaluate_counts(cells, thresholds, limits=limits, min_trials=min_trials, segments=segments)


def _match(classes: Classes, threshold: float, limits: Limits) -> MatchEvaluation | None:
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


def _liveness(classes: Classes, threshold: float, limits: Limits, min_trials: int) -> LivenessEvaluation | None:
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
