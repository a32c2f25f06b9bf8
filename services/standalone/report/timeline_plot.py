"""The plot of a run over time: volume, rates, and what was alarming meanwhile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure as Canvas

from proofwatch.report.svg import ACCEPT, REJECT, render, short
from services.standalone.report.timeline import Alarm, Timeline

_MOST_LANES: Final = 10
_SHADE: Final = "#fecaca"
_VOLUME: Final = "#94a3b8"

Lane = tuple[str | None, str, str]
"""(segment, metric, cadence) of the alarms that share a line."""


def timeline(found: Timeline, alarms: Sequence[Alarm]) -> Markup:
    """Return volume, rejection and liveness-fail rate over time, and the times at which anomalies were firing."""
    starts = [bucket.start for bucket in found.buckets]
    step = timedelta(seconds=found.step_s)
    end = starts[-1] + step
    lanes = _lanes(alarms)

    def draw(canvas: Canvas) -> None:
        heights = [1.0, 1.6] + ([0.22 * len(lanes) + 0.1] if lanes else [])
        rows: Any = canvas.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
        volume, rates = rows[0][0], rows[1][0]
        volume.bar(starts, [b.transactions for b in found.buckets], width=step, align="edge", color=_VOLUME,
                   linewidth=0, antialiased=False)  # fmt: skip
        volume.set_title(f"transactions per {duration(found.step_s)}")
        rates.set_title("rates")
        middle = step / 2
        _line(
            rates,
            [(b.start + middle, b.rejected, b.transactions) for b in found.buckets],
            step,
            ACCEPT,
            "-",
            "rejection rate",
        )
        _line(
            rates,
            [(b.start + middle, b.liveness_failed, b.judged) for b in found.buckets],
            step,
            REJECT,
            "--",
            "liveness-fail rate",
        )
        rates.set_ylim(bottom=0)
        rates.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
        for alarm in alarms:
            if alarm.segment is None and alarm.cadence == "real_time":
                rates.axvspan(alarm.start, alarm.end or end, color=_SHADE, alpha=0.45, linewidth=0)
        rates.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2)
        if lanes:
            _gantt(rows[2][0], alarms, lanes, end)
        locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call] # its stubs are partial
        formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call] # the same
        rows[-1][0].xaxis.set_major_locator(locator)
        rows[-1][0].xaxis.set_major_formatter(formatter)
        rows[-1][0].set_xlim(starts[0], end)
        rows[-1][0].set_xlabel(f"time, UTC, from {starts[0]:%Y-%m-%d %H:%M}")

    described = (
        f"Volume and rates over time from {starts[0]:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, "
        f"{len(alarms)} anomalies of high severity"
    )
    return render("timeline", described, (10.5, 4.2 + 0.26 * len(lanes)), draw)


def duration(seconds: int) -> str:
    """Return a length of time in its largest whole unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _lanes(alarms: Sequence[Alarm]) -> list[Lane]:
    """Return the lines to draw, the most telling first.

    What was seen in real time comes before daily findings, whole tenants before segments, then the largest ratio.
    """
    worst: dict[Lane, float] = {}
    for alarm in alarms:
        lane = (alarm.segment, alarm.metric, alarm.cadence)
        worst[lane] = max(worst.get(lane, 0.0), alarm.ratio)
    return sorted(worst, key=lambda lane: (lane[2] == "daily", lane[0] is not None, -worst[lane], str(lane)))[
        :_MOST_LANES
    ]


def _line(
    axes: Axes, counts: Sequence[tuple[datetime, int, int]], step: timedelta, colour: str, line: str, label: str
) -> None:
    """Draw k / n over time; the line is broken where there was no traffic."""
    times: list[Any] = []
    values: list[float] = []
    for moment, k, n in counts:
        if times and moment - times[-1] > step:
            times.append(times[-1] + step)
            values.append(float("nan"))
        times.append(moment)
        values.append(k / n if n else float("nan"))
    mark = "o" if len(counts) < 40 else ""
    axes.plot(times, values, line, color=colour, linewidth=1.3, marker=mark, markersize=3, label=label)


def _gantt(axes: Axes, alarms: Sequence[Alarm], lanes: Sequence[Lane], end: datetime) -> None:
    for place, lane in enumerate(lanes):
        spans = [a for a in alarms if (a.segment, a.metric, a.cadence) == lane]
        bars: Any = [(a.start, (a.end or end) - a.start) for a in spans]  # datetimes, which its stubs do not know
        axes.broken_barh(bars, (-place - 0.3, 0.6), color=REJECT, linewidth=1.2)
    labels = [
        short(f"{segment or 'everyone'}") + f": {metric}{' (daily)' * (cadence == 'daily')}"
        for segment, metric, cadence in lanes
    ]
    axes.set_yticks([-place for place in range(len(lanes))], labels)
    axes.set_ylim(0.6 - len(lanes), 0.6)
    axes.set_title("anomalies of high severity while they were firing")
