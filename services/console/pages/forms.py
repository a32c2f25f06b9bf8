"""What forms send, as text by name; what does not fit is a problem that repeats nothing of it."""

import re
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from proofwatch.web.malformed import sentence_of
from proofwatch.web.problems import Problem

_MOST_FIELDS: Final = 16
_HERE: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,400}")
B = TypeVar("B", bound=BaseModel)


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form, each by its name. Raises `Problem`."""
    return dict(await fields(request, _MOST_FIELDS))


async def fields(request: Request, most: int) -> list[tuple[str, str]]:
    """Return the fields of a form, at most so many, of which several may have one name. Raises `Problem`."""
    try:
        text = (await request.body()).decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError:
        raise Problem(422, "malformed", "the form cannot be read") from None


def as_body(kind: type[B], /, **given: object) -> B:
    """Return fields as a body of the API, which says what may be sent. Raises `Problem`."""
    try:
        return kind(**given)
    except ValidationError as error:
        errors = error.errors(include_input=False)
        raise Problem(422, "malformed", sentence_of(errors), {"field": str(errors[0]["loc"][-1])}) from None


def here(path: str, otherwise: str = "/queue") -> str:
    """Return a path of this console; another address is nobody's business here."""
    return path if _HERE.fullmatch(path) else otherwise
