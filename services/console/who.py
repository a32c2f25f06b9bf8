"""Who calls: a person by the cookie that a sign-in gave, which no script reads and no other site sends; a machine by a
token in the header `Authorization`, for reading below /v1 alone.
"""

from math import ceil
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.requests import Request
from starlette.responses import Response

from proofwatch.access.scopes import known_scopes
from proofwatch.web.pace import Pace
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller, Machines, PeopleSessions
from services.console.config import Settings
from services.console.restored import ErasuresKnown

COOKIE: Final = "__Host-proofwatch-console"
BROWSER: Final = "__Host-proofwatch-sign-in"
"""Holds by which browser a sign-in with the provider was begun; sent on the way back, which is another site's."""
_SIGN_IN: Final = "sign in first"
_TOKEN: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Of a machine: `proofwatch tokens create`. The scope that a route needs stands with the route.",
)
Token = Annotated[HTTPAuthorizationCredentials | None, Depends(_TOKEN)]


class Callers:
    """Tells who calls; nobody is told apart before the database is fit to be read."""

    def __init__(self, settings: Settings, sessions: PeopleSessions, machines: Machines, known: ErasuresKnown) -> None:
        self.sessions, self._machines, self._known = sessions, machines, known
        self.local = settings.local_sign_in
        self._people_pace = Pace(settings.console_calls_a_minute)
        self._machines_pace = Pace(settings.console_token_calls_a_minute)

    def require(self) -> None:
        """Raise `Problem` unless the database is fit to be read."""
        self._known.require()

    async def caller(self, request: Request) -> Caller:
        """Return who does something. Raises `Problem`."""
        return await self._of(request, used=True)

    async def looker(self, request: Request) -> Caller:
        """Return whose page asks by itself, which keeps the session from ending by nothing. Raises `Problem`."""
        return await self._of(request, used=False)

    async def reader(self, request: Request, token: Token, wanted: SecurityScopes) -> Caller:
        """Return who reads: a person, or a machine whose token has a scope of the route's. Raises `Problem`."""
        return await self.caller(request) if token is None else await self._machine(token, wanted)

    async def looking(self, request: Request, token: Token, wanted: SecurityScopes) -> Caller:
        """Return the same of what a page asks by itself. Raises `Problem`."""
        return await self.looker(request) if token is None else await self._machine(token, wanted)

    async def _machine(self, token: HTTPAuthorizationCredentials, wanted: SecurityScopes) -> Caller:
        self._known.require()
        found = await self._machines.caller(token.credentials)
        if found is None:
            said = "the token is unknown, expired or revoked: an admin makes another (`proofwatch tokens create`)"
            raise Problem(401, "token_refused", said, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        _in_pace(self._machines_pace, found)
        if not known_scopes(wanted.scopes) & found.session.scopes:
            await self._machines.lacks_scope(found)
            asked = " ".join(wanted.scopes)
            header = f'Bearer error="insufficient_scope", scope="{asked}"'
            said = f"this needs a token for {asked}; an admin makes one (`proofwatch tokens create`)"
            raise Problem(403, "scope_missing", said, headers={"WWW-Authenticate": header})
        return found

    async def _of(self, request: Request, *, used: bool) -> Caller:
        self._known.require()
        found = await self.sessions.caller(request.cookies.get(COOKIE, ""), used=used)
        if found is None:
            raise Problem(401, "not_signed_in", _SIGN_IN)
        _in_pace(self._people_pace, found)
        return found

    async def sign_in(self, response: Response, name: str, password: str, code: str) -> None:
        """Begin a session, whose token the answer brings. Raises `SignInRefused`."""
        self._known.require()
        if not self.local:
            raise Problem(
                403, "local_sign_in_off", "nobody signs in with a password here: take your organisation's way"
            )
        self.signed_in(response, await self.sessions.sign_in(name, password, code))

    def signed_in(self, response: Response, token: str) -> None:
        """Let the answer bring the token of a session."""
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session of a request, and let the browser forget it."""
        await self.sessions.sign_out(request.cookies.get(COOKIE, ""))
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")


def _in_pace(pace: Pace, caller: Caller) -> None:
    """Count a call. Raises `Problem`, where it is one too many."""
    if wait := pace.wait_s(caller.session.session_id):
        seconds = ceil(wait)
        said = f"too many calls in a minute; ask again in {seconds} s"
        raise Problem(429, "too_many_calls", said, headers={"Retry-After": str(seconds)})
