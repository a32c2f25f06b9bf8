"""Segments that the device itself tells, beside those that upstream names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proofwatch.events.types import Transaction, Verdict

DEVICE: Final[Mapping[str, str]] = MappingProxyType({"device_model": "model", "os": "os", "sdk_version": "sdk_version"})
"""Segment name → field of the event's device."""


def segment_value(event: Transaction | Verdict, name: str) -> str | None:
    """Return the event's value of a segment; what upstream names itself precedes what the device says."""
    named, device = event.segments, event.device
    if named and name in named:
        return named[name]
    value: str | None = getattr(device, DEVICE[name]) if device is not None and name in DEVICE else None
    return value
