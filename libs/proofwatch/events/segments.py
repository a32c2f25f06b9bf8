"""Segments that the device and the event itself tell, beside those that upstream names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proofwatch.events.types import Transaction, Verdict

DEVICE: Final[Mapping[str, str]] = MappingProxyType({"device_model": "model", "os": "os", "sdk_version": "sdk_version"})
"""Segment name → field of the event's device."""


VERSIONS: Final = ("matcher_version", "pad_version")
"""Segments that are fields of the event, and counted whether or not the policy names them."""


def segment_value(event: Transaction | Verdict, name: str) -> str | None:
    """Return the event's value of a segment; what upstream names itself precedes what the device says."""
    named, device = event.segments, event.device
    if named and name in named:
        return named[name]
    if name in VERSIONS:
        version: str | None = getattr(event, name)
        return version
    value: str | None = getattr(device, DEVICE[name]) if device is not None and name in DEVICE else None
    return value
