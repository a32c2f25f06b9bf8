"""From a published window to its event."""

from functools import lru_cache
from typing import Final

from proofwatch.events import types
from proofwatch.events.identity import derived_id
from proofwatch.instants import instant_of
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.figures import proxies
from services.aggregator.core.merge import totals
from services.aggregator.core.times import MICROSECONDS

_instant: Final = lru_cache(maxsize=4_096)(instant_of)  # a bucket's windows, dozens of them, have the same two


def window_event(revised: WindowRevision, days_of: DaysOf) -> types.Window:
    """Return the window with its counts over all policies and the proxies they give."""
    key, window, backfill = revised.key, revised.window, revised.backfill
    total = totals(window)
    return types.Window(
        schema_version=1,
        window_id=derived_id("window", "decisions", key.tenant, window.name, window.value, key.length_s, key.start_ms),
        kind="decisions",
        tenant=key.tenant,
        segment_name=window.name,
        segment_value=window.value,
        start=_instant(key.start_ms),
        end=_instant(key.end_by(days_of)),
        length_s=key.length_s,
        revision=window.revision,
        backfill=backfill,
        counts=total.counts,
        sums={name: microseconds / MICROSECONDS for name, microseconds in total.sums.items()},
        sketches={
            name: types.Sketch(grid=each.grid, thresholds=each.thresholds, bins=each.bins)
            for name, each in total.sketches.items()
        },
        policies={policy: part.counts["transactions"] for policy, part in window.policies.items()},
        figures=proxies(total.counts),
    )
