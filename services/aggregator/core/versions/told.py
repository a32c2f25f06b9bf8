"""What is published and stored of a tenant's state: events of findings that changed, rows of markers that did."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.enumerations import AnomalyAction, AnomalyResolution
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.anomaly_state import Severity
from services.aggregator.core.finding import NOTHING, Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import HOUR_MS
from services.aggregator.core.versions.memory import Ending, Marker, key_of
from services.aggregator.core.versions.reading import Reading
from services.aggregator.core.versions.state import FIVE_MS, Found
from services.aggregator.core.versions.tenant import TenantVersions, Told

RULE: Final = "version_change"
_ACTION: Final[AnomalyAction] = "hold_or_roll_back_release"
_FIVE_S: Final = FIVE_MS // 1000


class Published(NamedTuple):
    """What follows from five minutes: the state, events, and markers that are new, changed or taken back."""

    state: TenantVersions
    events: tuple[Anomaly, ...]
    markers: tuple[Marker, ...]
    taken_back: tuple[Marker, ...]


class _Firing(NamedTuple):
    name: str
    version: str
    since_ms: int
    metric: str
    found: Found

    @property
    def key(self) -> str:
        return f"{key_of(self.name, self.version, self.since_ms)}\x1f{self.metric}"


def publish(tenant: str, state: TenantVersions) -> Published:
    """Return what is to be said of a state; said again, it is nothing."""
    firing = {each.key: each for each in _firing(state)}
    told, events = dict(state.told), []
    for key, each in firing.items():
        known = told.get(key)
        if known is None or not known.firing or known.look != each.found.look:
            told[key] = moved = _moved(tenant, each, known)
            events.append(_fires(tenant, each, moved))
    for key, known in state.told.items():
        if known.firing and key not in firing:
            told[key] = moved = replace(known, revision=known.revision + 1, firing=False)
            events.append(_ends(tenant, key, state.after.endings.get(key), moved, state.after.start_ms))
    told = {key: each for key, each in told.items() if each.firing or _recent(key, state)}
    markers = tuple(each for key, each in state.after.markers.items() if state.listed.get(key) != each)
    gone = [each for key, each in state.listed.items() if key not in state.after.markers]
    taken_back = tuple(each for each in gone if state.after.start_ms - each.known_ms <= HOUR_MS)
    if not events and not markers and not gone:
        return Published(state, (), (), ())
    listed = dict(state.after.markers)
    return Published(replace(state, told=told, listed=listed), tuple(events), markers, taken_back)


def changed_metrics(state: TenantVersions) -> frozenset[str]:
    """Return the metrics that a new version is told to have changed."""
    return frozenset(key.rpartition("\x1f")[2] for key, each in state.told.items() if each.firing)


def _firing(state: TenantVersions) -> Iterator[_Firing]:
    for name, comparisons in state.after.open.items():
        for version, comparison in comparisons.items():
            for metric, found in comparison.standing.items():
                yield _Firing(name, version, comparison.since_ms, metric, found)


def _recent(key: str, state: TenantVersions) -> bool:
    """Whether late data may still bring it back, or its version, whose traffic ended."""
    marker = key.rpartition("\x1f")[0]
    name, version, since = marker.split("\x1f")
    comparison = state.after.open.get(name, {}).get(version)
    gone = comparison is not None and comparison.gone is not None and comparison.since_ms == int(since)
    return gone or key in state.after.endings or marker in state.after.markers


def _moved(tenant: str, each: _Firing, known: Told | None) -> Told:
    parts = (RULE, each.metric, tenant, each.name, each.version, each.since_ms)
    revision = known.revision + 1 if known else 1
    return Told(derived_id("anomaly", *parts), revision, each.found.look, True, each.found.reading.explained)


def _fires(tenant: str, each: _Firing, told: Told) -> Anomaly:
    start_ms, end_ms = each.since_ms, each.found.at_ms + FIVE_MS
    return _event(tenant, each.name, each.version, each.metric, told, each.found.reading, start_ms, end_ms)


def _ends(tenant: str, key: str, ending: Ending | None, told: Told, newest_ms: int) -> Anomaly:
    """Return the end by what was read last; without an ending late data took the finding back."""
    name, version, since, metric = key.split("\x1f")
    start_ms = ending.start_ms if ending else newest_ms
    gone = ending is not None and ending.reading is None
    begins_ms = (ending.since_ms or start_ms) if ending and gone else start_ms
    reading = ending.reading if ending else None
    resolution: AnomalyResolution | None = "no_traffic" if gone else None
    return _event(
        tenant, name, version, metric, told, reading, begins_ms, start_ms + FIVE_MS, resolution, since_ms=int(since)
    )


def _event(
    tenant: str,
    name: str,
    version: str,
    metric: str,
    told: Told,
    reading: Reading | None,
    start_ms: int,
    end_ms: int,
    resolution: AnomalyResolution | None = None,
    since_ms: int | None = None,
) -> Anomaly:
    evidence, k, n = NOTHING, 0, 0
    severity: Severity = "low_evidence" if told.low else "high"
    if reading is not None and reading.n:
        k, n = reading.k, reading.n
        low, high = wilson(k, n)
        rate, base = k / n, reading.baseline_rate
        ratio = rate / base if base else 0.0
        evidence = Evidence(
            rate, low, high, reading.baseline_k, reading.baseline_n, base, 0, ratio, min(1.0, reading.p_value)
        )
    return build_anomaly(
        SeriesKey(tenant, name, version, metric, _FIVE_S, RULE),
        Stated(told.anomaly_id, told.revision, "firing" if told.firing else "resolved", severity),
        Counted(start_ms, end_ms, k, n, evidence),
        cadence="real_time",
        action=_ACTION,
        resolution=resolution,
        direction=reading.direction if reading else None,
        since=instant_of(start_ms if since_ms is None else since_ms),
        statistic=reading.effect if reading else None,
        threshold=reading.floor * (reading.people if reading.explained else 1.0) if reading else None,
        affected=reading.affected if reading else None,
        misjudged=(reading.misjudged or None) if reading else None,
    )
