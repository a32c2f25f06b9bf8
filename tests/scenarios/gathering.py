"""What was found, and the incidents that it makes, by the code of the incident stage."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from proofwatch.detection.findings import FindingHistory, Panel, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import gathered
from proofwatch.detection.revisions import finding_of, merged
from proofwatch.detection.urgency import urgency
from proofwatch.events.types import Anomaly
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.times import SECOND_MS
from tests.scenarios.effects import SLICES, Slice
from tests.scenarios.windows import FIVES, Day

_FIVE_MS: Final = FIVE_MINUTES_S * SECOND_MS


class Found(NamedTuple):
    """An event, and when it was published, in milliseconds since 1970."""

    at_ms: int
    event: Anomaly


def incidents(found: Sequence[Found], days: Sequence[Day]) -> list[Incident]:
    """Return the incidents of what a tenant's watch found, the worst first; the days give the counts of slices."""
    known: dict[str, FindingHistory] = {}
    for each in found:
        event = finding_of(each.event)
        before = known.get(each.event.anomaly_id)
        known[each.event.anomaly_id] = event if before is None else merged(before, event)
    by_start = {day.start_ms: day for day in days}
    panels = {panel_of(each) for each in known.values() if each.worst}
    tables = {panel: counts for panel in panels if (counts := _table(panel, by_start))}
    return sorted(gathered(known, tables), key=urgency)


def _table(panel: Panel, days: Mapping[int, Day]) -> dict[Slice, tuple[int, int]]:
    """Return k and n of every slice in the panel's span, of the windows that lie in it whole."""
    end_ms = panel.start_ms + panel.length_s * SECOND_MS
    if any(panel.metric not in day.n for day in days.values()) or panel.length_s < FIVE_MINUTES_S:
        return {}
    rows = max((len(day.n[panel.metric]) for day in days.values()), default=0)
    found = np.zeros((rows, 2), dtype=np.int64)
    for start_ms, day in days.items():
        first = max(0, -(-(panel.start_ms - start_ms) // _FIVE_MS))
        last = min(FIVES, (end_ms - start_ms) // _FIVE_MS)
        if first < last:
            found[:, 0] += day.k[panel.metric][:, first:last].sum(axis=1)
            found[:, 1] += day.n[panel.metric][:, first:last].sum(axis=1)
    return {where: (int(k), int(n)) for where, (k, n) in zip(SLICES[:rows], found.tolist(), strict=True)}
