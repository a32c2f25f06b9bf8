"""Numbers as people read them, the same on a page, in a plot and in the terminal."""

from typing import Final

from proofwatch.biometrics.figures import Figure

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
