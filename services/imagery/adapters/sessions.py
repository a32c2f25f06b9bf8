"""Signing in, by the people's own tables."""

import structlog

from proofwatch.access.code_seal import CodesSealed
from proofwatch.access.errors import AccessDenied
from proofwatch.access.errors import SignInRefused as Refused
from proofwatch.access.postgres import PostgresPeople
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from services.imagery.ports import SignInRefused

_log = structlog.get_logger(__name__)


class PeopleSessions:
    """See `ports.Sessions`."""

    def __init__(self, people: PostgresPeople, clock: Clock) -> None:
        self._people, self._clock = people, clock

    async def sign_in(self, name: str, password: str, code: str) -> str:
        """Return a token."""
        try:
            token, _ = await self._people.sign_in(name, password, code, instant_of(self._clock.now_ms()))
        except AccessDenied as error:
            raise SignInRefused(str(error)) from None
        except CodesSealed as error:
            raise self._sealed(error) from None
        return token

    async def session_id(self, token: str) -> str | None:
        """Return the session of a token."""
        found = await self._people.session_of(token, instant_of(self._clock.now_ms())) if token else None
        return found.session_id if found else None

    async def confirm(self, token: str, code: str) -> None:
        """Take a fresh one-time code."""
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
