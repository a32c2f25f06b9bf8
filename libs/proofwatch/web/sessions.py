"""Who is signed in, for browsers: by the people's own tables."""

from typing import NamedTuple

import structlog

from proofwatch.access.code_seal import CodesSealed
from proofwatch.access.errors import AccessDenied
from proofwatch.access.errors import SignInRefused as Refused
from proofwatch.access.machines import PostgresMachines
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.session import Session
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock

_log = structlog.get_logger(__name__)


class SignInRefused(Exception):
    """Name, password or code are wrong, or were tried too often; the message is for who tried."""


class Caller(NamedTuple):
    """Who calls: the token of the cookie, which may be a secret to others, and the session that it is of."""

    token: str
    session: Session


class Machines:
    """Who calls by a machine's token. Every call raises `DatabaseAway`."""

    def __init__(self, machines: PostgresMachines, clock: Clock) -> None:
        self._machines, self._clock = machines, clock

    async def caller(self, token: str) -> Caller | None:
        """Return the machine; None: its token is unknown, expired or revoked."""
        found = await self._machines.session_of(token, instant_of(self._clock.now_ms()))
        return Caller(token, found) if found else None

    async def lacks_scope(self, caller: Caller) -> None:
        """Enter that a machine asked for what its token is not for."""
        who, now = caller.session, instant_of(self._clock.now_ms())
        await self._machines.refused(caller.token, who.session_id, who.machine or "", "scope_missing", now)


class PeopleSessions:
    """Times and throttling are those of `access`. Every call raises `DatabaseAway`."""

    def __init__(self, people: PostgresPeople, clock: Clock) -> None:
        self._people, self._clock = people, clock

    async def sign_in(self, name: str, password: str, code: str) -> str:
        """Return a token. Raises `SignInRefused`."""
        try:
            token, _ = await self._people.sign_in(name, password, code, instant_of(self._clock.now_ms()))
        except AccessDenied as error:
            raise SignInRefused(str(error)) from None
        except CodesSealed as error:
            raise self._sealed(error) from None
        return token

    async def session_id(self, token: str) -> str | None:
        """Return the session of a token; None: it is over, or there never was one."""
        found = await self.caller(token)
        return found.session.session_id if found else None

    async def caller(self, token: str, *, used: bool = True) -> Caller | None:
        """Return who calls; None likewise. `used` False: a page asks by itself, which keeps no session from ending."""
        if not token:
            return None
        found = await self._people.session_of(token, instant_of(self._clock.now_ms()), used=used)
        return Caller(token, found) if found else None

    async def confirm(self, token: str, code: str) -> None:
        """Take a fresh one-time code. Raises `SignInRefused`."""
        try:
            await self._people.confirm(token, code, instant_of(self._clock.now_ms()))
        except AccessDenied as error:
            raise SignInRefused(str(error)) from None
        except CodesSealed as error:
            raise self._sealed(error) from None

    async def sign_out(self, token: str) -> None:
        """End the session."""
        await self._people.sign_out(token, instant_of(self._clock.now_ms()))

    def _sealed(self, error: CodesSealed) -> SignInRefused:
        _log.critical("one_time_codes_sealed", reason=str(error))
        return SignInRefused(str(Refused()))  # in the words of every refusal: others would say that the name is known
