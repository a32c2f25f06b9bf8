"""What the screen says is wrong: anomalies that fire, and what people hear about."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from proofwatch.events.types import Anomaly
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import literal
from services.standalone.core.overview import Line, Overview
from services.standalone.fitting import FirstThatFits, cut, cut_before

_FIRING_LINES: Final = 30
_INDENT: Final = 6
_NAME_WIDTHS: Final = ((1_000, 64), (60, 32), (40, 24), (30, 20), (24, 16), (18, 12), (12, 8), (8, 4))
"""Cells for the names of a cohort and of a rate, the first that fits."""
_BASELINE_FROM: Final = 30


class Feed:
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


def firing(overview: Overview) -> RenderableType:
    """Return the anomalies that fire, the surest first, in a table as wide as there is room for."""
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
