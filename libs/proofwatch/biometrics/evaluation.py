"""One evaluation: the match and liveness figures of all trials and of every segment value.

There is one road to the figures, `evaluate_counts`, and two ways onto it: from exact counts and sketches
(what is left of traffic that went through the system), or, by `evaluate_scores`, from the raw scores of a
table. Counts at the thresholds are the same either way; `curve_figures` says how far figures read off a
sketched curve can differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from proofwatch.biometrics.attacks import InjectionEvaluation, SystemEvaluation, injection_rates, system_rates
from proofwatch.biometrics.check_evaluation import (
    LivenessEvaluation,
    MatchEvaluation,
    liveness_evaluation,
    match_evaluation,
)
from proofwatch.biometrics.curve_figures import ThresholdChoice, resolve_thresholds
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.rates import DEFAULT_MIN_TRIALS, UNKNOWN_SPECIES, Limits
from proofwatch.biometrics.trials import UNLABELLED, Classes, Cohort, Thresholds, Trials, count_accepted, count_outcomes
from proofwatch.biometrics.worst_of import SegmentFigure

_WORST: Final = ("fmr", "fnmr", "apcer", "bpcer", "iapar", "injection_accept_rate")


class SegmentEvaluation(msgspec.Struct, frozen=True):
    """The figures of one segment value; null where it has no labelled trial of that kind."""

    match: MatchEvaluation | None
    liveness: LivenessEvaluation | None
    system: SystemEvaluation | None
    injection: InjectionEvaluation | None


class Evaluation(msgspec.Struct, frozen=True):
    """The figures of all trials (null without a labelled trial of that kind) and `segments[column][value]`.

    `worst_segments[column]` has the worst value of each rate that has a trial there (see `worst_values`).
    """

    match: MatchEvaluation | None
    liveness: LivenessEvaluation | None
    segments: dict[str, dict[str, SegmentEvaluation]]
    system: SystemEvaluation | None = None
    injection: InjectionEvaluation | None = None
    worst_segments: dict[str, dict[str, SegmentFigure]] = {}


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

    def every(classes: Classes) -> SegmentEvaluation:
        match = match_evaluation(classes, thresholds.match, limits)
        return SegmentEvaluation(
            match,
            liveness_evaluation(classes, thresholds.liveness, limits, min_trials),
            system_rates(classes, match.frr.value if match else None, limits.iapar, min_trials),
            injection_rates(classes, limits.injection_accept_rate, min_trials),
        )

    def values(column: str) -> dict[str, SegmentEvaluation]:
        cohorts = sorted(cohort for cohort in cells if cohort and cohort[0] == column)
        return {cohort[1]: every(cells[cohort]) for cohort in cohorts}

    whole = every(cells.get(None, {}))
    by_column = {column: values(column) for column in segments}
    worst = {column: worst_values(found, limits, min_trials) for column, found in by_column.items()}
    return Evaluation(whole.match, whole.liveness, by_column, whole.system, whole.injection, worst)


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
    cells = {
        cohort: count_outcomes(classes, thresholds) | count_accepted(trials.attacks.get(cohort, {}), thresholds)
        for cohort, classes in trials.cells.items()
    }
    return evaluate_counts(cells, thresholds, limits=limits, min_trials=min_trials, segments=segments)


def worst_values(values: Mapping[str, SegmentEvaluation], limits: Limits, min_trials: int) -> dict[str, SegmentFigure]:
    """Return, for each rate with a trial, the figure of the worst value of a segment and the status that all make.

    For APCER and IAPAR a member is a species at a value, `value: species`, and of accepted injections a method there:
    every one of them has to keep the limit.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in _WORST}
    unnamed = {UNLABELLED}
    for value, segment in values.items():
        for metric, species, figure in _judged(segment):
            if not figure.n:
                continue
            name = value if species is None else f"{value}: {species}"
            k, n = found[metric].get(name, (0, 0))
            found[metric][name] = k + (figure.k or 0), n + figure.n
            if value == UNLABELLED or species == UNKNOWN_SPECIES:
                unnamed.add(name)
    return {
        metric: SegmentFigure.of(members, getattr(limits, metric), min_trials, unnamed)
        for metric, members in found.items()
        if members
    }


def _judged(segment: SegmentEvaluation) -> Iterator[tuple[str, str | None, Figure]]:
    """Yield the rates of a value that can have a limit: metric, species or method where there are some, figure."""
    if match := segment.match:
        yield "fmr", None, match.fmr
        yield "fnmr", None, match.fnmr
    if liveness := segment.liveness:
        yield "bpcer", None, liveness.bpcer
        yield from (("apcer", *each) for each in liveness.apcer_by_species.items())
    if system := segment.system:
        yield from (("iapar", *each) for each in system.iapar_by_species.items())
    if injection := segment.injection:
        yield from (("injection_accept_rate", *each) for each in injection.accept_rate_by_method.items())
