"""The plot of a run over time: volume, rates, and what was alarming meanwhile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure as Canvas

from proofwatch.detection.incident import Incident
from proofwatch.local_time import clock, local, minute, zone_words
from proofwatch.report.svg import ACCEPT, MARK, REJECT, SHADE, VOLUME, render, short
from services.standalone.report.timeline import Alarm, Marker, Timeline

MOST_LANES: Final = 12
"""So many incidents are drawn, in the order in which they are told."""
_MOST_MARKERS: Final = 12
_ENOUGH: Final = 20
_LEAST: Final = timedelta(minutes=1)


def timeline(
    found: Timeline,
    alarms: Sequence[Alarm],
    incidents: Sequence[Incident] = (),
    markers: Sequence[Marker] = (),
    time_zone: str | None = None,
) -> Markup:
    """Return volume, rejection and liveness-fail rate over time, the incidents (the first of them) and changes.

    `time_zone`: by whose clock; None: UTC.
    """
    starts = [bucket.start for bucket in found.buckets]
    step = timedelta(seconds=found.step_s)
    end = starts[-1] + step
    lanes = list(incidents)[:MOST_LANES]

    def draw(canvas: Canvas) -> None:
        heights = [1.0, 1.6] + ([0.22 * len(lanes) + 0.1] if lanes else [])
        rows: Any = canvas.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
        volume, rates = rows[0][0], rows[1][0]
        volume.bar(starts, [b.transactions for b in found.buckets], width=step, align="edge", color=VOLUME,
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
                rates.axvspan(alarm.start, alarm.end or end, color=SHADE, alpha=0.45, linewidth=0)
        rates.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2)
        if lanes:
            _gantt(rows[2][0], lanes, end)
        _changes([row[0] for row in rows], markers)
        tz = local(starts[0], time_zone).tzinfo
        locator = AutoDateLocator(tz, minticks=4, maxticks=10)  # type: ignore[no-untyped-call] # its stubs are partial
        formatter = ConciseDateFormatter(locator, tz, show_offset=False)  # type: ignore[no-untyped-call] # the same
        rows[-1][0].xaxis.set_major_locator(locator)
        rows[-1][0].xaxis.set_major_formatter(formatter)
        rows[-1][0].set_xlim(starts[0], end)
        rows[-1][0].set_xlabel(f"time, {zone_words(starts[0], time_zone)}, from {clock(starts[0], time_zone)}")

    described = (
        f"Volume and rates over time from {clock(starts[0], time_zone)} to {minute(end, time_zone)}, "
        f"{len(incidents)} incidents, {len(markers)} changes of version"
    )
    return render("timeline", described, (10.5, 4.2 + 0.26 * len(lanes)), draw)


def duration(seconds: int) -> str:
    """Return a length of time in its largest whole unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _line(
    axes: Axes, counts: Sequence[tuple[datetime, int, int]], step: timedelta, colour: str, line: str, label: str
) -> None:
    """Draw k / n over time: the line is broken where there was no traffic, or so little that one failure is a peak."""
    least = fewest([n for _, _, n in counts])
    times: list[Any] = []
    values: list[float] = []
    for moment, k, n in counts:
        if times and moment - times[-1] > step:
            times.append(times[-1] + step)
            values.append(float("nan"))
        times.append(moment)
        values.append(k / n if n >= least else float("nan"))
    mark = "o" if len(counts) < 40 else ""
    axes.plot(times, values, line, color=colour, linewidth=1.3, marker=mark, markersize=3, label=label)


def fewest(trials: Sequence[int]) -> int:
    """Return of how many trials a rate is drawn at least: 20, or where most stretches have fewer a tenth of the most.

    Of two one failure is half: at night such points hide what the days show.
    """
    most = max(trials, default=0)
    return max(1, min(_ENOUGH, most // 10 if median(trials or [0]) < _ENOUGH else _ENOUGH))


def _changes(axes: Sequence[Axes], markers: Sequence[Marker]) -> None:
    """Draw a line through all panels for each change, with its name at the top; of many the first have one."""
    for number, marker in enumerate(markers):
        at: Any = marker.at  # a datetime, not known to its stubs
        for each in axes:
            each.axvline(at, color=MARK, linestyle=(0, (4, 2)), linewidth=1)
        if number < _MOST_MARKERS:
            axes[0].annotate(
                short(marker.what), (at, 1), xycoords=("data", "axes fraction"),
                xytext=(3, -9 - 10 * (number % 4)), textcoords="offset points", fontsize=7.5, color=MARK,
            )  # fmt: skip


def _gantt(axes: Axes, lanes: Sequence[Incident], end: datetime) -> None:
    for place, lane in enumerate(lanes):
        bars: Any = [(lane.since, max((lane.until or end) - lane.since, _LEAST))]  # datetimes, not known to its stubs
        axes.broken_barh(bars, (-place - 0.3, 0.6), color=REJECT, linewidth=1.2)
    labels = [f"{number}. {short(_where(lane))}" for number, lane in enumerate(lanes, 1)]
    axes.set_yticks([-place for place in range(len(lanes))], labels)
    axes.set_ylim(0.6 - len(lanes), 0.6)
    axes.set_title("incidents, from since when to their end")


def _where(incident: Incident) -> str:
    name, value = incident.root.where
    return f"{incident.tenant}: {value}" if name else incident.tenant
