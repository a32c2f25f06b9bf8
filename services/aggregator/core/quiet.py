"""How an anomaly ends that no rate can end, because its traffic did: a release withdrawn, a segment or tenant gone.

An anomaly is quiet while its series has no window that can be judged, though the tenant goes on. It ends

* after so many windows of its length (`core.lengths`) in which the tenant had transactions and the series had none; of
  days those of its own class, working or free;
* with its own day, where its segment came no more for the last `_FIVES` five-minute windows of the tenant and for ten
  times as long as it used to stay away;
* after a silence, when the tenant itself has gone: three days, so that no weekend ends anything; of labels, fourteen.

All of this is counted in event time, so it depends neither on batches nor on clocks.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from proofwatch.events.enumerations import AnomalyResolution
from proofwatch.events.types import Anomaly
from services.aggregator.core.anomaly_state import AnomalyState
from services.aggregator.core.baselines import SlotKey, slot_of
from services.aggregator.core.calendars import DaysOf, end_ms, start_ms
from services.aggregator.core.finding import Evidence, Finding, anomaly_event
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.series import CUSUM, FIRST_RULE, SeriesKey
from services.aggregator.core.times import DAY_MS, DAY_S

SILENCE_MS: Final = 3 * DAY_MS
LABELS_SILENCE_MS: Final = 14 * DAY_MS
_FIVES: Final = 24
_TIMES: Final = 10


class Activity(NamedTuple):
    """When a segment value came, in the five-minute windows of its tenant that had transactions.

    `last_ms`: the end of the last one that had some of it; `since`: how many came after that one; `every`: it was in
    one of so many before.
    """

    last_ms: int
    since: int
    every: float

    @property
    def over(self) -> bool:
        """Return whether it is over, beyond what staying away by chance explains."""
        return self.since >= max(_FIVES, _TIMES * self.every)


def activity(met_in: Mapping[BucketKey, Collection[Segment]]) -> dict[Segment, Activity]:
    """Return the activity of every segment value, by whose windows the five-minute buckets of one tenant have."""
    ordered = sorted((key for key, segments in met_in.items() if WHOLE in segments), key=lambda each: each.start_ms)
    places: dict[Segment, list[int]] = {}
    for place, key in enumerate(ordered):
        for segment in met_in[key]:
            places.setdefault(segment, []).append(place)
    return {
        segment: Activity(ordered[met[-1]].end_ms, len(ordered) - 1 - met[-1], (met[-1] - met[0] + 1) / len(met))
        for segment, met in places.items()
    }


def last_end_ms(key: SeriesKey, state: AnomalyState, days_of: DaysOf) -> int:
    """Return the end of the last window by which the series could be judged, or of a later one of another class."""
    return end_ms(days_of(key.tenant), key.length_s, max(state.last_start_ms, state.heard_start_ms))


def judged_slot(key: SeriesKey, state: AnomalyState, days_of: DaysOf) -> SlotKey:
    """Return the row of baselines that the series was judged by last."""
    slot = slot_of(key.length_s, state.last_start_ms, days_of(key.tenant))
    return SlotKey(key.tenant, key.segment_name, key.segment_value, key.length_s, slot)


def firing_slots(anomalies: Mapping[SeriesKey, AnomalyState], days_of: DaysOf) -> set[SlotKey]:
    """Return the rows of baselines that what fires was judged by last; what charts judge has none."""
    firing = ((key, each) for key, each in anomalies.items() if each.state == "firing" and key.rule != CUSUM)
    return {judged_slot(key, each, days_of) for key, each in firing}


def overdue(
    anomalies: Mapping[SeriesKey, AnomalyState], silence_ms: int, until_ms: int, days_of: DaysOf
) -> list[tuple[int, SeriesKey]]:
    """Return what fires and has been silent so long by `until_ms`: since when it is, and its series, in that order."""
    found = [
        (last_end_ms(key, state, days_of) + silence_ms, key)
        for key, state in anomalies.items()
        if state.state == "firing" and last_end_ms(key, state, days_of) + silence_ms <= until_ms
    ]
    return sorted(found, key=lambda each: (each[0], tuple(part or "" for part in each[1][:4]), each[1][4:]))


def of_class(key: SeriesKey, began_ms: int, days_of: DaysOf) -> bool:
    """Return whether a window that began then is of the class of day by which the series is judged."""
    by_class = key.rule == FIRST_RULE and key.length_s == DAY_S
    return not by_class or key.free == days_of(key.tenant).day(began_ms).free


def heard(state: AnomalyState, start_ms: int) -> AnomalyState:
    """Return the state after a window of another class of day in which the series had trials."""
    later = start_ms > max(state.heard_start_ms, state.last_start_ms)
    return replace(state, heard_start_ms=start_ms) if later else state


def one_more(state: AnomalyState) -> AnomalyState:
    """Return the state after a window of the tenant in which the series had nothing to be judged by."""
    return replace(state, quiet=state.quiet + 1)


def ended(
    key: SeriesKey,
    state: AnomalyState,
    until_ms: int,
    evidence: Evidence,
    days_of: DaysOf,
    since_ms: int | None = None,
    resolution: AnomalyResolution = "no_traffic",
) -> tuple[AnomalyState, Anomaly]:
    """Return the state and the event of an anomaly whose traffic ended, or what it was compared with, at `until_ms`.

    `evidence` says what it was compared with last. The event's window is the time without traffic, from `since_ms` on
    (None: from the end of the last window that was judged), so it has no trials.
    """
    since_ms = last_end_ms(key, state, days_of) if since_ms is None else since_ms
    moved = AnomalyState(
        state.anomaly_id,
        state.revision + 1,
        "resolved",
        state.severity,
        state.first_start_ms,
        max(state.last_start_ms, start_ms(days_of(key.tenant), key.length_s, until_ms - 1)),
    )
    event = anomaly_event(Finding(key, since_ms, max(since_ms, until_ms), 0, 0, evidence, moved, resolution))
    return moved, event
