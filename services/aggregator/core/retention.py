"""How long windows and transactions are kept; measured by progress, so that nothing depends on the clock."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from services.aggregator.core import lengths
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS, SECOND_MS

EVERY_MS: Final = HOUR_MS
"""How often what is too old is looked for."""

Keep = Mapping[int, int]
"""By length in seconds: for how many milliseconds after its end a window is kept; not listed: for ever."""

Agreed = Callable[[int], Mapping[str, int] | None]
"""Returns by tenant for how many days transactions are kept, as its contract says, at a log time in ms since 1970; who
is not there has agreed to nothing of its own. None: it may not be known yet, so nothing may be removed."""


def nothing_agreed(log_ms: int) -> Mapping[str, int]:
    """Return what holds where nobody governs: the platform's setting is everybody's."""
    return {}


def keep_of(minutes_days: int, five_minutes_days: int) -> Keep:
    """Return what the settings say; 0 days: for ever.

    Whole days are always kept; what is longer than five minutes, as long as they.
    """
    shorter = [length_s for length_s in lengths.LENGTHS_S if length_s < DAY_S]
    days = {length_s: minutes_days if length_s < FIVE_MINUTES_S else five_minutes_days for length_s in shorter}
    return {length_s: each * DAY_MS for length_s, each in days.items() if each}


def is_past(key: BucketKey, progress_ms: int | None, keep: Keep) -> bool:
    """Return whether the bucket has been kept for long enough: late data does not bring it back."""
    kept_ms = keep.get(key.length_s)
    return kept_ms is not None and progress_ms is not None and key.end_ms + kept_ms <= progress_ms


def first_kept(progress_ms: int, keep: Keep) -> dict[int, int]:
    """Return by length the start before which buckets are past, in milliseconds since the Unix epoch."""
    return {length_s: progress_ms - kept_ms - length_s * SECOND_MS + 1 for length_s, kept_ms in keep.items()}


def kept_from(
    tenants: Iterable[str], progress_ms: int, platform_ms: int, agreed_days: Mapping[str, int]
) -> dict[str, int]:
    """Return by tenant, in order, before which log time its transactions are past, in milliseconds since 1970.

    `platform_ms`: for how long those are kept who have agreed to nothing; 0: for ever, and they are left out.
    """
    kept_ms = {tenant: agreed_days[tenant] * DAY_MS if tenant in agreed_days else platform_ms for tenant in tenants}
    return {tenant: progress_ms - kept_ms[tenant] for tenant in sorted(kept_ms) if kept_ms[tenant]}
