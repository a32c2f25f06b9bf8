"""The sections on error rates: what each draws, and the numbers below it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import UNSET

from proofwatch.biometrics.check_evaluation import LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import Classes
from proofwatch.biometrics.worst_of import WorstFigure
from proofwatch.report.forest import Forest, forest
from proofwatch.report.numbers import count, interval, of, percent
from proofwatch.report.parts import Plot, Table
from proofwatch.report.proof import rate_name
from services.standalone.core.watched import Watched, rates
from services.standalone.report import data, plots
from services.standalone.report.opening import limit_rates

_MOST_POINTS: Final = 30
_BAND: Final = (
    "Band: at each threshold both true rates lie in it with 95 % confidence (a rectangle of two 97.5 % Wilson "
    "intervals); trials count as independent, so retries make it too narrow."
)


class Segment(NamedTuple):
    """The values of a segment: the worst of each rate with the status that all make, and all of them drawn."""

    name: str
    worst: Sequence[tuple[str, Figure]]
    panels: Sequence[Forest]


def scores(evaluation: Evaluation, classes: Classes) -> list[Plot]:
    """Return the score distributions of both checks."""
    found = []
    if evaluation.match and (match := data.match_distribution(classes, evaluation.match.threshold)):
        found.append(_distribution("match-scores", "Face match", match))
    if evaluation.liveness and (liveness := data.liveness_distribution(classes, evaluation.liveness.threshold)):
        found.append(_distribution("liveness-scores", "Liveness", liveness))
    return found


def curves(evaluation: Evaluation, classes: Classes, limits: Limits) -> dict[str, Plot | None]:
    """Return the DET curves of the checks that have scores of both sides; None where these do not overlap."""
    found: dict[str, Plot | None] = {}
    if match := data.match_curves(classes, evaluation):
        found["Face match"] = _det("match-det", "Face match", match, ("FMR", "FNMR"), (limits.fmr, limits.fnmr))
    if liveness := data.liveness_curves(classes, evaluation):
        names, bounds = ("APCER", "BPCER"), (limits.apcer, limits.bpcer)
        found["Liveness"] = _det("liveness-det", "Liveness", liveness, names, bounds)
    return found


def readings(evaluation: Evaluation) -> Table:
    """Return the figures that are read off the curves."""
    rows = [*_match_readings(evaluation.match), *_liveness_readings(evaluation.liveness)]
    head = ["figure", "errors / trials", "value", "bounds of the exact value", "95 % interval"]
    return Table("Read off the curves", head, rows)


def marks(min_trials: int) -> str:
    """Return how the drawings of rates are read."""
    return (
        "Cross: proven above the limit; dot: proven within it, or no limit; diamond: not proven either way. Pale: "
        f"fewer than {min_trials:,} trials, so read the interval, not the rate. Lines are 95 % intervals."
    )


def by_tenant(watched: Mapping[str, Watched], evaluation: Evaluation, limits: Limits, min_trials: int) -> list[Forest]:
    """Return the rates that have a limit by tenant; nothing where there is but one."""
    if len(watched) < 2:
        return []
    found = []
    for each in limit_rates(evaluation, limits):
        figures = {tenant: figure for tenant, of in watched.items() if (figure := rates(of.evaluation)[each.metric])}
        if figures:
            name = rate_name(each.metric)
            overall = None if isinstance(each.figure, WorstFigure) else each.figure
            found.append(
                forest(f"{name} by tenant", "tenant", figures, limit=each.limit, overall=overall, min_trials=min_trials)
            )
    return found


def species(evaluation: Evaluation, limits: Limits, min_trials: int) -> Forest | None:
    """Return APCER by PAI species; None without any."""
    found = evaluation.liveness
    figures = {name: each for name, each in found.apcer_by_species.items() if each.n} if found else {}
    if not found or not figures:
        return None
    return forest(
        "APCER by species", "species", figures, limit=limits.apcer, overall=found.apcer_pooled, min_trials=min_trials
    )


def segments(evaluation: Evaluation, limits: Limits, min_trials: int, small_cell: int) -> list[Segment]:
    """Return FNMR and BPCER by the values of each segment that has labelled trials.

    A value with fewer than `small_cell` is not shown.
    """
    overall = rates(evaluation)
    found = []
    for name, values in evaluation.segments.items():
        panels = [
            forest(
                f"{metric} by {name}",
                "value",
                figures,
                limit=getattr(limits, metric.lower()),
                overall=overall[metric.lower()],
                min_trials=min_trials,
                small_cell=small_cell,
            )
            for metric, figures in data.segment_figures(values).items()
        ]
        if panels:
            worst = evaluation.worst_segments[name]
            judged = [
                (f"{rate_name(metric)}: {each.worst_value or 'none has enough trials'}", each)
                for metric, each in worst.items()
            ]
            found.append(Segment(name, judged, panels))
    return found


def _distribution(name: str, check: str, found: data.Distribution) -> Plot:
    rows = [
        (f"{low:.6g} to {high:.6g}", *(count(int(counts[i])) for counts in found.counts.values()))
        for i, (low, high) in enumerate(pairwise(found.edges))
        if any(counts[i] for counts in found.counts.values())
    ]
    numbers = Table(f"{check}: scores per bin", ["score", *found.counts], rows)
    return Plot(plots.distribution(name, found), f"{check}. The axis of shares is logarithmic.", numbers)


def _det(
    name: str,
    check: str,
    found: Sequence[data.Curve],
    names: tuple[str, str],
    limits: tuple[float | None, float | None],
) -> Plot | None:
    if not any(len(curve.drawable()[0]) for curve in found):
        return None
    rows = [
        (f"{curve.name}: {threshold:.6g}", percent(float(accepted)), percent(float(rejected)))
        for curve in found
        for threshold, accepted, rejected in _thinned(curve)
    ]
    numbers = Table(f"{check}: points of the curve", ["accepted from", *names], rows)
    caption = f"{check}. Both axes are normal deviates (ISO/IEC 19795-1). {_BAND}"
    return Plot(plots.det(name, found, names, limits), caption, numbers)


def _thinned(curve: data.Curve) -> list[tuple[float, float, float]]:
    points = curve.points
    every = -(-len(points.thresholds) // _MOST_POINTS)
    rows = zip(points.thresholds, points.accepted_non_mated, points.rejected_mated, strict=True)
    return list(rows)[::every]


def _match_readings(found: MatchEvaluation | None) -> Iterator[tuple[str, ...]]:
    if found is not None:
        fixed = {f"FNMR at FMR ≤ {percent(float(maximum))}": figure for maximum, figure in found.fnmr_at_fmr.items()}
        yield from _readings("Face match", found.eer, found.auc, fixed)


def _liveness_readings(found: LivenessEvaluation | None) -> Iterator[tuple[str, ...]]:
    if found is not None:
        fixed = {
            "BPCER10: at APCER ≤ 10 % of every species": found.bpcer10,
            "BPCER20: at APCER ≤ 5 % of every species": found.bpcer20,
            "BPCER100: at APCER ≤ 1 % of every species": found.bpcer100,
        }
        yield from _readings("Liveness", found.eer, found.auc, fixed)


def _readings(check: str, eer: Figure, auc: Figure, fixed: Mapping[str, Figure]) -> Iterator[tuple[str, ...]]:
    area = "–" if auc.value is None else f"{auc.value:.4f}"
    yield f"{check}: equal error rate", "–", percent(eer.value), _bounds(eer, percent), "–"
    yield f"{check}: area under the ROC curve", "–", area, _bounds(auc, "{:.4f}".format), "–"
    for name, figure in fixed.items():
        yield name, of(figure), percent(figure.value), _bounds(figure, percent), interval(figure)


def _bounds(figure: Figure, show: Callable[[float], str]) -> str:
    if figure.value is None:
        return "–"
    return "exact" if figure.bounds is UNSET else f"{show(figure.bounds.low)} to {show(figure.bounds.high)}"
