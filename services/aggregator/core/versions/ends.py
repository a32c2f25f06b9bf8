"""How a comparison ends for want of traffic, a release rolled back or a tenant silent, and how it goes on afterwards.

A version with findings is remembered for four weeks, so that the same release, released again, is the same finding.
"""

from typing import Final

from msgspec.structs import replace

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.versions.part import Five
from services.aggregator.core.versions.state import (
    FIVE_MS,
    FORGOTTEN_MS,
    SILENCE_MS,
    Comparison,
    Ended,
    Gone,
    Moved,
)
from services.aggregator.core.versions.sums import Sums

_MISSING: Final = 20
"""So many transactions of a version are missing when its traffic has ended."""
_MISSING_MS: Final = 2 * HOUR_MS


def absent(comparison: Comparison, five: Five) -> Moved:
    """Return what follows from five minutes of the tenant without the version."""
    if comparison.gone is not None:
        return still_gone(comparison, five)
    since = replace(comparison, missing=comparison.missing + five.whole.n * comparison.share)
    if not since.marked_ms:
        over = five.start_ms - since.since_ms >= DAY_MS
        return Moved(None if over else replace(since, of=since.of + five.whole.n), "comparing")
    quiet_ms = five.start_ms - since.last_ms
    if quiet_ms >= SILENCE_MS or (since.missing >= _MISSING and quiet_ms >= _MISSING_MS):
        return ceased(since)
    return Moved(since, "changed" if since.found else "comparing")


def ceased(comparison: Comparison) -> Moved:
    """Return what follows when its traffic has ended: with findings it is remembered, in case it comes again."""
    since_ms = comparison.last_ms + FIVE_MS
    if not comparison.found:
        return Moved(None, "no_traffic")
    gone = replace(comparison, gone=Gone(since_ms), stretch_new=Sums(), stretch_old=Sums())
    return Moved(gone, "no_traffic", tuple(Ended(metric, None, since_ms) for metric in comparison.found))


def still_gone(comparison: Comparison, five: Five, n: int = 0, rule: VersionRule | None = None) -> Moved:
    """Return what follows from five minutes with `n` transactions of a version that was gone.

    It is back once it has as much of the traffic within a day as makes a version a marker: after a roll-back a few
    handsets go on with it for days. It is forgotten after four weeks.
    """
    assert comparison.gone is not None, "asked only of what is gone"
    gone = comparison.gone
    if five.start_ms - gone.since_ms >= FORGOTTEN_MS:
        return Moved(None, "no_traffic")
    if n and (not gone.n or five.start_ms - gone.back_ms >= DAY_MS):
        gone = replace(gone, back_ms=five.start_ms, n=0, of=0)
    if gone.n or n:
        gone = replace(gone, n=gone.n + n, of=gone.of + five.whole.n)
    if rule is None or gone.n < rule.least or gone.n < rule.share * gone.of:
        return Moved(replace(comparison, gone=gone), "no_traffic")
    found = {metric: replace(each, at_ms=five.start_ms, quiet=0) for metric, each in comparison.found.items()}
    return Moved(replace(comparison, gone=None, found=found, last_ms=five.start_ms, missing=0.0), "changed")
