"""How a finding of a series begins, is told and ends: one mark for each series, `core.life` for what follows.

It ends by evidence, after `quiet_minutes` minutes that were within, or for want of it: after three hours of the
tenant's traffic without any of the series', or three days without any traffic at all. Absent traffic itself ends by
traffic only.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.events.enumerations import AnomalyResolution
from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.life import MINUTE_TRANSITIONS
from services.aggregator.core.quiet import SILENCE_MS
from services.aggregator.core.real_time.begun import part_of
from services.aggregator.core.real_time.detector import NO_TRIALS, Chart, Detector, Reading
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import MINUTE_MS

NO_TRIALS_MINUTES: Final = 180


class Mark(Struct, array_like=True, frozen=True):
    """Where a series stands. `fired_ms`: the minute in which it began to fire; None: it does not.

    `told_ms`: the minute since which it is told; None: it is quiet, or held back.
    """

    chart: Chart = Chart()
    fired_ms: int | None = None
    told_ms: int | None = None
    within: int = 0
    empty: int = 0


class Change(NamedTuple):
    """A series that is told, or is no more, with the minute that did it: [start_ms, end_ms) in ms since 1970."""

    told_ms: int | None
    reading: Reading
    start_ms: int
    end_ms: int
    resolution: AnomalyResolution | None = None


Marks = dict[str, Mark]
"""By `Detector.name`; a series without one has never had a trial."""
Changes = dict[str, Change]


def next_marks(
    marks: Mapping[str, Mark],
    minute: Minute,
    view: View,
    rule: RealTimeRule,
    detectors: Sequence[Detector],
    last_end_ms: int,
    anew: Collection[str] = (),
) -> tuple[Marks, Changes]:
    """Return the marks after a minute and what is told by it, absence before it (from `last_end_ms` on) included.

    `anew`: metrics that begin anew with it, by a governed marker: their series stand at nothing.
    """
    before, changes = dict(marks), Changes()
    if last_end_ms and last_end_ms < minute.start_ms:
        before, changes = absent_marks(marks, last_end_ms, minute.start_ms, view, rule, detectors)
    ended = _judged_anew(before, minute.start_ms, anew, detectors)
    changes |= ended
    after: Marks = {}
    read: list[tuple[Detector, Reading]] = []
    for detector in detectors:
        mark = before.get(detector.name, _NEW)
        chart, reading = detector.step(mark.chart, minute, view, rule)
        moved, resolution = _moved(mark, chart, reading, minute.start_ms, rule)
        if mark.told_ms is not None and moved.told_ms is None:
            end_ms = minute.start_ms + MINUTE_MS
            changes[detector.name] = Change(None, reading, minute.start_ms, end_ms, resolution)
        if moved != _NEW:
            after[detector.name] = moved
        if reading.observation == "beyond" and detector.name not in ended:
            read.append((detector, reading))
    for detector, reading in read:
        _tell(after, detector, reading, minute.start_ms, changes, detectors)
    return after, changes


def absent_marks(
    marks: Mapping[str, Mark],
    from_ms: int,
    until_ms: int,
    view: View,
    rule: RealTimeRule,
    detectors: Sequence[Detector],
) -> tuple[Marks, Changes]:
    """Return the marks and what is told where no minute came from `from_ms` until `until_ms`."""
    after, changes = dict(marks), Changes()
    for detector in detectors:
        mark = after.get(detector.name, _NEW)
        if detector.absent is None:
            if mark.fired_ms is not None and until_ms >= from_ms + SILENCE_MS:
                after[detector.name] = Mark(mark.chart)
                if mark.told_ms is not None:
                    gone_ms = from_ms + SILENCE_MS
                    changes[detector.name] = Change(None, Reading("no_trials"), from_ms, gone_ms, "no_traffic")
            continue
        found = detector.absent(mark.chart, from_ms, view, rule) if mark.fired_ms is None else None
        if found and found.at_ms <= until_ms:
            start_ms = found.at_ms - MINUTE_MS
            after[detector.name] = replace(mark, fired_ms=start_ms)
            _tell(after, detector, found.reading, start_ms, changes, detectors)
    return after, changes


_NEW: Final = Mark()


def _judged_anew(before: Marks, start_ms: int, anew: Collection[str], detectors: Sequence[Detector]) -> Changes:
    """Return the ends of what is told of metrics that begin anew; of all their series `before` forgets the marks."""
    ended = Changes()
    for detector in detectors if anew else ():
        mark = before.pop(detector.name, _NEW) if part_of(detector.metric) in anew else _NEW
        if mark.told_ms is not None:
            ended[detector.name] = Change(None, NO_TRIALS, start_ms, start_ms + MINUTE_MS, "judged_anew")
    return ended


def _moved(
    mark: Mark, chart: Chart, reading: Reading, start_ms: int, rule: RealTimeRule
) -> tuple[Mark, AnomalyResolution | None]:
    effect = MINUTE_TRANSITIONS["quiet" if mark.fired_ms is None else "firing", reading.observation]
    if effect == "none":
        return (mark if chart is mark.chart else replace(mark, chart=chart)), None
    if effect == "fire":
        return Mark(chart, start_ms), None
    if effect == "hold":
        return replace(mark, chart=chart, within=0, empty=0), None
    if effect == "count_within":
        over = mark.within + 1 >= rule.quiet_minutes
        return (Mark(chart) if over else replace(mark, chart=chart, within=mark.within + 1, empty=0)), None
    over = mark.empty + 1 >= NO_TRIALS_MINUTES
    return (Mark(chart) if over else replace(mark, empty=mark.empty + 1)), "no_traffic" if over else None


def _tell(
    after: Marks, detector: Detector, reading: Reading, start_ms: int, changes: Changes, detectors: Sequence[Detector]
) -> None:
    mark = after[detector.name]
    if mark.told_ms is not None:
        return
    for other in detectors:
        told = after.get(other.name, _NEW).told_ms is not None
        if told and other.name != detector.name and other.causes & (detector.causes | detector.yields_to):
            return
    after[detector.name] = replace(mark, told_ms=start_ms)
    changes[detector.name] = Change(start_ms, reading, start_ms, start_ms + MINUTE_MS)
