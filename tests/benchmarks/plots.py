"""The page's drawings, as SVG that depends on nothing but the results."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.benchmarks.context import Result

mpl.use("svg")

from matplotlib import pyplot as plt

_STYLE: Any = {"svg.hashsalt": "proofwatch", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
_GREY = "#888888"


def draw_latency(result: Result, file: Path) -> None:
    """Draw which share of the verdicts took at least so long, for each rate."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 3.2))
        for each in result["rates"]:
            left, shares = each["events"], []
            for count in each["histogram"][:-1]:
                left -= count
                shares.append(max(left, 0) / each["events"])
            axes.step(result["edges_ms"], shares, where="post", label=f"{each['rate']:,} events/s", linewidth=1.2)
        axes.set(xscale="log", yscale="log", ylim=(1e-5, 1.2), xlabel="latency in milliseconds")
        axes.set_ylabel("share of verdicts that took longer")
        for limit, share in ((result["target"]["p50_ms"], 0.5), (result["target"]["p99_ms"], 0.01)):
            axes.plot([limit], [share], marker="x", color=_GREY, linestyle="none")
            axes.annotate(
                f"target: {share:.0%} at {limit:g} ms", (limit, share), (6, -3), textcoords="offset points", color=_GREY
            )
        axes.grid(visible=True, which="major", color="#eeeeee")
        axes.legend(frameon=False)
        _save(figure, file)


def draw_memory(result: Result, file: Path) -> None:
    """Draw resident memory over the events; the warm-up is shaded."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 3.2))
        millions = [done / 1e6 for _, done, _ in result["samples"]]
        axes.plot(millions, [mib for _, _, mib in result["samples"]], linewidth=1)
        first = result["target"]["from"] * result["events"] / 1e6
        ends = (first, result["events"] / 1e6)
        axes.plot(ends, (result["begin_mib"], result["end_mib"]), color=_GREY, linestyle="--", linewidth=1)
        axes.annotate(
            f"trend {result['growth']:+.1%}",
            (first, result["begin_mib"]),
            (0, 6),
            textcoords="offset points",
            color=_GREY,
        )
        axes.axvspan(min(millions), 0, color="#f2f2f2")
        axes.set(xlabel="million events after the warm-up (shaded)", ylabel="resident memory in MiB", ylim=(0, None))
        axes.grid(visible=True, color="#eeeeee")
        _save(figure, file)


def draw_journey(result: Result, file: Path) -> None:
    """Draw how far each stage is behind over time, a panel for each rate and one for the time without the database."""
    panels = [(f"{row['rate']:,} a second", row["samples"]) for row in result["rates"]]
    if outage := result["outage"]:
        panels.append((f"{outage['rate']:,} a second, {outage['away_s']} s without PostgreSQL", outage["samples"]))
    with mpl.rc_context(_STYLE):
        figure, grid = plt.subplots(-(-len(panels) // 2), 2, figsize=(7, 2.2 * -(-len(panels) // 2)), squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.axis("off")
        for axes, (title, samples) in zip(grid.flat, panels, strict=False):
            for stage in samples:
                if stage != "at":
                    axes.plot(samples["at"], [max(lag, 0.05) for lag in samples[stage]], label=stage, linewidth=1)
            axes.axhline(result["limit_s"], color=_GREY, linestyle="--", linewidth=0.8)
            axes.set(yscale="log", ylim=(0.05, 120), title=title)
            axes.title.set_fontsize(9)
            axes.grid(visible=True, color="#eeeeee")
        grid.flat[0].legend(frameon=False, fontsize=7, ncols=2)
        figure.supxlabel("seconds since the warm-up, or since the database was back", fontsize=9)
        figure.supylabel("seconds behind", fontsize=9)
        _save(figure, file)


def _save(figure: Figure, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    # matplotlib ends lines with blanks, which reviews and linters stumble over
    file.write_text("".join(f"{line.rstrip()}\n" for line in file.read_text().splitlines()))
