"""What people may send as text that stays on record, and the sentence that tells what was sent wrongly."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from proofwatch.access.reasons import LONGEST_REASON, unfit

PRINTED: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""No control characters: the database takes no zero, and a terminal obeys others."""
_UNFIT: Final = "unfit"
_FIELDS: Final[Mapping[str, str]] = {
    "reason": "the reason", "to": "the account", "species": "the species", "attack": "the kind", "show": "the list",
    "text": "the note",
}  # fmt: skip
_PATTERNS: Final[Mapping[str, str]] = {
    PRINTED: "cannot have line breaks, tabs or other characters that are not printed",
    "^[0-9]{6}$": "must be six digits",
}  # fmt: skip


def _fit(text: str) -> str:
    if wrong := unfit(text, LONGEST_REASON):
        raise PydanticCustomError(_UNFIT, "{wrong}", {"wrong": wrong})
    return text


KEPT: Final = AfterValidator(_fit)
"""Of a text that stays on record: it prints, as on a command line."""


def sentence_of(errors: Iterable[Any]) -> str:
    """Return what was sent wrongly, field by field, with what would be right; it repeats nothing of what was sent.

    `errors`: of a `ValidationError` of pydantic. What was sent may be a password.
    """
    return "; ".join(f"{_field(each['loc'])} {_right(each)}" for each in errors)


def _field(place: Sequence[object]) -> str:
    name = str(place[-1]) if place else "what was sent"
    return _FIELDS.get(name, name)


def _right(error: Any) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == _UNFIT:
        return str(error["msg"])
    if kind == "literal_error":
        return f"must be {limits['expected'].replace(chr(39), '')}"
    if kind == "string_too_long":
        return f"has at most {limits['max_length']:,} characters"
    if kind in ("string_too_short", "missing"):
        return "must be given"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(limits["pattern"], "has characters, or a form, that it cannot have")
    return f"is not right: {error['msg'][:1].lower()}{error['msg'][1:]}"
