"""How people of the house's provider come to the broker: by the console, at which they have signed in."""

from proofwatch.access.hand_over import PostgresHandover
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.sessions import SignInRefused


class Entrance:
    """Takes what the console hands over. Every call raises `DatabaseAway`."""

    def __init__(self, handover: PostgresHandover, console_origin: str, clock: Clock) -> None:
        self._handover, self._clock, self.console_origin = handover, clock, console_origin

    async def entered(self, ticket: str, verifier: str) -> str:
        """Return the token of a session that begins here. Raises `SignInRefused`."""
        token = await self._handover.take(ticket, verifier, instant_of(self._clock.now_ms()))
        if token is None:
            raise SignInRefused("that was begun elsewhere, was used, or took too long: begin again")
        return token
