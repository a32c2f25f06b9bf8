"""The terminal view of a run: what goes in, what was decided, how the rates stand, who was told."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from proofwatch.biometrics.figures import Figure
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import literal
from services.standalone.core.overview import RATES, Overview

_STYLES: Final = {"accept": "green", "retry": "yellow", "refer": "red"}
_FIRING_LINES: Final = 30
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
        layout = Layout()
        layout.split_column(
            Layout(Panel(self._progress, title=f"Proofwatch · {_clock(now_ms)}", border_style="cyan"), size=3),
            Layout(name="middle", size=11),
            Layout(name="bottom"),
        )
        layout["middle"].split_row(
            Layout(Panel(self._flow(overview, consumed), title="flow"), ratio=4),
            Layout(Panel(_mix(overview), title="verdicts"), ratio=5),
            Layout(Panel(_labelled(overview), title="error rates, labelled days"), ratio=5),
        )
        layout["bottom"].split_row(
            Layout(name="left", ratio=3),
            Layout(Panel(_feed(overview), title="what people hear about"), ratio=2),
        )
        layout["left"].split_column(
            Layout(Panel(_rates(overview), title="last hour, from verdicts alone (95 % interval)"), size=8),
            Layout(Panel(_firing(overview), title=f"{len(overview.firing)} anomalies firing, the surest first")),
        )
        return layout

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
        table.add_row("cases told to people", f"[bold]{overview.open_cases:,}[/]")
        table.add_row("notifications", f"{overview.notifications:,}")
        return Group(table, Text(_sparkline(self._speeds), "cyan"))


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
    table.add_column(width=22)
    table.add_column(ratio=1)
    table.add_column(justify="right", width=16)
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


def _labelled(overview: Overview) -> RenderableType:
    table = _figures_table("metric")
    for name, figure in overview.labelled_rates().items():
        table.add_row(name.upper(), *_cells(figure))
    return table


def _rates(overview: Overview) -> RenderableType:
    tenants = overview.tenants()
    table = Table(expand=True, box=None, padding=(0, 1))
    table.add_column("rate")
    for tenant in tenants:
        table.add_column(literal(tenant), justify="right")
    for name in RATES:
        table.add_row(name.replace("_", " "), *(_short(overview.live_rates(tenant)[name]) for tenant in tenants))
    return table


def _feed(overview: Overview) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for line in reversed(overview.feed):
        style = "bold red" if line.kind == "case" else "bold yellow"
        times = f" (× {line.times})" if line.times > 1 else ""
        text.append(f"{line.at} ", "dim").append(f"{line.kind:8}", style).append(f"{one_line(line.what)}{times}\n")
    return text


def _firing(overview: Overview) -> RenderableType:
    table = Table(expand=True, box=None, padding=(0, 1))
    for heading in ("cohort", "rate"):
        table.add_column(heading, no_wrap=True)
    for heading in ("now", "× baseline"):
        table.add_column(heading, justify="right", no_wrap=True)
    worst = sorted(overview.firing.values(), key=lambda a: (a.severity != "high", a.p_value, a.anomaly_id))
    for anomaly in worst[:_FIRING_LINES]:
        whose = f" {anomaly.segment_name}={anomaly.segment_value}" if anomaly.segment_name else ""
        style = "bold red" if anomaly.severity == "high" else "dim"
        now = f"{anomaly.rate:.1%} ({anomaly.k}/{anomaly.n})"
        table.add_row(
            literal(f"{anomaly.tenant}{whose}"),
            anomaly.metric.replace("_", " "),
            now,
            f"{anomaly.ratio:.1f}",
            style=style,
        )
    return table


def _figures_table(first: str) -> Table:
    table = Table(expand=True, box=None, padding=(0, 1))
    table.add_column(first)
    for heading in ("k / n", "rate", "95 %"):
        table.add_column(heading, justify="right")
    return table


def _cells(figure: Figure) -> tuple[str, str, str]:
    if figure.value is None or figure.low is None or figure.high is None:
        return ("–", "–", "no labels yet")
    return (f"{figure.k:,}/{figure.n:,}", f"{figure.value:.2%}", f"{figure.low:.2%}–{figure.high:.2%}")


def _short(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:6.2%} [{figure.low:.1%}–{figure.high:.1%}]"
