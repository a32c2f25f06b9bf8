"""The whole screen: what goes in, what was decided, how the rates stand, who was told."""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from proofwatch.instants import instant_of
from proofwatch.local_time import local, zone_words
from proofwatch.plain import one_line
from services.standalone.core.overview import RATES, Overview
from services.standalone.fitting import ByWidth, Newest
from services.standalone.view.findings import Feed, firing
from services.standalone.view.rates import labelled, rates

_STYLES: Final = {"accept": "green", "retry": "yellow", "refer": "red"}
_WIDE: Final = 110
_RATES_LINES: Final = len(RATES) + 3  # a heading and the border
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


class View:
    """Renders an overview; holds only what a progress bar and a throughput curve need."""

    def __init__(self, title: str, total: int | None, zone: str | None = None) -> None:
        """`zone`: of the clock at its head."""
        self._zone = zone
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
            head=Panel(self._progress, title=f"Proofwatch · {_clock(now_ms, self._zone)}", border_style="cyan"),
            flow=Panel(self._flow(overview, consumed), title="flow"),
            mix=Panel(_mix(overview), title="verdicts"),
            labelled=Panel(labelled(overview, now_ms), title="error rates, closed days"),
            rates=Panel(rates(overview), title="last hour, from verdicts alone (95 % interval)"),
            firing=Panel(firing(overview), title=f"{len(overview.firing)} anomalies firing, the surest first"),
            feed=Panel(Feed(overview.feed), title="what people hear about"),
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
        return Group(table, Newest(_sparkline(self._speeds), "cyan"))


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


def _clock(now_ms: int, zone: str | None) -> str:
    now = instant_of(now_ms)
    return f"{local(now, zone):%a %d %b %Y %H:%M} {zone_words(now, zone)}"


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
