"""Lengths of time, in seconds and in milliseconds."""

from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
SECOND_MS: Final = 1000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
MICROSECONDS: Final = 1000
"""In a millisecond, the unit of timings and of their sums on the wire."""
