"""What goes wrong over HTTP, in one form: problem details as JSON (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse

TYPE: Final = "application/problem+json"
_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "What is the matter, in a word that stays."},
        "detail": {"type": "string", "description": "The same in a sentence."},
    },
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"description": "It is not done; the problem says why.", "content": {TYPE: {"schema": _SCHEMA}}},
    "5XX": {"description": "It cannot be done now.", "content": {TYPE: {"schema": _SCHEMA}}},
}
"""Of every route, for its OpenAPI document."""


class Problem(Exception):
    """A request is not answered as it was meant; the message is a sentence for who asked.

    `code`: the same in a word that stays; `members`: what else is told; `headers`: of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status, self.code = status, code
        self.members, self.headers = dict(members or {}), dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the answer."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": str(self),
            **self.members,
        }
        return JSONResponse(body, self.status, self.headers, media_type=TYPE)


def refusal(status: int, code: str, sentence: str) -> JSONResponse:
    """Return the answer of a problem."""
    return Problem(status, code, sentence).response()
