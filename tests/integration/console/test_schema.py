"""Whatever the OpenAPI document allows, and what it does not: no answer is a 5xx, and each is as the document says.

Bounded, so that it takes half a minute; for breadth run it with more `EXAMPLES`.
"""

import asyncio
from typing import Any, Final

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proofwatch.access.roles import Role
from services.console.who import COOKIE
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem

CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES: Final = 4
"""Of each operation: of what is allowed, of the same with a case that is there, and of what is not allowed."""
NO_END: Final = "/v1/stream"
"""It has no end; test_stream.py listens."""
OF_NOBODY: Final = "/v1/session"
"""Below it a session begins and ends: it is asked by nobody."""
DONE: Final = {
    ("GET", "/v1/cases"),
    ("GET", "/v1/cases/changes"),
    ("GET", "/v1/cases/waiting"),
    ("GET", "/v1/cases/{case_id}"),
    ("GET", "/v1/health"),
    ("GET", "/v1/tenants"),
    ("POST", "/v1/cases/bulk"),
    ("POST", "/v1/cases/next"),
    ("POST", "/v1/cases/{case_id}/notes"),
    ("POST", "/v1/session/end"),
}
"""What is not only refused here; the other tests do the rest."""


class Asking:
    """Asks a console, from a thread: the console answers in the loop of the test."""

    def __init__(self, console: Console, case_id: str) -> None:
        self._base, self._origin = f"http://127.0.0.1:{console.port}", console.origin
        self._cookie, self._case_id, self._seen = f"{COOKIE}={console.tokens['ada']}", case_id, "*"
        self._session = requests.Session()
        self._session.trust_env = False
        self.statuses: dict[tuple[str, str], set[int]] = {}

    def everything(self) -> None:
        document = self._session.get(f"{self._base}/openapi.json", timeout=30).json()
        with self._session:
            schema = schemathesis.openapi.from_dict(document)
            # who asks is a person with a cookie; a token that is made up would be all that is answered
            schema.config.generation.update(with_security_parameters=False)
            found: Any = schema.get_all_operations()
            for operation in (each.ok() for each in found):
                if operation.path != NO_END:
                    self._operation(operation)

    def _operation(self, operation: Any) -> None:
        self._many(operation, GenerationMode.POSITIVE)
        if "{case_id}" in operation.path:
            self._many(operation, GenerationMode.POSITIVE, {"case_id": self._case_id})
        if operation.query or operation.body or operation.headers:
            self._many(operation, GenerationMode.NEGATIVE)

    def _many(self, operation: Any, mode: GenerationMode, path: dict[str, str] | None = None) -> None:
        @given(operation.as_strategy(generation_mode=mode, path_parameters=path))
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def each(case: Any) -> None:
            self._one(case, as_seen=path is not None)

        each()

    def _one(self, case: Any, *, as_seen: bool) -> None:
        """Ask once; `as_seen`: what is done to the case is done on what an answer said of it last."""
        headers = {"origin": self._origin, **({"if-match": self._seen} if as_seen else {})}
        if not case.operation.path.startswith(OF_NOBODY):
            headers["cookie"] = self._cookie
        answer = case.call(
            base_url=self._base, session=self._session, headers=headers, allow_redirects=False, timeout=30
        )
        if as_seen:
            self._seen = answer.headers.get("etag", [self._seen])[0]
        case.validate_response(answer, checks=CHECKS)
        self.statuses.setdefault((case.operation.method.upper(), case.operation.path), set()).add(answer.status_code)


async def test_what_the_document_allows_is_answered_as_it_says(console: Console) -> None:
    """By somebody who may do whatever people do with cases, with cases that are there and such as are not."""
    await console.person("ada", Role.ANALYST, Role.CHECKER, Role.RESEARCHER)
    case, _ = [await console.case() for _ in range(2)]
    asking = Asking(console, case)
    await asyncio.to_thread(asking.everything)
    document = (await console.client().get("/openapi.json")).json()
    named = {(method.upper(), path) for path, of in document["paths"].items() for method in of if path != NO_END}
    assert set(asking.statuses) == named
    done = {each for each, statuses in asking.statuses.items() if min(statuses) < 300}
    assert done >= DONE, DONE - done


async def test_a_body_that_cannot_be_read_is_said_so(console: Console) -> None:
    """Bytes that are no UTF-8."""
    await console.person("ada", Role.ANALYST)
    headers = {"origin": console.origin, "content-type": "application/json"}
    headers["cookie"] = f"{COOKIE}={console.tokens['ada']}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{console.port}") as client:
        answer = await client.post("/v1/cases/next", content=b'{"a": "\xff"}', headers=headers)
    assert problem(answer) == (400, "malformed")
    assert answer.json()["detail"] == "the body cannot be read: send JSON, in UTF-8"
