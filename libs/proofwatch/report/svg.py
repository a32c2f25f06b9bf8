"""One look for all plots, and figures as inline SVG: the same figure gives the same bytes.

Text stays text (searchable, read in the reader's own font). Names come from users' files, so nothing in them is
markup: mathematical notation is off, the SVG writer escapes what is drawn, and `render` the rest.
"""

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any, Final

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas

from proofwatch.plain import one_line, printable

ACCEPT: Final = "#0b5cad"
REJECT: Final = "#c2410c"
NEUTRAL: Final = "#475569"
FAINT: Final = "#cbd5e1"
OK: Final = "#15803d"
_LOOK: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#94a3b8",
    "axes.grid": True,
    "axes.labelcolor": "#334155",
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "timezone": "UTC",
    "xtick.color": "#475569",
    "ytick.color": "#475569",
}
_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_LONGEST_NAME: Final = 30


def render(name: str, description: str, size: tuple[float, float], draw: Callable[[Canvas], None]) -> Markup:
    """Return what `draw` puts on a canvas of `size` inches as an `<svg>` element.

    `name` keeps the ids of several plots of one page apart; `description` is what a screen reader says.
    """
    look: Any = {**_LOOK, "svg.hashsalt": name}  # the stubs list every key, as literals
    with rc_context(look), warnings.catch_warnings():
        # Names may be in any script. The reader's fonts show them; matplotlib's only measures them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas)
        text = StringIO()
        canvas.savefig(text, format="svg", metadata=_METADATA)
    drawn = printable(text.getvalue())
    body = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # nothing refers to groups, and they repeat on a page
    width, height = (round(72 * inches, 1) for inches in size)
    opening = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}pt">')
    return opening.format(one_line(description), width, height, width) + Markup(body)  # noqa: S704 - see above


def short(name: str) -> str:
    """Return a name as a label: one line of text, cut where it would leave no room for the plot."""
    line = one_line(name)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
