"""The plots of error rates: score distributions, DET curves, rates with their intervals."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy.special import ndtri

from proofwatch.report.numbers import percent
from proofwatch.report.svg import ACCEPT, FAINT, INK, NEUTRAL, OK, REJECT, render, short
from services.standalone.report.data import Curve, Distribution, Floats

_DET_TICKS: Final = (1e-4, 1e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
_BEYOND: Final = 1 - 1e-6  # outside of every plot
_NEAR_ONE_TICKS: Final = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)
_CURVES: Final = ((REJECT, "-"), (ACCEPT, "--"))


def distribution(name: str, found: Distribution) -> Markup:
    """Return the shares of scores per bin, on a log axis: the errors are in the tails."""
    at = np.arange(len(found.edges), dtype=np.float64) if found.near_one else found.edges

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        shares = {side: 100 * found.shares(side) for side in found.counts}
        floor = 0.5 * min(float(share[share > 0].min()) for share in shares.values())
        for side, share in shares.items():
            accepted = side in ("genuine", "bona fide")
            colour, line = (ACCEPT, "-") if accepted else (REJECT, "--")
            label = f"{side} (n = {int(found.counts[side].sum()):,})"
            shown = np.where(share > 0, share, floor)
            axes.stairs(shown, at, baseline=floor, fill=True, color=colour, alpha=0.15)
            axes.stairs(shown, at, baseline=floor, color=colour, linestyle=line, linewidth=1.4, label=label)
        threshold = float(np.interp(found.threshold, found.edges, at))
        axes.axvline(threshold, color=INK, linewidth=1.2, label=f"threshold {found.threshold:g}: accepted from here")
        axes.set_yscale("log")
        axes.set_ylim(floor, 1.6 * max(float(share.max()) for share in shares.values()))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.minorticks_off()
        axes.set_xlim(at[0], at[-1])
        if found.near_one:
            axes.set_xticks(np.interp(_NEAR_ONE_TICKS, found.edges, at), [f"{tick:g}" for tick in _NEAR_ONE_TICKS])
        axes.set_xlabel("score, stretched towards 1" if found.near_one else "score")
        axes.set_ylabel("share of its class")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    sides = " and ".join(found.counts)
    return render(name, f"Histogram of the {sides} scores with the threshold {found.threshold:g}", (6.2, 3.5), draw)


def det(
    name: str, curves: Sequence[Curve], axes_names: tuple[str, str], limits: tuple[float | None, float | None]
) -> Markup:
    """Return DET curves on normal deviate axes (ISO/IEC 19795-1): normally distributed scores give straight lines."""
    low, high = _range(curves, limits)

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        bounds = ndtri([low, high])
        axes.plot(bounds, bounds, color=FAINT, linewidth=1, label="equal rates")
        for curve, (colour, line) in zip(curves, _CURVES, strict=False):
            # Rates of 0 have no normal deviate: there the curve runs along the edge.
            x, y = (np.clip(rates, low, _BEYOND) for rates in curve.thinned())
            axes.plot(ndtri(x), ndtri(y), line, color=colour, linewidth=1.6, label=short(curve.name))
            lower, upper = (ndtri(np.clip(corners, low, _BEYOND)) for corners in curve.band())
            around = np.concatenate([lower, upper[::-1]])
            axes.fill(around[:, 0], around[:, 1], color=colour, alpha=0.13, linewidth=0)
        for curve, (colour, _) in zip(curves, _CURVES, strict=False):
            _operating_point(axes, curve, colour, (low, high))
        axes.plot([], [], "o", color=NEUTRAL, label="at the threshold in force")
        for limit, line_at in zip(limits, (axes.axvline, axes.axhline), strict=True):
            if limit:
                line_at(ndtri(limit), color=OK, linestyle=":", linewidth=1.3)
        ticks = [tick for tick in _DET_TICKS if low <= tick <= high]
        labels = [f"{100 * tick:g}" for tick in ticks]
        axes.set_xticks(ndtri(ticks), labels)
        axes.set_yticks(ndtri(ticks), labels)
        axes.set(xlim=bounds, ylim=bounds, xlabel=f"{axes_names[0]}, %", ylabel=f"{axes_names[1]}, %")
        axes.set_aspect("equal")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    described = "; ".join(
        f"{c.name}: {axes_names[0]} {percent(c.operating[0].value)}, {axes_names[1]} {percent(c.operating[1].value)}"
        for c in curves
    )
    return render(name, f"DET curve. At the threshold in force, {described}", (5.2, 4.9), draw)


def _operating_point(axes: Axes, curve: Curve, colour: str, ends: tuple[float, float]) -> None:
    values = [figure.value for figure in curve.operating]
    if None in values:
        return
    at = ndtri(np.clip(np.array(values, dtype=np.float64), *ends))
    axes.plot(at[:1], at[1:], "o", color=colour, markersize=8, markeredgecolor="white", clip_on=False, zorder=5)


def _range(curves: Sequence[Curve], limits: tuple[float | None, float | None]) -> tuple[float, float]:
    """Return the rates at which the axes begin and end: all that can be drawn of the curves, and the limits."""
    drawn: list[Floats] = [np.array([limit for limit in limits if limit], dtype=np.float64), np.array([0.4, 0.02])]
    for curve in curves:
        drawn += curve.drawable()
    low = float(np.concatenate(drawn).min())
    worst = max((figure.value or 0.0 for curve in curves for figure in curve.operating), default=0.0)
    return max(1e-5, low / 1.5), 0.6 if worst < 0.5 else 0.99
