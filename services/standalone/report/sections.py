"""The sections on error rates: what each plot is of, in words and numbers, or why there is none."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from proofwatch.biometrics.evaluation import Evaluation, LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import Classes
from proofwatch.report.markup import (
    STATUS,
    Cell,
    Html,
    count,
    interval,
    of,
    paragraph,
    percent,
    plot,
    section,
    table,
    text,
)
from services.standalone.report import data, plots

_MOST_POINTS: Final = 30
_HEAD: Final = ("errors / trials", "rate", "95 % interval", "trials", "limit proven?")
_MARKS: Final = (
    " Cross: proven above the limit; dot: proven within it, or no limit; diamond: too few trials to tell. "
    "Hollow: fewer than {} trials, so read the interval, not the rate. Lines are 95 % intervals."
)


def distributions(evaluation: Evaluation, classes: Classes) -> Html:
    """Return the score distributions of both checks."""
    found = []
    if evaluation.match and (scores := data.match_distribution(classes, evaluation.match.threshold)):
        found.append(_distribution("match-scores", "Face match", scores))
    if evaluation.liveness and (scores := data.liveness_distribution(classes, evaluation.liveness.threshold)):
        found.append(_distribution("liveness-scores", "Liveness", scores))
    if not found:
        return section(
            "scores", "Score distributions", paragraph("No labelled scores came, so there are none to draw.")
        )
    said = (
        "What is accepted lies right of the threshold. An attack or impostor there, or a genuine or bona fide score "
        "left of it, is an error."
    )
    return section("scores", "Score distributions", paragraph(said), _pair(found))


def trade_off(evaluation: Evaluation, classes: Classes, limits: Limits) -> Html:
    """Return the DET curves of both checks and the figures that are read off them."""
    title, found = "What other thresholds would give (DET)", []
    if curves := data.match_curves(classes, evaluation):
        found.append(_det("match-det", "Face match", curves, ("FMR", "FNMR"), (limits.fmr, limits.fnmr)))
    if curves := data.liveness_curves(classes, evaluation):
        found.append(_det("liveness-det", "Liveness", curves, ("APCER", "BPCER"), (limits.apcer, limits.bpcer)))
    if not found:
        said = "No check has labelled scores of both those to accept and those to reject, so there is no DET curve."
        return section("det", title, paragraph(said))
    said = (
        "Every point of a curve is a threshold; the dot is the one in force. Lower left is better. Along the edge of "
        "the plot a rate is 0."
    )
    dotted = " Dotted lines are limits." if limits != Limits() else ""
    rows = [*_match_readings(evaluation.match), *_liveness_readings(evaluation.liveness)]
    readings = table("Read off the curves", ["figure", "errors / trials", "value", "95 % interval"], rows)
    return section("det", title, paragraph(said, dotted), _pair(found), readings)


def species(evaluation: Evaluation, limits: Limits, min_trials: int) -> Html:
    """Return APCER by PAI species."""
    title = "Attacks by species (APCER)"
    rows = data.by_rate(evaluation.liveness.apcer_by_species) if evaluation.liveness else []
    if not rows:
        return section("species", title, paragraph("No labelled attack has a score, so there is no APCER."))
    said = "The share of the attacks of each species that passed as bona fide." + _MARKS.format(min_trials)
    drawn = plots.rates("species", {"APCER": rows}, {"APCER": limits.apcer}, min_trials)
    numbers = table("APCER by species", ["species", *_HEAD], [(name, *_cells(f, min_trials)) for name, f in rows])
    return section("species", title, paragraph(said), plot(drawn, _caption("species", len(rows)), numbers))


def segments(evaluation: Evaluation, limits: Limits, min_trials: int) -> Html:
    """Return FNMR and BPCER by the values of each segment."""
    title = "Rejected wrongly, by segment"
    found = [
        _segment(name, figures, limits, min_trials)
        for name, values in evaluation.segments.items()
        if (figures := data.segment_figures(values))
    ]
    if not found:
        return section("segments", title, paragraph("No labelled trial carries a segment, so there are no groups."))
    said = "Whether real people are turned away more often in one group than in another." + _MARKS.format(min_trials)
    return section("segments", title, paragraph(said), *found)


def _distribution(name: str, check: str, found: data.Distribution) -> Html:
    rows = [
        (f"{low:.6g} to {high:.6g}", *(count(int(counts[i])) for counts in found.counts.values()))
        for i, (low, high) in enumerate(pairwise(found.edges))
        if any(counts[i] for counts in found.counts.values())
    ]
    numbers = table(f"{check}: scores per bin", ["score", *found.counts], rows)
    return plot(plots.distribution(name, found), f"{check}. The axis of shares is logarithmic.", numbers)


def _det(
    name: str,
    check: str,
    curves: Sequence[data.Curve],
    rates: tuple[str, str],
    limits: tuple[float | None, float | None],
) -> Html:
    if not any(len(curve.drawable()[0]) for curve in curves):
        said = f"{check}: the scores do not overlap: no threshold makes both kinds of error, so there is no curve."
        return paragraph(said)
    rows = [
        (f"{curve.name}: {threshold:.6g}", percent(float(accepted)), percent(float(rejected)))
        for curve in curves
        for threshold, accepted, rejected in _thinned(curve)
    ]
    numbers = table(f"{check}: points of the curve", ["accepted from", *rates], rows)
    caption = f"{check}. Both axes are normal deviates (ISO/IEC 19795-1)."
    return plot(plots.det(name, curves, rates, limits), caption, numbers)


def _thinned(curve: data.Curve) -> list[tuple[float, float, float]]:
    points = curve.points
    every = -(-len(points.thresholds) // _MOST_POINTS)
    rows = zip(points.thresholds, points.accepted_non_mated, points.rejected_mated, strict=True)
    return list(rows)[::every]


def _match_readings(found: MatchEvaluation | None) -> list[tuple[Cell, ...]]:
    if found is None:
        return []
    fixed = {f"FNMR at FMR ≤ {percent(float(maximum))}": figure for maximum, figure in found.fnmr_at_fmr.items()}
    return _readings("Face match", found.eer, found.auc, fixed)


def _liveness_readings(found: LivenessEvaluation | None) -> list[tuple[Cell, ...]]:
    if found is None:
        return []
    fixed = {
        "BPCER10: at APCER ≤ 10 % of every species": found.bpcer10,
        "BPCER20: at APCER ≤ 5 % of every species": found.bpcer20,
        "BPCER100: at APCER ≤ 1 % of every species": found.bpcer100,
    }
    return _readings("Liveness", found.eer, found.auc, fixed)


def _readings(check: str, eer: Figure, auc: Figure, fixed: Mapping[str, Figure]) -> list[tuple[Cell, ...]]:
    area = "–" if auc.value is None else f"{auc.value:.4f}"
    return [
        (f"{check}: equal error rate", "–", percent(eer.value), "–"),
        (f"{check}: area under the ROC curve", "–", area, "–"),
        *((name, of(figure), percent(figure.value), interval(figure)) for name, figure in fixed.items()),
    ]


def _segment(name: str, found: Mapping[str, Mapping[str, Figure]], limits: Limits, min_trials: int) -> Html:
    panels = {metric: sorted(figures.items()) for metric, figures in found.items()}
    most = max(len(rows) for rows in panels.values())
    if most > plots.MOST_ROWS:  # then those with the most trials are drawn
        panels = {metric: sorted(rows, key=lambda row: (-(row[1].n or 0), row[0])) for metric, rows in panels.items()}
    drawn = plots.rates(f"segment-{name}", panels, {"FNMR": limits.fnmr, "BPCER": limits.bpcer}, min_trials)
    rows = [(f"{value}: {metric}", *_cells(f, min_trials)) for metric, shown in panels.items() for value, f in shown]
    numbers = table(f"Rates by {name}", ["value", *_HEAD], rows)
    return Html(f"<h3>{text(name)}</h3>{plot(drawn, _caption(name, most), numbers)}")


def _cells(figure: Figure, min_trials: int) -> tuple[Cell, ...]:
    size = "few" if (figure.n or 0) < min_trials else "enough"
    return of(figure), percent(figure.value), interval(figure), size, STATUS[figure.status]


def _caption(what: str, rows: int) -> str:
    cut = f" The first {plots.MOST_ROWS} of {rows} are drawn; the numbers have all." if rows > plots.MOST_ROWS else ""
    return f"By {what}.{cut}"


def _pair(parts: Sequence[Html]) -> Html:
    return Html(f'<div class="pair">{"".join(parts)}</div>')
