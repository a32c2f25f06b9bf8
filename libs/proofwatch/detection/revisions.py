"""What revisions of one anomaly say together, in whatever order they come, and with which counts. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from proofwatch.detection.findings import FindingHistory, Slice, Tables, excess, panel_of, traffic_of, trials
from proofwatch.events.types import Anomaly, Step

_STEPS: Final = 16
_LIMIT: Final = "limit_breach"
_SETTLES: Final = timedelta(days=6, hours=23)
"""A week of the tenant, in which the clocks may change."""
_Kept = tuple[tuple[Slice, int, int], ...]


def finding_of(anomaly: Anomaly) -> FindingHistory:
    """Return the finding by one revision."""
    known_at = anomaly.known_at or anomaly.window_end
    firing = anomaly.state == "firing"
    return FindingHistory(
        anomaly if firing else None,
        anomaly,
        anomaly.since or anomaly.window_start,
        known_at,
        (anomaly.step,) if anomaly.step else (),
        known_at if firing and anomaly.severity == "high" else None,
        anomaly.since_low,
        anomaly.since_high,
        anomaly if firing else None,
    )


def merged(one: FindingHistory, other: FindingHistory) -> FindingHistory:
    """Return both together; it does not matter which came first, nor whether one was seen before."""
    fired = [each.worst for each in (one, other) if each.worst is not None]
    telling = [each for each in (one, other) if each.worst is not None] or [one, other]
    # of several the one that was sure first: what it says of its begin is what it was told with
    begin = min(telling, key=lambda each: (each.sure is None, each.sure or each.found, each.since))
    steps = {(each.known_at, each.metric): each for each in (*one.steps, *other.steps)}
    worst = max(fired, key=_evidence, default=None)
    counted = [each for each in (one, other) if worst and each.worst and _window(each.worst) == _window(worst)]
    return FindingHistory(
        worst,
        max(one.latest, other.latest, key=lambda each: (each.revision, each.state == "resolved")),
        min(each.since for each in telling) if begin.since_low is None else begin.since,
        min(each.found for each in telling),
        _kept(tuple(steps[at] for at in sorted(steps))),
        min((each.sure for each in telling if each.sure), default=None),
        begin.since_low,
        begin.since_high,
        max((each.newest for each in (one, other) if each.worst is not None), key=_far, default=None),
        max((each.counts for each in counted), key=trials, default=()),
        max((each.traffic for each in counted), key=trials, default=()),
        _settled(one, other),
    )


def _settled(one: FindingHistory, other: FindingHistory) -> int:
    """Return by which revision nothing became known for a week of a limit that stands broken; 0: by none."""
    before, last = sorted((one, other), key=lambda each: each.latest.revision)
    was, now = before.latest, last.latest
    same = (was.k, was.n, was.window_end, was.state) == (now.k, now.n, now.window_end, now.state)
    if now.rule == _LIMIT and was.revision < now.revision and same and now.state == "firing":
        apart = (now.known_at or now.window_end) - (was.known_at or was.window_end)
        return now.revision if apart >= _SETTLES else last.settled
    return last.settled


def _kept(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return what people were told of, and the newest of the rest."""
    rest = [each for each in steps if not each.told][-_STEPS:]
    return tuple(each for each in steps if each.told or each in rest)


def remembered(finding: FindingHistory, tables: Tables) -> FindingHistory:
    """Return the finding with the counts of its panel: those that are known now, unless more were known before."""
    panel = panel_of(finding)
    traffic = traffic_of(panel)
    counts = _more(finding.counts, tables.get(panel, {}))
    among = _more(finding.traffic, tables.get(traffic, {})) if traffic else ()
    same = (counts, among) == (finding.counts, finding.traffic)
    return finding if same else finding._replace(counts=counts, traffic=among)


def _more(before: _Kept, known: Mapping[Slice, tuple[int, int]]) -> _Kept:
    now = tuple((where, *known[where]) for where in sorted(known, key=str))
    return before if trials(now) < trials(before) else now


def _window(anomaly: Anomaly) -> tuple[str | None, datetime, datetime]:
    return anomaly.counted, anomaly.window_start, anomaly.window_end


def _evidence(anomaly: Anomaly) -> tuple[bool, bool, float, int]:
    """What a further rise adds is told beside: the window that names the root stays the one that fired.

    So does what a chart counts while it fires: in a longer span other causes may have come.
    """
    high, fired = anomaly.severity == "high", not _is_further(anomaly)
    if anomaly.rule == "cusum" and anomaly.cadence == "real_time":
        return (high, fired, 0.0, -anomaly.revision)
    return (high, fired, excess(anomaly), anomaly.revision)


def _is_further(anomaly: Anomaly) -> bool:
    """Return whether a revision tells of a change after the finding's begin, and not of what there was before that."""
    return anomaly.step is not None and anomaly.step.since >= (anomaly.since or anomaly.window_start)


def _far(anomaly: Anomaly) -> tuple[bool, float, int]:
    return (anomaly.severity == "high", excess(anomaly), anomaly.revision)
