"""Which segment values a verdict belongs to."""

from collections.abc import Set
from typing import Final

from proofwatch.events.types import Verdict

Segment = tuple[str | None, str | None]
"""A segment's name and value; (None, None) is the whole tenant."""
VERSIONS: Final = ("matcher_version", "pad_version")
"""Segments that are counted whatever the catalogue of a policy says."""
WHOLE: Final[Segment] = (None, None)


def segments_of(verdict: Verdict, catalogue: Set[str]) -> list[Segment]:
    """Return the whole tenant, the verdict's segments that are in the policy's catalogue, and its versions.

    What upstream names itself precedes what device and event say.
    """
    found = [WHOLE]
    named = verdict.segments
    if named:
        found += [item for item in named.items() if item[0] in catalogue]
    device = verdict.device
    if device is not None:
        said = named or ()
        if device.model is not None and "device_model" in catalogue and "device_model" not in said:
            found.append(("device_model", device.model))
        if device.os is not None and "os" in catalogue and "os" not in said:
            found.append(("os", device.os))
        if device.sdk_version is not None and "sdk_version" in catalogue and "sdk_version" not in said:
            found.append(("sdk_version", device.sdk_version))
    matcher, pad = verdict.matcher_version, verdict.pad_version
    if matcher is not None and not (named and "matcher_version" in named):
        found.append(("matcher_version", matcher))
    if pad is not None and not (named and "pad_version" in named):
        found.append(("pad_version", pad))
    return found
