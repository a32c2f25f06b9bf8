"""How a finding of a series begins, is told and ends: one mark for each series, `core.life` for what follows.

It ends by evidence (`real_time.course`), `quiet_minutes` minutes at least after it was over, or for want of it: after
three hours of the tenant's traffic without any of the series', or three days without any traffic at all. Absent traffic
itself ends by traffic only. What is told meanwhile of how many are affected is told with each doubling.

With what was told of a cause everything ends that was held back because of it, and begins anew: what follows would be
told of the same minutes once more.
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
from services.aggregator.core.real_time.course import Course, begun, gone_on
from services.aggregator.core.real_time.detector import NO_TRIALS, Chart, Detector, Reading
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import MINUTE_MS

NO_TRIALS_MINUTES: Final = 180


class Mark(Struct, array_like=True, frozen=True):
    """Where a series stands. `fired_ms`: the minute in which it began to fire; None: it does not.

    `told_ms`: the minute since which it is told; None: it is quiet, or held back. `doublings`: the power of two of
    those affected that was told; `empty`: minutes without trials; `course`: how it went on since it fired.
    """

    chart: Chart = Chart()
    fired_ms: int | None = None
    told_ms: int | None = None
    doublings: int = 0
    empty: int = 0
    course: Course | None = None


class Change(NamedTuple):
    """A series that is told, told anew or no more, with the minute that did it: [start_ms, end_ms) in ms since 1970.

    What ended by evidence did so at `start_ms`. `course`: how far it has come, or came.
    """

    told_ms: int | None
    reading: Reading
    start_ms: int
    end_ms: int
    resolution: AnomalyResolution | None = None
    course: Course | None = None


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
        name = detector.name
        mark = before.get(name, _NEW)
        moved, reading, change = _moved(mark, detector, minute, view, rule)
        if change is not None:
            changes[name] = change
        if moved != _NEW:
            after[name] = moved
        if reading.observation == "beyond" and moved.fired_ms is not None and name not in ended:
            read.append((detector, reading))
    if changes:
        over = [each for each in detectors if _ends(changes.get(each.name)) and each.name not in ended]
        _begin_anew(after, over, detectors)
    for detector, reading in read:
        if detector.name in after:
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
                    course = mark.course and mark.course.broken_off()
                    changes[detector.name] = Change(None, NO_TRIALS, from_ms, gone_ms, "no_traffic", course)
            continue
        found = detector.absent(mark.chart, from_ms, view, rule) if mark.fired_ms is None else None
        if found and found.at_ms <= until_ms:
            start_ms = found.at_ms - MINUTE_MS
            after[detector.name] = replace(mark, fired_ms=start_ms, course=begun(found.reading, found.at_ms))
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


def _ends(change: Change | None) -> bool:
    return change is not None and change.told_ms is None


def _begin_anew(after: Marks, over: Sequence[Detector], detectors: Sequence[Detector]) -> None:
    """Forget what was held back by what is `over`, and what charts have of the minutes that it told of."""
    causes = frozenset().union(*(each.causes for each in over))
    for detector in detectors if over else ():
        mark = after.get(detector.name)
        if mark is None or mark.told_ms is not None or not causes & (detector.causes | detector.yields_to):
            continue
        after[detector.name] = Mark(detector.anew(mark.chart))
        if after[detector.name] == _NEW:
            del after[detector.name]


def _moved(
    mark: Mark, detector: Detector, minute: Minute, view: View, rule: RealTimeRule
) -> tuple[Mark, Reading, Change | None]:
    """Return the mark after the minute, what its detector reads in it, and what is told by that; None: nothing."""
    chart, reading = detector.step(mark.chart, minute, view, rule)
    effect = MINUTE_TRANSITIONS["quiet" if mark.fired_ms is None else "firing", reading.observation]
    start_ms, end_ms = minute.start_ms, minute.start_ms + MINUTE_MS
    if effect == "none":
        return (mark if chart is mark.chart else replace(mark, chart=chart)), reading, None
    if effect == "fire":
        return Mark(chart, start_ms, course=begun(reading, end_ms)), reading, None
    course = mark.course or begun(reading, start_ms)  # kept by a release that did not weigh
    told = mark.told_ms is not None
    if effect == "count_empty":
        if mark.empty + 1 < NO_TRIALS_MINUTES:
            return replace(mark, empty=mark.empty + 1), reading, None
        change = Change(None, reading, start_ms, end_ms, "no_traffic", course.broken_off())
        return Mark(chart), reading, change if told else None
    course = gone_on(course, start_ms, detector.weigh(mark.chart, minute, view, rule, course.so_far))
    if course.is_over(end_ms, rule):
        change = Change(None, reading, course.over_ms, end_ms, None, course)
        return Mark(detector.anew(chart)), reading, change if told else None
    grown = told and not course.weight and course.doublings > mark.doublings
    doublings = course.doublings if grown else mark.doublings
    moved = replace(mark, chart=chart, doublings=doublings, empty=0, course=course)
    return moved, reading, Change(mark.told_ms, reading, start_ms, end_ms, None, course) if grown else None


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
    course = mark.course or begun(reading, start_ms + MINUTE_MS)
    after[detector.name] = replace(mark, told_ms=start_ms, doublings=course.doublings)
    changes[detector.name] = Change(start_ms, reading, start_ms, start_ms + MINUTE_MS, course=course)
