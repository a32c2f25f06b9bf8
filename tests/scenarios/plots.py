"""The page's drawings, as SVG that depends on nothing but the results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.use("svg")

from matplotlib import pyplot as plt

_STYLE: Any = {"svg.hashsalt": "proofwatch", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
_OURS, _NAIVE, _BARE = "#1f5fa8", "#c46a1b", "#bbbbbb"
_LEAST: Final = 0.01
DELAYS: Final = (
    ("low_delays_s", "low evidence or high", _OURS, "--"),
    ("high_delays_s", "high", _OURS, "-"),
    ("naive_delays_s", "2 × rule at p < 0.001", _NAIVE, "-"),
)


def draw_delays(name: str, result: Mapping[str, Any], file: Path) -> None:
    """Draw which share of the runs was found after at most so many hours."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 3.2))
        for key, label, colour, line in DELAYS:
            hours = [each / 3_600 for each in result[key]]
            shares = [(i + 1) / result["runs"] for i in range(len(hours))]
            axes.step([0.0, *hours], [0.0, *shares], where="post", label=label, color=colour, linestyle=line)
        axes.set(xlabel="hours since it began", ylim=(0, 1.02), xlim=(0, 12))
        axes.set_ylabel(f"share of {result['runs']} runs: {name}")
        axes.grid(visible=True, color="#eeeeee")
        axes.legend(frameon=False)
        _save(figure, file)


def draw_false(rows: Sequence[tuple[str, Mapping[str, Any]]], file: Path) -> None:
    """Draw false high findings a tenant-year, ours and the rule's, on a logarithmic scale."""
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 0.9 + 0.6 * len(rows)))
        for place, (key, label, colour) in enumerate(
            (
                ("false_highs_tenant_year", "ours, high", _OURS),
                ("naive_false_tenant_year", "2 × rule at p < 0.001", _NAIVE),
                ("bare_false_tenant_year", "2 × rule, bare", _BARE),
            )
        ):
            at = [row + 0.27 * (place - 1) for row in range(len(rows))]
            values = [max(result[key], _LEAST) for _, result in rows]
            axes.barh(at, values, height=0.25, label=label, color=colour)
        axes.set(xscale="log", xlim=(_LEAST, 1e8), xlabel="false findings a tenant-year (at the left edge: none)")
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.invert_yaxis()
        axes.legend(frameon=False)
        _save(figure, file)


def _save(figure: Figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    # matplotlib ends lines with blanks, which reviews and linters stumble over
    file.write_text("".join(f"{line.rstrip()}\n" for line in file.read_text().splitlines()))
