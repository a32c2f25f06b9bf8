"""What lengths of windows are called, on the command line and in sentences."""

from typing import Final

from services.aggregator.core.lengths import FIVE_MINUTES_S, LENGTHS_S
from services.aggregator.core.times import DAY_S, MINUTE_S

_NAMES: Final = {MINUTE_S: ("1m", "1 minute"), FIVE_MINUTES_S: ("5m", "5 minutes"), DAY_S: ("1d", "1 day")}

LENGTHS: Final = {_NAMES[seconds][0]: seconds for seconds in LENGTHS_S}
"""Lengths in seconds by their short names."""


def in_words(length_s: int) -> str:
    """Return the length as it stands in a sentence."""
    return _NAMES[length_s][1]
