"""The plots of a backtest: scores with both thresholds, who is told something else, differences with intervals."""

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup
from matplotlib.figure import Figure as Canvas

from proofwatch.report.numbers import count
from proofwatch.report.svg import ACCEPT, FAINT, NEUTRAL, OK, REJECT, render, short
from services.scorer.backtest.changes import Change
from services.scorer.backtest.distributions import Distribution
from services.scorer.backtest.result import Moved
from services.scorer.backtest.words import flow_name, points, significant

MOST_ROWS: Final = 25
_ROW_INCHES: Final = 0.27
_NEAR_ONE_TICKS: Final = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)
_CLASSES: Final = {
    "genuine": (ACCEPT, "-"),
    "bona_fide": (ACCEPT, "-"),
    "impostor": (REJECT, "--"),
    "attack": (REJECT, "--"),
    "unlabelled": (NEUTRAL, ":"),
}


def scores(name: str, found: Distribution) -> Markup:
    """Return the shares of scores per bin on a log axis, with the old and the new threshold."""
    at = [float(i) for i in range(len(found.edges))] if found.near_one else list(found.edges)

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        shares = {side: [100 * n / sum(counts) for n in counts] for side, counts in found.counts.items()}
        floor = 0.5 * min(share for side in shares.values() for share in side if share > 0)
        for side, share in shares.items():
            colour, line = _CLASSES[side]
            shown = [each if each > 0 else floor for each in share]
            label = f"{side.replace('_', ' ')} (n = {count(sum(found.counts[side]))})"
            axes.stairs(shown, at, baseline=floor, color=colour, linestyle=line, linewidth=1.4, label=label)
        axes.axvline(found.place(found.old), color="#0f172a", linewidth=1.2, label=f"old threshold {found.old:g}")
        axes.axvline(
            found.place(found.new), color=OK, linewidth=1.6, linestyle="--", label=f"new threshold {found.new:g}"
        )
        axes.set_yscale("log")
        axes.set_ylim(floor, 1.6 * max(max(share) for share in shares.values()))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.minorticks_off()
        axes.set_xlim(at[0], at[-1])
        if found.near_one:
            axes.set_xticks([found.place(tick) for tick in _NEAR_ONE_TICKS], [f"{tick:g}" for tick in _NEAR_ONE_TICKS])
        axes.set_xlabel("score, stretched towards 1" if found.near_one else "score")
        axes.set_ylabel("share of its class")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    sides = ", ".join(found.counts)
    return render(name, f"Histogram of scores ({sides}); thresholds {found.old:g} and {found.new:g}", (6.2, 3.7), draw)


def moves(flows: Sequence[Moved]) -> Markup:
    """Return how many transactions go from what to what."""
    shown = list(flows[:MOST_ROWS])

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        places = range(0, -len(shown), -1)
        colours = [_direction(moved) for moved in shown]
        axes.barh(list(places), [moved.n for moved in shown], color=colours, height=0.62)
        for place, moved in zip(places, shown, strict=True):
            axes.annotate(
                count(moved.n), (moved.n, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_yticks(list(places), [flow_name(moved) for moved in shown])
        axes.set_ylim(0.6 - len(shown), 0.6)
        axes.set_xlabel("transactions")
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")

    said = "; ".join(f"{flow_name(moved)}: {moved.n}" for moved in shown)
    return render("moves", f"Who is told something else. {said}", (8.6, 0.8 + _ROW_INCHES * len(shown)), draw)


def deltas(name: str, panels: Mapping[str, Sequence[tuple[str, Change]]]) -> Markup:
    """Return differences with their intervals, a panel for each rate; all panels have the same rows.

    A filled mark: more than chance after the correction for all tests.
    """
    rows = list(dict.fromkeys(row for changes in panels.values() for row, _ in changes))[:MOST_ROWS]
    places = {row: -place for place, row in enumerate(rows)}

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(1, len(panels), sharey=True, squeeze=False)
        for axes, (metric, changes) in zip(grid[0], panels.items(), strict=True):
            axes.axvline(0, color=FAINT, linewidth=1.4)
            for row, change in changes:
                if row not in places:
                    continue
                place, colour = places[row], (REJECT if (change.delta or 0) > 0 else ACCEPT)
                if not significant(change):
                    colour = NEUTRAL
                low, high = 100 * (change.low or 0), 100 * (change.high or 0)
                axes.plot([low, high], [place, place], color=colour, linewidth=1.6, alpha=0.8)
                axes.plot(
                    [100 * (change.delta or 0)], [place], "o", color=colour, markersize=5.5,
                    markerfacecolor=colour if significant(change) else "white",
                )  # fmt: skip
            axes.set_title(metric)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.3g}" if value else "0")
            axes.set_xlabel("percentage points")
            axes.grid(visible=False, axis="y")
        grid[0][0].set_yticks(list(places.values()), [short(row) for row in rows])
        grid[0][0].set_ylim(0.6 - len(rows), 0.6)

    said = "; ".join(
        f"{metric} {row} {points(change.delta)}"
        for metric, changes in panels.items()
        for row, change in changes
        if row in places
    )
    size = (4.2 + 2.4 * len(panels), 1.0 + _ROW_INCHES * len(rows))
    return render(name, f"Differences with 95 % intervals. {said}", size, draw)


def _direction(moved: Moved) -> str:
    """Return a colour: towards acceptance, away from it, or neither."""
    order = ("accept", "retry", "refer")
    if moved.old_decision not in order or moved.new_decision not in order:
        return NEUTRAL
    step = order.index(moved.new_decision) - order.index(moved.old_decision)
    return NEUTRAL if step == 0 else REJECT if step > 0 else ACCEPT
