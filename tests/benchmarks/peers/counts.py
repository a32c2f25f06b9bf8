"""The work that every framework is given beside combine: verdicts by minute, tenant and the values of six segments.

Only that they are counted. It is less than what combine does: no outcomes, no sketches of scores and durations, no
policies, nothing that comes late, and no validation.
"""

from collections.abc import Iterator
from typing import Any

COLUMNS = ("sex", "age_band", "country")
OF_THE_DEVICE = {"model": "device_model", "os": "os", "sdk_version": "sdk_version"}
WHOLE = ""
"""Stands for the whole tenant."""
TABLE = "counts"
"""Of Faust; its changelog is named after it."""


def values_of(verdict: dict[str, Any]) -> Iterator[str]:
    """Yield what a verdict is counted by."""
    yield WHOLE
    segments, device = verdict["segments"], verdict["device"]
    for name in COLUMNS:
        yield f"{name}={segments[name]}"
    for name, column in OF_THE_DEVICE.items():
        yield f"{column}={device[name]}"
