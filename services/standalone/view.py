"""The terminal view of a run: what goes in, what was decided, how the rates stand, who was told."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from rich.bar import Bar
from rich.cells import cell_len
from rich.console import ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from proofwatch.biometrics.figures import Figure
from proofwatch.events.types import Anomaly
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import literal
from services.standalone.core.overview import RATES, Line, Overview
from services.standalone.fitting import ByWidth, FirstThatFits, cut, cut_before

_STYLES: Final = {"accept": "green", "retry": "yellow", "refer": "red"}
_FIRING_LINES: Final = 30
_WIDE: Final = 110
_RATES_LINES: Final = len(RATES) + 3  # a heading and the border
_INDENT: Final = 6
_NAME_WIDTHS: Final = ((1_000, 64), (60, 32), (40, 24), (30, 20), (24, 16), (18, 12), (12, 8), (8, 4))
"""Cells for the names of a cohort and of a rate, the first that fits."""
_BASELINE_FROM: Final = 30
_DAY_MS: Final = 86_400_000
_SILENT_MS: Final = 3_600_000
"""Without a label for so long, it is said since when."""
_NARROW: Final = 0.03
"""An interval whose ends whole percents do not tell apart."""
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


class View:
    """Renders an overview; holds only what a progress bar and a throughput curve need."""

    def __init__(self, title: str, total: int | None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("events"),
            TimeRemainingColumn(),
            expand=True,
        )
        self._task = self._progress.add_task(one_line(title), total=total)
        self._began = time.monotonic()
        self._speeds: list[float] = []
        self._last = (self._began, 0)

    def render(self, overview: Overview, consumed: int, now_ms: int) -> RenderableType:
        """Return the whole screen."""
        self._progress.update(self._task, completed=consumed)
        self._measure(consumed)
        panels = _Panels(
            head=Panel(self._progress, title=f"Proofwatch · {_clock(now_ms)}", border_style="cyan"),
            flow=Panel(self._flow(overview, consumed), title="flow"),
            mix=Panel(_mix(overview), title="verdicts"),
            labelled=Panel(_labelled(overview, now_ms), title="error rates, closed days"),
            rates=Panel(_rates(overview), title="last hour, from verdicts alone (95 % interval)"),
            firing=Panel(_firing(overview), title=f"{len(overview.firing)} anomalies firing, the surest first"),
            feed=Panel(_Feed(overview.feed), title="what people hear about"),
        )
        return ByWidth(_WIDE, _wide(panels), _narrow(panels))

    def _measure(self, consumed: int) -> None:
        now = time.monotonic()
        then, before = self._last
        if now - then >= 0.5:
            self._speeds.append((consumed - before) / (now - then))
            del self._speeds[:-40]
            self._last = (now, consumed)

    def _flow(self, overview: Overview, consumed: int) -> RenderableType:
        elapsed = max(time.monotonic() - self._began, 1e-9)
        table = _grid()
        table.add_row("events/s", f"[bold]{consumed / elapsed:,.0f}[/]")
        table.add_row("dead letters", f"{sum(overview.dead_letters.values()):,}")
        table.add_row("windows", f"{overview.windows['decisions']:,} + {overview.windows['restated']:,} restated")
        table.add_row("suspicions", f"{overview.suspicions:,}")
        table.add_row("open cases", f"[bold]{overview.open_cases:,}[/]")
        table.add_row("notifications", f"{overview.notifications:,}")
        return Group(table, Text(_sparkline(self._speeds), "cyan"))


class _Panels(NamedTuple):
    head: Panel
    flow: Panel
    mix: Panel
    labelled: Panel
    rates: Panel
    firing: Panel
    feed: Panel


def _wide(panels: _Panels) -> Layout:
    layout = Layout()
    layout.split_column(Layout(panels.head, size=3), Layout(name="middle", size=11), Layout(name="bottom"))
    layout["middle"].split_row(
        Layout(panels.flow, ratio=4), Layout(panels.mix, ratio=5), Layout(panels.labelled, ratio=5)
    )
    layout["bottom"].split_row(Layout(name="left", ratio=3), Layout(panels.feed, ratio=2))
    layout["left"].split_column(Layout(panels.rates, size=_RATES_LINES), Layout(panels.firing))
    return layout


def _narrow(panels: _Panels) -> Layout:
    """Return the same with the rates over the whole width, and first, where the height too is small."""
    layout = Layout()
    layout.split_column(
        Layout(panels.head, size=3),
        Layout(panels.rates, size=_RATES_LINES),
        Layout(name="middle", size=9),
        Layout(panels.feed, ratio=1, minimum_size=4),
        Layout(name="bottom", ratio=1),
    )
    layout["middle"].split_row(Layout(panels.mix), Layout(panels.labelled))
    layout["bottom"].split_row(Layout(panels.firing, ratio=3), Layout(panels.flow, ratio=2))
    return layout


def _sparkline(values: Sequence[float]) -> str:
    top = max(values, default=0.0) or 1.0
    return "".join(_BLOCKS[min(7, int(8 * value / top))] for value in values)


def _clock(now_ms: int) -> str:
    return f"{datetime.fromtimestamp(now_ms / 1000, tz=UTC):%a %d %b %Y %H:%M} UTC"


def _grid() -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim")
    table.add_column(justify="right")
    return table


def _mix(overview: Overview) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    total = max(1, overview.decided)
    for decision, style in _STYLES.items():
        count = overview.decisions[decision]
        table.add_row(f"[{style}]{decision}", Bar(total, 0, count, color=style), f"{count:,} {count / total:6.1%}")
    for action, count in sorted(overview.actions.items()):
        if action != "none":
            table.add_row(
                f"  {action.replace('_', ' ')}", Bar(total, 0, count, color="blue"), f"{count:,} {count / total:6.1%}"
            )
    return table


def _labelled(overview: Overview, now_ms: int) -> RenderableType:
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
        newest = datetime.fromtimestamp(known.newest_ms / 1000, tz=UTC)
        same_day = known.newest_ms // _DAY_MS == now_ms // _DAY_MS
        moment = f"{newest:%H:%M}" if same_day else f"{newest:%d %b %H:%M}"
        came = f"none since {moment}" if now_ms - known.newest_ms >= _SILENT_MS else f"last {moment}"
    days = f"{known.closed_days:,} day{'' if known.closed_days == 1 else 's'}"
    counted = f"{days}, {known.trials:,} trials" if known.closed_days else "no day closed yet"
    lines = (f"{known.came:,} labels for {overview.decided:,} verdicts", f"{came}; {counted}")
    return [Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in lines]


def _rates(overview: Overview) -> RenderableType:
    tenants = overview.tenants()
    rates = {tenant: overview.live_rates(tenant) for tenant in tenants}
    ways = [(_full, True), (_full, False), (_short, True), (_short, False), (_value, False)]
    fewer = range(len(tenants) - 1, 0, -1)
    return FirstThatFits(
        *(_rates_of(tenants, rates, how, names_whole=whole) for how, whole in ways),
        *(_rates_of(tenants[:n], rates, _value, names_whole=False, more=len(tenants) - n) for n in fewer),
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


class _Feed:
    """What people heard about, the newest first: on one line, or on two where its numbers would not be seen."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines

    def __rich_console__(self, console: object, options: ConsoleOptions) -> RenderResult:
        """Yield the lines, none wider than there is room for."""
        text = Text(no_wrap=True, overflow="ellipsis")
        width = options.max_width
        for line in reversed(self._lines):
            style = "bold yellow" if line.kind == "case" else "bold red"
            head = f"{line.at} {line.kind:9}"
            times = f" (× {line.times})" if line.times > 1 else ""
            numbers, whose = f"{line.numbers}{times}".strip(), one_line(line.whose)
            what = one_line(line.what)
            whole = f"{whose}: {what} {numbers}".rstrip()
            text.append(f"{line.at} ", "dim").append(f"{line.kind:9}", style)
            if cell_len(head) + cell_len(whole) <= width:
                text.append(f"{whole}\n")
            else:
                rest = cut_before(what, numbers, width - _INDENT) if numbers else cut(what, width - _INDENT)
                text.append(f"{cut(whose, width - cell_len(head))}\n").append(f"{' ' * _INDENT}{rest}\n")
        yield text


def _firing(overview: Overview) -> RenderableType:
    worst = sorted(overview.firing.values(), key=lambda a: (a.severity != "high", a.p_value, a.anomaly_id))
    return FirstThatFits(*(_firing_table(worst[:_FIRING_LINES], *widths) for widths in _NAME_WIDTHS))


def _firing_table(worst: Sequence[Anomaly], cohort: int, metric: int) -> Table:
    """Return the anomalies; names are cut to so many cells, numbers never are."""
    table = Table(box=None, padding=(0, 1))
    for heading in ("cohort", "rate"):
        table.add_column(heading, no_wrap=True)
    for heading in ("now", "× baseline" if cohort >= _BASELINE_FROM else "×"):
        table.add_column(heading, justify="right", no_wrap=True)
    for anomaly in worst:
        whose = f" {anomaly.segment_name}={anomaly.segment_value}" if anomaly.segment_name else ""
        style = "bold red" if anomaly.severity == "high" else "dim"
        table.add_row(
            literal(cut(one_line(f"{anomaly.tenant}{whose}"), cohort)),
            cut(anomaly.metric.replace("_", " "), metric),
            f"{anomaly.rate:.1%} ({anomaly.k}/{anomaly.n})",
            f"{anomaly.ratio:.1f}",
            style=style,
        )
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
