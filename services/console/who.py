"""Who calls: by the cookie that a sign-in gave, which no script reads and no other site sends."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller, PeopleSessions
from services.console.restored import ErasuresKnown

COOKIE: Final = "__Host-proofwatch-console"
_SIGN_IN: Final = "sign in first"


class Callers:
    """Tells who calls; nobody is told apart before the database is fit to be read."""

    def __init__(self, sessions: PeopleSessions, known: ErasuresKnown) -> None:
        self.sessions, self._known = sessions, known

    async def caller(self, request: Request) -> Caller:
        """Return who does something. Raises `Problem`."""
        return await self._of(request, used=True)

    async def looker(self, request: Request) -> Caller:
        """Return whose page asks by itself, which keeps the session from ending by nothing. Raises `Problem`."""
        return await self._of(request, used=False)

    async def _of(self, request: Request, *, used: bool) -> Caller:
        self._known.require()
        found = await self.sessions.caller(request.cookies.get(COOKIE, ""), used=used)
        if found is None:
            raise Problem(401, "not_signed_in", _SIGN_IN)
        return found

    async def sign_in(self, response: Response, name: str, password: str, code: str) -> None:
        """Begin a session, whose token the answer brings. Raises `SignInRefused`."""
        self._known.require()
        self.signed_in(response, await self.sessions.sign_in(name, password, code))

    def signed_in(self, response: Response, token: str) -> None:
        """Let the answer bring the token of a session."""
        response.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="strict", path="/")

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session of a request, and let the browser forget it."""
        await self.sessions.sign_out(request.cookies.get(COOKIE, ""))
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
