"""What forms send, as text by name; what does not fit is a problem that repeats nothing of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from proofwatch.web.problems import Problem
from services.triage.api.bodies import PRINTED

_MOST_FIELDS: Final = 16
_HERE: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,400}")
B = TypeVar("B", bound=BaseModel)
_FIELDS: Final[Mapping[str, str]] = {
    "reason": "the reason", "to": "the account", "species": "the species", "attack": "the kind", "show": "the list",
}  # fmt: skip
_PATTERNS: Final[Mapping[str, str]] = {
    PRINTED: "cannot have line breaks, tabs or other characters that are not printed",
    "^[0-9]{6}$": "must be six digits",
}  # fmt: skip


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form. Raises `Problem`."""
    try:
        text = (await request.body()).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        raise Problem(422, "malformed", "the form cannot be read") from None


def as_body(kind: type[B], **given: str) -> B:
    """Return fields as a body of the API, which says what may be sent. Raises `Problem`."""
    try:
        return kind(**given)
    except ValidationError as error:
        errors = error.errors(include_input=False)
        raise Problem(422, "malformed", sentence_of(errors), {"field": str(errors[0]["loc"][-1])}) from None


def sentence_of(errors: Iterable[Any]) -> str:
    """Return what was sent wrongly, field by field, with what would be right; it repeats nothing of what was sent."""
    return "; ".join(f"{_field(each['loc'])} {_right(each)}" for each in errors)


def _field(place: Sequence[object]) -> str:
    name = str(place[-1]) if place else "what was sent"
    return _FIELDS.get(name, name)


def _right(error: Any) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        return f"must be {limits['expected'].replace(chr(39), '')}"
    if kind == "string_too_long":
        return f"has at most {limits['max_length']:,} characters"
    if kind in ("string_too_short", "missing"):
        return "must be given"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(limits["pattern"], "has characters, or a form, that it cannot have")
    return f"is not right: {error['msg'][:1].lower()}{error['msg'][1:]}"


def here(path: str, otherwise: str = "/queue") -> str:
    """Return a path of this console; another address is nobody's business here."""
    return path if _HERE.fullmatch(path) else otherwise
