"""What is put right in a record rather than refused, because nothing is judged by it, or because it is noise.

A score or probability outside [0, 1] by no more than `ROUNDING` is moved to the bound: it left it by rounding. Text
that describes (device, segments, versions, species) is cut to the length that the schema gives it; a duration,
reference, segment, version or field of the device that does not fit is dropped. Truth in a common spelling is read as
the schema's word. Tenant, identifiers, time, checks, scores and unknown fields of the event itself are left alone: a
misspelled score is no description.

Pure, and a function of the record alone. The document is changed in place; returned are the fields concerned, in words
of the schema. Limits are those of the generated types.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from proofwatch.biometrics.spellings import attack_kind_of, attack_kind_word, pair_word, presentation_word
from proofwatch.events import types
from proofwatch.events.segments import VERSIONS

Document = dict[str, Any]
Mend = Callable[[Document], list[str]]

ROUNDING: Final = 1e-6
"""The greatest distance to [0, 1] that is taken for rounding."""
SCORES: Final = ("match_score", "liveness_score")
BUILT_IN: Final = ("split", "sex", "age_band", "skin_tone", "country", "source")
"""Segments that are kept first where there are too many; then those whose names sort first."""
MENDED: Final = Counter[tuple[str, str]]()
"""What this process has put right, by event and field; for metrics. A batch that comes again counts again."""


def mend_transaction(event: Document) -> list[str]:
    """Put a transaction right where nothing is judged by it."""
    found = [name for name in SCORES if _clamp(event, name)]
    found += _mend_part(event, "device", _DEVICE, _mend_text)
    found += _mend_part(event, "timings", _TIMINGS, _mend_duration)
    found += [name for name in VERSIONS if not _mend_text(event, name, _TRANSACTION[name])]
    if "segments" in event and _mend_segments(event):
        found.append("segments")
    if not _fits_reference(event.get("imagery_ref")):
        del event["imagery_ref"]  # never cut: half a reference is another one
        found.append("imagery_ref")
    found += _mend_imagery(event)
    return found


def mend_label(event: Document) -> list[str]:
    """Put a label right, and its words into ours."""
    found = ["sampling_probability"] if _clamp(event, "sampling_probability") else []
    said = event.get("presentation")
    if isinstance(said, str) and event.get("attack_class") is None and (kind := attack_kind_of(said)):
        event["attack_class"] = kind
    words = (("pair", pair_word), ("presentation", presentation_word), ("attack_class", attack_kind_word))
    for name, word in words:
        text = event.get(name)
        if isinstance(text, str) and (read := word(text)) != text and (read or not text.strip()):
            event[name] = read
            found.append(name)
    if not _mend_text(event, "pai_species", _SPECIES):
        found.append("pai_species")
    return found


def _clamp(event: Document, name: str) -> bool:
    value = event.get(name)
    if type(value) is not float:
        return False
    if 1 < value <= 1 + ROUNDING:
        event[name] = 1.0
    elif -ROUNDING <= value < 0:
        event[name] = 0.0
    else:
        return False
    return True


def _mend_part(
    event: Document, name: str, limits: Mapping[str, Any], mend: Callable[[Document, str, Any], bool]
) -> list[str]:
    """Put the fields of a part right; a field that the schema does not know is dropped, and counts as the part."""
    part = event.get(name)
    if part is None:
        return []
    if not isinstance(part, dict):
        del event[name]
        return [name]
    found = [f"{name}.{field}" for field in limits if not mend(part, field, limits[field])]
    if unknown := part.keys() - limits.keys():
        for field in unknown:
            del part[field]
        found.append(name)
    return found


def _mend_text(part: Document, field: str, limits: inspect.StrType) -> bool:
    """Return whether the text was as it should be; what is no text, or empty where it may not be, is dropped."""
    text = part.get(field)
    if text is None:
        return True
    if not isinstance(text, str):
        del part[field]
        return False
    mended = _cut(text, limits.max_length or len(text))
    if field == "ref" and mended != text:
        mended = ""  # a reference cut short may be another's
    if len(mended) < (limits.min_length or 0):
        del part[field]
        return False
    part[field] = mended
    return mended == text


def _mend_duration(part: Document, field: str, limits: inspect.FloatType) -> bool:
    value = part.get(field)
    if value is None:
        return True
    if type(value) in (int, float) and (limits.ge or 0) <= value <= (limits.le or value):
        return True
    del part[field]
    return False


def _mend_segments(event: Document) -> bool:
    segments = event["segments"]
    if segments is None:
        return False
    if not isinstance(segments, dict):
        del event["segments"]
        return True
    fitting = {
        name: cut
        for name, value in segments.items()
        if "\0" not in name
        and _fits(name, _NAME)
        and isinstance(value, str)
        and (cut := _cut(value, _VALUE.max_length or 0))
    }
    ranked = sorted(fitting, key=lambda name: (name not in BUILT_IN, name))
    kept = {name: fitting[name] for name in ranked[: _SEGMENTS.max_length]}
    if kept == segments:
        return False
    if kept:
        event["segments"] = kept
    else:
        del event["segments"]
    return True


def _mend_imagery(event: Document) -> list[str]:
    """Put right what is said of the imagery; a digest that cannot be one costs the reference as well.

    There would be imagery that nothing could be held against, and upstream meant it to be.
    """
    found = []
    if not _mend_text(event, "imagery_media_type", _TRANSACTION["imagery_media_type"]):
        found.append("imagery_media_type")
    digest = event.get("imagery_sha256")
    if digest is None or (isinstance(digest, str) and _fits(digest, _TRANSACTION["imagery_sha256"])):
        return found
    del event["imagery_sha256"]
    found.append("imagery_sha256")
    if event.pop("imagery_ref", None) is not None:
        found.append("imagery_ref")
    return found


def _fits_reference(reference: Any) -> bool:
    if reference is None:
        return True
    return (
        isinstance(reference, str)
        and "\0" not in reference
        and _fits(reference, _REFERENCE)
        and bool(re.search(_REFERENCE.pattern or "", reference))
    )


def _fits(text: str, limits: inspect.StrType) -> bool:
    return (limits.min_length or 0) <= len(text) <= (limits.max_length or len(text))


def _cut(text: str, most: int) -> str:
    """Return at most `most` characters, without U+0000, which no database keeps as text."""
    return text.replace("\0", "")[:most]


def _limits(event: type[msgspec.Struct]) -> dict[str, Any]:
    """Return what the schema says of each field when it is there."""
    return {field.name: _present(field.type) for field in msgspec.inspect.type_info(event).fields}  # type: ignore[attr-defined]


def _present(schema: inspect.Type) -> inspect.Type:
    if isinstance(schema, inspect.UnionType):
        return next(member for member in schema.types if not isinstance(member, inspect.NoneType))
    return schema


_DEVICE: Final = _limits(types.Device)
_TIMINGS: Final = _limits(types.Timings)
_TRANSACTION: Final = _limits(types.StrictTransaction)
_REFERENCE: Final[inspect.StrType] = _TRANSACTION["imagery_ref"]
_SEGMENTS: Final[inspect.DictType] = _TRANSACTION["segments"]
_NAME: Final[Any] = _SEGMENTS.key_type
_VALUE: Final[Any] = _SEGMENTS.value_type
_SPECIES: Final[inspect.StrType] = _limits(types.Label)["pai_species"]
