"""What was found, held against what was planted."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from proofwatch.detection.incident import Incident
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.scenarios.effects import SLICES, WHOLE, Plant
from tests.scenarios.gathering import Found
from tests.scenarios.naive import begins, naive
from tests.scenarios.watchers import GRACE_MS, MONITORING
from tests.scenarios.windows import FIVES, MONDAY_MS, Day

_FIVE_MS: Final = 300_000


class Outcome(NamedTuple):
    """One run. Delays are in seconds from the begin of the plant to when something was published; None: never.

    They are of findings of the whole tenant or of the planted slice, in a metric that the plant moves. `false_highs`:
    findings of high severity at another time or in another metric, by rule. `incidents`: of strong evidence, that have
    a finding of high severity about the plant. `right`: whether the first of them names the planted slice;
    `since_error_s`: by how much later than true it says that it began; `since_held`: whether the bounds that
    it states of that hold the truth. None: there is none. `rises`: how often a chart told that what stands rose again.
    `naive_…`: the guarded 2 × rule; `bare_…`: the bare one; false ones are begins of alarms outside of the plant.
    """

    days: float
    high_s: float | None
    low_s: float | None
    false_highs: dict[str, int]
    incidents: int
    right: bool | None
    since_error_s: float | None
    naive_s: float | None
    naive_alarms: int
    naive_false: int
    bare_false: int
    since_held: bool | None = None
    rises: int = 0


def outcome(
    plant: Plant | None,
    found: Sequence[Found],
    incidents: Iterable[Incident],
    before: Sequence[Day],
    days: Sequence[Day],
) -> Outcome:
    """Return the outcome of a run over `days`, after the days `before` that only baselines know."""
    high, low, false = _findings(plant, found)
    told = [each for each in incidents if _concerns(each, _ids(plant, found))] if plant else []
    right, since_error, held = None, None, None
    if plant and told:
        begin_ms = _span(plant)[0]
        right = told[0].root.where in (plant.where, *plant.alike)
        since_error = (ms_of(told[0].since) - begin_ms) / 1000
        if told[0].since_low and told[0].since_high:
            held = ms_of(told[0].since_low) <= begin_ms <= ms_of(told[0].since_high)
    ruled = _naive(plant, before, days)
    return Outcome(len(days), high, low, false, len(told), right, since_error, *ruled, held, _rises(found))


def quiet(found: Sequence[Found], days: float) -> Outcome:
    """Return the outcome of days in which nothing was planted, and no other rule ran beside."""
    return Outcome(days, None, None, _findings(None, found)[2], 0, None, None, None, 0, 0, 0)


def _span(plant: Plant) -> tuple[int, int]:
    return MONDAY_MS + round(plant.from_s * 1000), MONDAY_MS + round(plant.until_s * 1000)


def _findings(plant: Plant | None, found: Sequence[Found]) -> tuple[float | None, float | None, dict[str, int]]:
    """Return the delays of the first finding of high and of any severity about the plant; the false high ones."""
    first: dict[str, float] = {}
    false: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for at_ms, event in found:
        severity = event.severity
        if event.state != "firing" or (event.anomaly_id, severity) in seen:
            continue
        seen.add((event.anomaly_id, severity))
        if plant and _about(plant, event):
            if (event.segment_name, event.segment_value) in (WHOLE, plant.where):
                first.setdefault(severity, max(0.0, (at_ms - _span(plant)[0]) / 1000))
        elif severity == "high":
            name = f"{event.rule}/{event.cadence}" + ("/segment" if event.segment_name else "")
            false[name] = false.get(name, 0) + 1
    return first.get("high"), min(first.values(), default=None), false


def _rises(found: Sequence[Found]) -> int:
    steps = [(event.anomaly_id, event.step) for _, event in found if event.step and event.step.told]
    return len({(of, step.known_at) for of, step in steps if step.direction == "up"})


def _about(plant: Plant, event: Anomaly) -> bool:
    from_ms, until_ms = _span(plant)
    meanwhile = ms_of(event.window_start) < until_ms and ms_of(event.window_end) > from_ms
    return meanwhile and (event.metric in plant.metrics or event.rule in plant.rules)


def _ids(plant: Plant, found: Sequence[Found]) -> set[str]:
    """Return the anomalies of high severity that are about the plant."""
    high = (event for _, event in found if event.state == "firing" and event.severity == "high")
    return {event.anomaly_id for event in high if _about(plant, event)}


def _concerns(incident: Incident, ids: set[str]) -> bool:
    """Return whether an incident of strong evidence has any of these findings."""
    own = {incident.lead.anomaly_id, *incident.children}
    return incident.evidence == "strong" and incident.state != "merged" and bool(own & ids)


class _Ruled(NamedTuple):
    first_s: float | None
    alarms: int
    false: int
    bare_false: int


def _naive(plant: Plant | None, before: Sequence[Day], days: Sequence[Day]) -> _Ruled:
    """Return when the guarded rule first alarms, its alarms about the plant, its false ones, those of the bare rule."""
    start_ms = days[0].start_ms
    from_ms, until_ms = _span(plant) if plant else (start_ms, start_ms)
    low, high = (max(0, -(-(each - start_ms) // _FIVE_MS)) for each in (from_ms, until_ms))
    places = [SLICES.index(each) for each in (WHOLE, plant.where)] if plant else []
    first, alarms, false, bare_false = None, 0, 0, 0
    for fired in naive([*before, *days], MONITORING.expected):
        guarded, bare = (begins(each[:, len(before) * FIVES :]) for each in (fired.guarded, fired.bare))
        if plant is None or fired.metric not in plant.metrics:
            false, bare_false = false + int(guarded.sum()), bare_false + int(bare.sum())
            continue
        during = guarded[:, low:high]
        alarms += int(during.sum())
        false += int(guarded.sum()) - int(during.sum())
        bare_false += int(bare.sum()) - int(bare[:, low:high].sum())
        about = during[places].any(axis=0)
        if about.any():
            at_ms = start_ms + (low + int(about.argmax()) + 1) * _FIVE_MS + GRACE_MS
            seconds = (at_ms - from_ms) / 1000
            first = seconds if first is None else min(first, seconds)
    return _Ruled(first, alarms, false, bare_false)
