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
INK: Final = "#1e293b"
SHADE: Final = "#fecaca"
VOLUME: Final = "#94a3b8"
MARK: Final = "#7e22ce"
_PAPER: Final = "#ffffff"
_ROLES: Final = {
    ACCEPT: "accept",
    REJECT: "reject",
    NEUTRAL: "neutral",
    FAINT: "faint",
    OK: "ok",
    INK: "ink",
    SHADE: "shade",
    VOLUME: "volume",
    MARK: "mark",
    _PAPER: "paper",
    "#e2e8f0": "grid",
}
"""What the stylesheet calls each colour: it has others for it where a reader wants a dark page."""
_LOOK: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": VOLUME,
    "axes.grid": True,
    "axes.labelcolor": NEUTRAL,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "timezone": "UTC",
    "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL,
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
    body = re.sub(r"<[^>]*>", _with_roles, body)
    width, height = (round(72 * inches, 1) for inches in size)
    opening = Markup('<svg role="img" viewBox="0 0 {} {}" style="max-width:{}pt"><title>{}</title>')
    return opening.format(width, height, width, one_line(description)) + Markup(body)  # noqa: S704 - see above


def _with_roles(tag: re.Match[str]) -> str:
    """Return a tag with its colours by role; text between tags is not touched."""
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: _coloured(found[0]), tag[0]) if "#" in tag[0] else tag[0]


def _coloured(colour: str) -> str:
    return f"var(--{role})" if (role := _ROLES.get(colour)) else colour


def short(name: str) -> str:
    """Return a name as a label: one line of text, cut where it would leave no room for the plot."""
    line = one_line(name)
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
