"""How long windows are kept, by their length; measured by progress, so that nothing depends on the clock."""

from collections.abc import Mapping
from typing import Final

from services.aggregator.core.merge import LENGTHS_S, BucketKey
from services.aggregator.core.times import HOUR_MS, SECOND_MS

EVERY_MS: Final = HOUR_MS
"""How often what is too old is looked for."""

Keep = Mapping[int, int]
"""By length in seconds: for how many milliseconds after its end a window is kept; not listed: for ever."""


def keep_of(minutes_days: int, five_minutes_days: int) -> Keep:
    """Return what the settings say; 0 days: for ever. Whole days are always kept."""
    days = zip(LENGTHS_S, (minutes_days, five_minutes_days), strict=False)
    return {length_s: each * 24 * HOUR_MS for length_s, each in days if each}


def is_past(key: BucketKey, progress_ms: int | None, keep: Keep) -> bool:
    """Return whether the bucket has been kept for long enough: late data does not bring it back."""
    kept_ms = keep.get(key.length_s)
    return kept_ms is not None and progress_ms is not None and key.end_ms + kept_ms <= progress_ms


def first_kept(progress_ms: int, keep: Keep) -> dict[int, int]:
    """Return by length the start before which buckets are past, in milliseconds since the Unix epoch."""
    return {length_s: progress_ms - kept_ms - length_s * SECOND_MS + 1 for length_s, kept_ms in keep.items()}
