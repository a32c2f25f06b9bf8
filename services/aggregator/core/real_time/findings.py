"""What is published of a tenant's changes: an event for each series that is told, ended or taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.anomaly_state import Severity
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.real_time.course import Course
from services.aggregator.core.real_time.detector import NO_TRIALS, Detector, Reading
from services.aggregator.core.real_time.life import Change, Changes, Marks
from services.aggregator.core.real_time.tenant import TenantState, Told
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import MINUTE_MS, MINUTE_S


class Published(NamedTuple):
    """An event, and the moment (ms since 1970) whose passing made it known."""

    at_ms: int
    event: Anomaly


def publish(
    tenant: str, state: TenantState, changes: Changes, standing: Marks, detectors: Sequence[Detector]
) -> tuple[TenantState, list[Published]]:
    """Return the state with what is published of it, and the events of what changed.

    `standing`: the marks as they are now; what was told and does not stand any more was taken back by late data. Of
    what ended by evidence the last but one revision says how far it came.
    """
    told, published = dict(state.told), list[Published]()
    for detector in detectors:
        known, change = told.get(detector.name), changes.get(detector.name)
        firing = known is not None and known.firing
        if change is None:
            if not firing or _stands(standing, detector.name):
                continue
            start_ms = state.minutes[-1].start_ms if state.minutes else state.after.end_ms - MINUTE_MS
            change = Change(None, NO_TRIALS, start_ms, start_ms + MINUTE_MS)
        if (change.told_ms is not None) == firing and not (known and firing and _grew(change, known)):
            continue
        if known and change.told_ms is None and change.course and change.course.over_n > change.course.alarm.n:
            known = told[detector.name] = replace(known, revision=known.revision + 1)
            published.append(Published(change.end_ms, _final(tenant, detector, change, change.course, known)))
        told[detector.name] = moved = _moved(tenant, detector, change, known)
        published.append(Published(change.end_ms, _event(tenant, detector, change, moved)))
    if published:
        state = TenantState(state.reference, state.minutes, state.before, state.after, told)
    return state, published


def _stands(standing: Mapping[str, Any], name: str) -> bool:
    mark = standing.get(name)
    return mark is not None and mark.told_ms is not None


def _grew(change: Change, known: Told) -> bool:
    """Return whether what fires has come further than was told; late data may count it again, which tells nothing."""
    doubled = change.course is not None and change.course.doublings > known.doublings
    return doubled and change.told_ms == known.told_ms


def _moved(tenant: str, detector: Detector, change: Change, known: Told | None) -> Told:
    if change.told_ms is None:
        assert known is not None, "only what is told ends"
        return replace(known, revision=known.revision + 1, firing=False)
    doublings = change.course.doublings if change.course else 0
    since_ms, habit = change.reading.since_ms or change.start_ms, change.reading.habit
    if known and known.told_ms == change.told_ms:
        if known.firing:
            return replace(known, revision=known.revision + 1, doublings=doublings)
        # taken back by late data, and back again
        return Told(known.anomaly_id, known.revision + 1, known.told_ms, True, since_ms, habit, doublings)
    parts = (detector.rule, detector.metric, tenant, detector.direction, change.told_ms)
    return Told(derived_id("anomaly", *parts), 1, change.told_ms, True, since_ms, habit, doublings)


_CERTAIN: Final = 1.0


def _severity(told: Told) -> Severity:
    """Return how severe it is: what may be a habit of a tenant that is not known for long proves nothing."""
    return "low_evidence" if told.habit else "high"


def _final(tenant: str, detector: Detector, change: Change, course: Course, told: Told) -> Anomaly:
    """Return the revision that says how far a finding came before it was over, at `change.start_ms`."""
    since_ms, k, n = told.since_ms, course.over_k, course.over_n
    reading = course.alarm._replace(since_ms=since_ms, k=k, n=n, affected=course.over_affected)
    until_ms = max(change.start_ms, told.since_ms + MINUTE_MS)
    event = _event(tenant, detector, Change(told.told_ms, reading, told.since_ms, until_ms), told)
    return replace(event, known_at=instant_of(change.end_ms))


def _counted(change: Change, told: Told) -> Reading:
    """Return what is said of a change: of what was told already all of it, of its end what came since."""
    course, reading = change.course, change.reading
    if course is None:
        return reading
    if change.told_ms is None:
        k, n = course.k - course.over_k, course.n - course.over_n
        return course.alarm._replace(k=k, n=n, p_value=1.0, affected=course.over_affected)
    if told.revision == 1 or reading.since_ms == course.alarm.since_ms:
        return reading
    return course.alarm._replace(since_ms=told.since_ms, k=course.k, n=course.n, affected=course.affected)


def _bounds(reading: Reading, told: Told) -> tuple[datetime | None, datetime | None]:
    """Return the bounds of what is told of the begin, as far as a detector states them."""
    low_ms, high_ms = reading.low_ms, reading.high_ms
    if low_ms is None or high_ms is None:
        return None, None
    return instant_of(min(low_ms, told.since_ms)), instant_of(max(high_ms, told.since_ms))


def _event(tenant: str, detector: Detector, change: Change, told: Told) -> Anomaly:
    reading, severity = _counted(change, told), _severity(told)
    rate = reading.k / reading.n if reading.n else 0.0
    if reading.k > reading.n:  # transactions a minute are no share
        low, high = rate, rate
    else:
        low, high = wilson(reading.k, reading.n) if reading.n else (0.0, _CERTAIN)
    base, ratio = reading.baseline_rate, rate / reading.baseline_rate if reading.baseline_rate else 0.0
    bounds = _bounds(reading, told) if told.firing else (None, None)
    start_ms = change.start_ms if change.told_ms is None else min(reading.since_ms or change.start_ms, change.start_ms)
    evidence = Evidence(rate, low, high, reading.baseline_k, reading.baseline_n, base, 0, ratio, reading.p_value)
    return build_anomaly(
        SeriesKey(tenant, None, None, detector.metric, MINUTE_S, detector.rule),
        Stated(told.anomaly_id, told.revision, "firing" if told.firing else "resolved", severity),
        Counted(start_ms, change.end_ms, reading.k, reading.n, evidence),
        cadence="real_time",
        action="incident_review",
        resolution=change.resolution,
        direction=detector.direction,
        since=instant_of(told.since_ms),
        since_low=bounds[0],
        since_high=bounds[1],
        statistic=reading.statistic or None,
        threshold=reading.threshold or None,
        affected=reading.affected or None,
        at_score=reading.at_score,
        refused_rate=reading.refused,
    )
