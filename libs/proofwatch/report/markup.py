"""Pieces of the page: everything that is not `Html` already is escaped."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from proofwatch.biometrics.figures import Figure, Status


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Cell = str | Html

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")

STATUS: Final = {
    Status.PASS: Html('<span class="status pass">✓ PASS: proven within</span>'),
    Status.BREACH: Html('<span class="status breach">✗ BREACH: proven above</span>'),
    Status.INSUFFICIENT: Html('<span class="status open">? INSUFFICIENT: too few trials to tell</span>'),
    None: Html('<span class="none">no limit</span>'),
}


def clean(name: str) -> str:
    """Return a name without the characters that neither HTML nor SVG may hold, and on one line."""
    return _CONTROL.sub(" ", name)


def text(value: Cell) -> Html:
    """Return the value as markup."""
    return value if isinstance(value, Html) else Html(escape(clean(value), quote=True))


def paragraph(*parts: Cell, kind: str = "") -> Html:
    """Return a paragraph of these parts."""
    opening = f'<p class="{kind}">' if kind else "<p>"
    return Html(f"{opening}{''.join(text(part) for part in parts)}</p>")


def strong(value: str) -> Html:
    """Return emphasised text."""
    return Html(f"<strong>{text(value)}</strong>")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Html:
    """Return a table whose first column names its rows."""
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>\n'
        for row in rows
    )
    return Html(
        f'<div class="wide"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def plot(svg: str, caption: str, numbers: Html) -> Html:
    """Return a plot with its caption, and its numbers folded away below."""
    return Html(
        f"<figure>{svg}<figcaption>{text(caption)}</figcaption>"
        f"<details><summary>The numbers</summary>{numbers}</details></figure>"
    )


def section(anchor: str, title: str, *content: Html) -> Html:
    """Return one section of the page."""
    body = "\n".join(content)
    return Html(
        f'<section id="{anchor}" aria-labelledby="{anchor}-h"><h2 id="{anchor}-h">{text(title)}</h2>\n{body}</section>'
    )


_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def percent(value: float | None) -> str:
    """Return a rate to three significant digits; a dash where there is none."""
    return "–" if value is None else f"{float(f'{100 * value:.3g}'):,.10g}{_NO_BREAK}%"


def count(value: int | None) -> str:
    """Return a count with thousands separated; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def of(figure: Figure) -> str:
    """Return k / n."""
    return "–" if figure.n is None else f"{count(figure.k)} / {count(figure.n)}"


def interval(figure: Figure) -> str:
    """Return Wilson's interval."""
    return "–" if figure.low is None else f"{percent(figure.low)} to {percent(figure.high)}"
