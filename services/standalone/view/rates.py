"""The rates of the screen: of the last hour from verdicts alone, and of closed days."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proofwatch.biometrics.figures import Figure
from proofwatch.instants import instant_of
from proofwatch.local_time import local
from proofwatch.plain import one_line
from services.standalone.core.overview import RATES, Overview
from services.standalone.fitting import FirstThatFits, cut

_SILENT_MS: Final = 3_600_000
"""Without a label for so long, it is said since when."""
_NARROW: Final = 0.03
"""An interval whose ends whole percents do not tell apart."""


def labelled(overview: Overview, now_ms: int) -> RenderableType:
    """Return the error rates of closed days, and how much truth is in them."""
    figures = overview.labelled_rates()
    columns = {"k / n": _of, "rate": _value, "95 %": _interval, "rate (95 %)": _short}
    ways = []
    for shown in (("k / n", "rate", "95 %"), ("k / n", "rate (95 %)"), ("rate (95 %)",), ("rate",)):
        table = _figures("metric", shown)
        for name, figure in figures.items():
            table.add_row(name.upper(), *(columns[heading](figure) for heading in shown))
        ways.append(table)
    return Group(FirstThatFits(*ways), *_truths(overview, now_ms))


def _truths(overview: Overview, now_ms: int) -> Sequence[RenderableType]:
    """Return in two lines whether truth comes, and how much of it is in the rates: true at every time of day."""
    known = overview.truths()
    if known.newest_ms is None:
        came = "none came yet"
    else:
        newest = local(instant_of(known.newest_ms), overview.zone)
        same_day = newest.date() == local(instant_of(now_ms), overview.zone).date()
        moment = f"{newest:%H:%M}" if same_day else f"{newest:%d %b %H:%M}"
        came = f"none since {moment}" if now_ms - known.newest_ms >= _SILENT_MS else f"last {moment}"
    days = f"{known.closed_days:,} day{'' if known.closed_days == 1 else 's'}"
    counted = f"{days}, {known.trials:,} trials" if known.closed_days else "no day closed yet"
    lines = (f"{known.came:,} labels for {overview.decided:,} verdicts", f"{came}; {counted}")
    return [Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in lines]


def rates(overview: Overview) -> RenderableType:
    """Return the rates of the last hour by tenant; of as many tenants as there is room for."""
    tenants = overview.tenants()
    found = {tenant: overview.live_rates(tenant) for tenant in tenants}
    ways = [(_full, True), (_full, False), (_short, True), (_short, False), (_value, False)]
    fewer = range(len(tenants) - 1, 0, -1)
    return FirstThatFits(
        *(_rates_of(tenants, found, how, names_whole=whole) for how, whole in ways),
        *(_rates_of(tenants[:n], found, _value, names_whole=False, more=len(tenants) - n) for n in fewer),
    )


def _rates_of(
    tenants: Sequence[str],
    rates: Mapping[str, Mapping[str, Figure]],
    how: Callable[[Figure], str],
    *,
    names_whole: bool,
    more: int = 0,
) -> Table:
    cells = [[how(rates[tenant][name]) for name in RATES] for tenant in tenants]
    headings = [
        one_line(tenant) if names_whole else cut(one_line(tenant), max(map(len, column)))
        for tenant, column in zip(tenants, cells, strict=True)
    ]
    table = _figures("rate", [*headings, *([f"+{more}"] if more else [])])
    for n, name in enumerate(RATES):
        table.add_row(name.replace("_", " "), *(column[n] for column in cells), *([""] if more else []))
    return table


def _figures(first: str, headings: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 1))
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table


def _of(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.k:,}/{figure.n:,}"


def _value(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:.2%}"


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return "–"
    return f"{figure.low:.2%}–{figure.high:.2%}"


def _full(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:6.2%} ({figure.low:.1%}–{figure.high:.1%})"


def _short(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    digits = 1 if figure.high - figure.low < _NARROW else 0
    return f"{figure.value:.1%} ({100 * figure.low:.{digits}f}–{100 * figure.high:.{digits}f})"
