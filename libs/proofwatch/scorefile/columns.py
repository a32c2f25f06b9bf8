"""Which column of a file means what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from proofwatch.events.segments import DEVICE, VERSIONS

FIELDS: Final = (
    "transaction_id",
    "attempt_id",
    "subject_ref",
    "occurred_at",
    "match_score",
    "pair",
    "liveness_score",
    "presentation",
    "pai_species",
    "attack_class",
    "labelled_at",
)
SEGMENTS: Final = ("split", "sex", "age_band", "skin_tone", "country", "source")
BUILT_IN_SEGMENTS: Final = (*SEGMENTS, *DEVICE, *VERSIONS)
"""Columns that are segments under their own name; the device's become part of the device, versions of the event."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file means what: field (or built-in segment) → column, custom segment → column."""

    fields: Mapping[str, str]
    segments: Mapping[str, str]
    dropped: tuple[str, ...]

    @classmethod
    def of(cls, present: Collection[str], fields: Mapping[str, str], segments: Mapping[str, str]) -> "Columns":
        """Match the columns of a file; `fields` and `segments` map columns of other names to ours.

        Raises ValueError naming the column when two columns would mean the same, or a mapped one is not there.
        """
        known = (*FIELDS, *BUILT_IN_SEGMENTS)
        renamed = {**fields, **segments}
        for column, meaning in renamed.items():
            if column not in present:
                raise ValueError(f"the mapping names column {column!r}, which the file does not have")
            if column in fields and meaning not in known:
                raise ValueError(f"the mapping sends column {column!r} to {meaning!r}; fields are {', '.join(known)}")
        meant = {name: name for name in known if name in present and name not in renamed}
        for column, meaning in fields.items():
            if meaning in meant:
                raise ValueError(f"columns {meant[meaning]!r} and {column!r} would both be {meaning}")
            meant[meaning] = column
        used = {*meant.values(), *segments}
        return cls(
            fields=meant,
            segments={name: column for column, name in segments.items()},
            dropped=tuple(column for column in present if column not in used),
        )

    def without(self, field: str) -> "Columns":
        """Return the columns as if the file had none for this field."""
        kept = {name: column for name, column in self.fields.items() if name != field}
        return Columns(kept, self.segments, self.dropped)

    @property
    def used(self) -> frozenset[str]:
        """Return the columns that are read."""
        return frozenset((*self.fields.values(), *self.segments.values()))
