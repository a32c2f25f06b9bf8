"""What of the log the incident stage can keep. What it cannot is refused; what nobody is to be told of is left out."""

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import astuple

from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Anomaly, Window

_MAX_ID: Final = 128
_MOST: Final = 2**63 - 1
_PROVEN_LATE: Final = frozenset({"limit_breach", "sequential_limit"})
"""Rules of what labels prove: that it is long ago does not make it less true."""


def storable_anomaly(anomaly: Anomaly) -> Anomaly | None:
    """Return the anomaly; None: backfill, which is told of only where labels prove it. Raises `Rejected`."""
    if not 0 < len(anomaly.anomaly_id) <= _MAX_ID or "\0" in anomaly.anomaly_id:
        raise Rejected("schema_mismatch", f"$.anomaly_id: must be text of 1 to {_MAX_ID} characters without U+0000")
    step = anomaly.step
    if any(isinstance(each, int) and each > _MOST for each in (*astuple(anomaly), *(astuple(step) if step else ()))):
        raise Rejected("schema_mismatch", f"$: whole numbers must be {_MOST} at most")
    _require_utc(anomaly.window_start, anomaly.window_end, anomaly.since, anomaly.known_at)
    _require_utc(anomaly.since_low, anomaly.since_high, *((step.since, step.known_at) if step else ()))
    return None if anomaly.backfill and anomaly.rule not in _PROVEN_LATE else anomaly


def storable_window(window: Window) -> Window:
    """Return the window. Raises `Rejected`."""
    counts = [each for figure in window.figures for each in (figure.k, figure.n) if each is not None]
    if max([window.revision, window.length_s * 1_000_000, *counts]) > _MOST:
        raise Rejected("schema_mismatch", f"$: whole numbers must be {_MOST} at most")
    _require_utc(window.start, window.end)
    return window


def _require_utc(*instants: datetime | None) -> None:
    try:
        for each in instants:
            if each is not None:
                each.astimezone(UTC)
    except OverflowError:
        raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
