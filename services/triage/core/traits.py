"""What suspicions of one attack may have in common: `suspicion → traits`, by marks that do not say what it is.

A handset, a picture and exact durations are marks keyed with the deployment's secret. People's own attributes (country,
sex, age) are no traits: nobody belongs to an attack by them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from proofwatch.events.types import Device, Incident, Suspicion, Timings
from proofwatch.privacy.marks import trait_mark

TraitKind = Literal["imagery", "device", "pattern", "timing", "device_model", "os", "sdk_version"]
SLICES: Final = ("device_model", "os", "sdk_version")
"""Attributes of handsets by which an alarm may name a slice: they join nobody unless it does."""


class Trait(NamedTuple):
    """A mark, and what it is of; `value`: a pattern's id, which is no personal data."""

    mark: str
    kind: TraitKind
    value: str | None = None


class Scope(NamedTuple):
    """What joins cases: they have all of these marks between `since` and `until` (None: it goes on)."""

    marks: tuple[str, ...]
    since: datetime
    until: datetime | None


def traits_of(suspicion: Suspicion, secret: bytes) -> tuple[Trait, ...]:
    """Return what a suspicion may have in common with others; `secret`: the deployment's for marks."""
    return tuple(
        Trait(trait_mark(secret, suspicion.tenant, kind, value), kind, value if kind == "pattern" else None)
        for kind, value in _said(suspicion)
    )


def scope_of(incident: Incident, secret: bytes) -> Scope | None:
    """Return what an incident says belongs together; None: it is of weak evidence, or of no slice of handsets.

    What became a part of another incident is over for this; the other goes on.
    """
    slices = [(each.segment_name, each.segment_value) for each in incident.root]
    if incident.evidence != "strong" or incident.severity == "low" or not slices:
        return None
    if any(name not in SLICES for name, _ in slices):
        return None
    over = incident.until or (incident.window_end if incident.state == "merged" else None)
    marks = tuple(trait_mark(secret, incident.tenant, name, value) for name, value in slices)
    return Scope(marks, incident.since.astimezone(UTC), over and over.astimezone(UTC))


def _said(suspicion: Suspicion) -> Iterator[tuple[TraitKind, str]]:
    device = suspicion.device or Device()
    timings = suspicion.timings or Timings()
    said: tuple[tuple[TraitKind, str | None], ...] = (
        ("imagery", suspicion.imagery_sha256 and suspicion.imagery_sha256.lower()),
        ("device", device.ref),
        ("pattern", suspicion.pattern_id),
        ("timing", durations_of(timings)),
        ("device_model", device.model),
        ("os", device.os),
        ("sdk_version", device.sdk_version),
    )
    yield from ((kind, value) for kind, value in said if value)


def durations_of(timings: Timings) -> str | None:
    """Return what the handset took for capture and upload, to the millisecond; None: one of both is not known.

    By chance two people share both about once in a million pairs (capture of 1.8 s, upload of 0.3 s, each log-normal
    with σ 0.35).
    """
    if timings.capture_ms is None or timings.upload_ms is None:
        return None
    return f"{timings.capture_ms:.0f}/{timings.upload_ms:.0f}"
