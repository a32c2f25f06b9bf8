"""The run over time, read from the windows and anomalies that it wrote."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from proofwatch.local_time import local

WINDOW_S: Final = 300
_MOST_POINTS: Final = 300
_STEPS_S: Final = tuple(60 * m for m in (5, 10, 15, 30, 60, 120, 180, 360, 720)) + tuple(
    86_400 * d for d in (1, 2, 7, 14, 28)
)


class Bucket(NamedTuple):
    """Transactions of one stretch of time, all tenants together. `judged` have a liveness score."""

    start: datetime
    transactions: int
    rejected: int
    judged: int
    liveness_failed: int


class Alarm(NamedTuple):
    """One anomaly of high severity: where its rate was furthest above its baseline, and while it was firing.

    `end` is None when it was still firing at the end of the run.
    """

    tenant: str
    segment: str | None  # "name = value"; None is the whole tenant
    metric: str
    cadence: str
    start: datetime
    end: datetime | None
    k: int
    n: int
    rate: float
    baseline_rate: float
    ratio: float
    time_zone: str | None = None


class Marker(NamedTuple):
    """A change that was told: from then on a version, or a policy, is another one."""

    at: datetime
    tenant: str
    what: str


class Timeline(NamedTuple):
    """Buckets of `step_s` seconds in order of time, those without traffic left out."""

    buckets: list[Bucket]
    step_s: int


class _Window(msgspec.Struct):
    kind: str
    tenant: str
    segment_name: str | None
    length_s: int
    revision: int
    start: datetime
    counts: msgspec.Raw


class _Version(msgspec.Struct):
    name: str
    version: str
    since_ms: int
    previous: str | None = None


class _Told(msgspec.Struct):
    tenant: str
    marker: _Version


_told = msgspec.json.Decoder(_Told).decode
_window = msgspec.json.Decoder(_Window).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_anomaly = msgspec.json.Decoder(Anomaly).decode


def read_timeline(path: Path, time_zone: str | None = None) -> Timeline:
    """Return the traffic over time from `windows.jsonl`: whole tenants, five minutes, the last revision of each.

    Stretches are of the clock of `time_zone`, as it stands when the traffic begins (None: UTC).
    """
    latest: dict[tuple[str, datetime], tuple[int, Mapping[str, int]]] = {}
    with path.open("rb") as lines:
        for line in lines:
            window = _window(line)
            if window.segment_name is not None or window.length_s != WINDOW_S or window.kind != "decisions":
                continue
            key = (window.tenant, window.start)
            if key not in latest or latest[key][0] < window.revision:
                latest[key] = (window.revision, _counts(window.counts))
    return _bucketed([(start, counts) for (_, start), (_, counts) in latest.items()], time_zone)


def read_alarms(path: Path) -> list[Alarm]:
    """Return the anomalies of `anomalies.jsonl` that were firing with high severity, in order of their start."""
    alarms: dict[str, Alarm] = {}
    with path.open("rb") as lines:
        for line in lines:
            event = _anomaly(line)
            known = alarms.get(event.anomaly_id)
            if event.state == "resolved":
                if known:
                    alarms[event.anomaly_id] = known._replace(end=max(known.start, event.window_start))
            elif event.severity == "high":
                alarms[event.anomaly_id] = _alarm(event, known)
    return sorted(alarms.values(), key=lambda alarm: (alarm.start, alarm.segment or "", alarm.metric))


def read_markers(path: Path) -> list[Marker]:
    """Return the changes that `markers.jsonl` tells of, in order of their time; without the file there are none."""
    if not path.exists():
        return []
    with path.open("rb") as lines:
        told = [_told(line) for line in lines]
    return sorted(
        Marker(instant_of(each.since_ms), tenant, f"{each.name} {each.previous or 'none'} → {each.version}")
        for tenant, each in ((one.tenant, one.marker) for one in told)
    )


def read_cases(path: Path) -> Counter[tuple[str, str, str, str]]:
    """Return how many cases of `cases.jsonl` there are by (why, queue, severity, state); the first reason counts."""
    cases: Counter[tuple[str, str, str, str]] = Counter()
    with path.open("rb") as lines:
        for line in lines:
            case: dict[str, Any] = json.loads(line)
            why = case["reasons"][0]["code"] if case["reasons"] else case["kind"]
            cases[why, case["queue"], case["severity"], case["state"]] += 1
    return cases


def _bucketed(windows: Sequence[tuple[datetime, Mapping[str, int]]], time_zone: str | None) -> Timeline:
    sums: dict[int, Counter[str]] = {}
    for start, counts in windows:
        sums.setdefault(round(start.timestamp()), Counter()).update(counts)
    if not sums:
        return Timeline([], WINDOW_S)
    span = max(sums) + WINDOW_S - min(sums)
    step = next((s for s in _STEPS_S if span <= s * _MOST_POINTS), span // _MOST_POINTS + 1)
    ahead = local(min(start for start, _ in windows), time_zone).utcoffset()
    ahead_s = round(ahead.total_seconds()) if ahead else 0
    merged: dict[int, Counter[str]] = {}
    for second, counts in sums.items():
        merged.setdefault(second - (second + ahead_s) % step, Counter()).update(counts)
    return Timeline([_bucket(second, merged[second]) for second in sorted(merged)], step)


def _bucket(second: int, counts: Counter[str]) -> Bucket:
    return Bucket(
        datetime.fromtimestamp(second, UTC),
        counts["transactions"],
        counts["decision.retry"] + counts["decision.refer"],
        counts["liveness.pass"] + counts["liveness.fail"],
        counts["liveness.fail"],
    )


def _alarm(event: Anomaly, known: Alarm | None) -> Alarm:
    if known and known.ratio >= event.ratio:
        return known._replace(end=None)
    return Alarm(
        tenant=event.tenant,
        segment=None if event.segment_name is None else f"{event.segment_name} = {event.segment_value}",
        metric=event.metric,
        cadence=event.cadence,
        start=known.start if known else event.window_start,
        end=None,
        k=event.k,
        n=event.n,
        rate=event.rate,
        baseline_rate=event.baseline_rate,
        ratio=event.ratio,
        time_zone=event.time_zone,
    )
