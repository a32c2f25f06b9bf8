"""Signing in with a provider: there and back, and whether it still vouches for who is here."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import structlog

from proofwatch.access.claims import NEVER, ClaimMap, Given, given, load_claim_map
from proofwatch.access.code_seal import VARIABLE, CodeSeal, InvalidCodeKeys
from proofwatch.access.fresh_sign_in import PostgresFreshSignIns
from proofwatch.access.hand_over import PostgresHandover
from proofwatch.access.session import Session
from proofwatch.access.sign_on import Begun, Due, PostgresSignOn, Why
from proofwatch.access.signed_off import PostgresSignedOff, Whose
from proofwatch.instants import instant_of
from proofwatch.oidc.id_token import NotBelieved, sid_in
from proofwatch.oidc.provider import Client, Flow, Gone, Provider, ProviderAway, Vouched
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import SignInRefused
from services.console.config import Settings
from services.console.step_up import StepUp

if TYPE_CHECKING:
    import asyncpg

RETURNED: Final = "/sign-in/returned"
_AT_ONCE: Final = 8
_MOST: Final = 200
_LONGEST: Final = 4096
_NOTHING: Final = Given(frozenset(), frozenset(), NEVER)
_log = structlog.get_logger(__name__)


class Come(NamedTuple):
    """Somebody has signed in: the token of the session, and where they want to go. `token` None: it goes on."""

    token: str | None
    wanted: str


class _NotCome(Exception):
    """Nobody came back whom the provider vouches for."""

    def __init__(self, why: Literal["provider_refused", "code_refused", "not_believed"]) -> None:
        super().__init__(why)
        self.why = why


class SignOn:
    """What a browser does at the console to sign in with the provider."""

    def __init__(
        self, provider: Provider, store: PostgresSignOn, step_up: StepUp, table: ClaimMap, handover: PostgresHandover,
        off: PostgresSignedOff, clock: Clock,
    ) -> None:  # fmt: skip
        self._provider, self._store, self._step_up, self.handover = provider, store, step_up, handover
        self._off = off
        self._table, self._clock = table, clock

    @classmethod
    def of(cls, settings: Settings, pool: "asyncpg.Pool", seal: CodeSeal, clock: Clock) -> "SignOn":
        """Return it as the settings have it, of which there is a provider among.

        Raises `InvalidClaimMap`, and `InvalidCodeKeys` where nothing seals what the provider is asked with again.
        """
        issuer, client_id, file = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_claims_file
        assert issuer is not None, "who has no provider does not ask"
        assert client_id is not None, "the settings go together"
        assert file is not None, "likewise"
        if settings.code_keys() is None:
            raise InvalidCodeKeys(
                f"{VARIABLE}: signing in with a provider needs a key, under which its tokens are kept"
            )
        secret = settings.oidc_client_secret
        client = Client(
            issuer,
            client_id,
            secret.get_secret_value() if secret else None,
            settings.oidc_scopes,
            f"{settings.console_origin}{RETURNED}",
        )
        store, table = PostgresSignOn(pool, seal), load_claim_map(file)
        step_up = StepUp(PostgresFreshSignIns(pool, seal), table)
        return cls(Provider(client), store, step_up, table, PostgresHandover(pool), PostgresSignedOff(pool), clock)

    async def begin(self, wanted: str, confirmed: Session | None = None) -> tuple[str, str]:
        """Return the provider's address, and a secret for the browser to keep. Raises `Problem`.

        `confirmed`: the session that is confirmed by a fresh sign-in; None: one begins.
        """
        flow, browser = Flow.new(), secrets.token_urlsafe(32)
        fresh = await self._step_up.fresh(confirmed) if confirmed else None
        now = instant_of(self._clock.now_ms())
        try:
            address = await self._provider.address(flow, fresh)
        except (ProviderAway, Gone) as error:
            raise _away(error) from None
        begun = Begun(flow.nonce, flow.verifier, wanted, now, confirmed.session_id if confirmed else None)
        await self._store.begin(flow.state, browser, begun)
        return address, browser

    async def finish(self, query: Mapping[str, str], browser: str) -> Come:
        """Return who comes back from the provider, signed in, or their session confirmed.

        Raises `SignInRefused`, `Problem`.
        """
        now = instant_of(self._clock.now_ms())
        state, code = query.get("state", ""), query.get("code", "")
        begun = await self._store.taken(state, browser, now) if state and browser else None
        if begun is None:
            said = "this sign-in was not begun in this browser, is over, or took longer than ten minutes: begin again"
            raise Problem(400, "sign_in_unknown", said)
        try:
            found = await self._came(code, Flow(state, begun.nonce, begun.verifier), query.get("iss"), now)
        except ProviderAway as error:
            raise _away(error) from None
        except _NotCome as error:
            if begun.session_id is not None:
                raise await self._step_up.refused(begun.session_id, error.why, now) from None
            raise await self._refused(error.why) from None
        if begun.session_id is None:
            return Come(await self._signed_in(found), begun.wanted)
        issuer, again = self._provider.issuer, found.refresh_token
        await self._step_up.finish(begun.session_id, begun.at, issuer, found.proven, again, now)
        return Come(None, begun.wanted)

    async def _came(self, code: str, flow: Flow, issuer: str | None, now: datetime) -> Vouched:
        if not code or len(code) > _LONGEST:
            raise _NotCome("provider_refused")
        try:
            return await self._provider.come(code, flow, now, issuer)
        except Gone:
            raise _NotCome("code_refused") from None
        except NotBelieved as error:
            _log.warning("provider_not_believed", why=error.why)
            raise _NotCome("not_believed") from None

    async def _signed_in(self, found: Vouched) -> str:
        claims, refresh_token = found.claims, found.refresh_token
        now, issuer, subject = instant_of(self._clock.now_ms()), self._provider.issuer, str(claims["sub"])
        has = given(claims, self._table, now)
        if isinstance(has, str):
            if has != "second_factor_missing":
                await self._store.follow(issuer, subject, _NOTHING, now)
            raise await self._refused(has, subject)
        if refresh_token is None:
            _log.error("provider_gives_no_refresh_token", setting="PROOFWATCH_OIDC_SCOPES")
            raise await self._refused("no_refresh_token", subject)
        name = next((str(claims[each]) for each in ("preferred_username", "email") if claims.get(each)), "")
        token = await self._store.sign_in(issuer, subject, name, has, refresh_token, now, sid_in(found.proven))
        if token is None:
            raise _sentence()
        return token

    async def _refused(self, why: Why, subject: str = "") -> SignInRefused:
        await self._store.refuse(why, self._provider.issuer, subject, instant_of(self._clock.now_ms()))
        return _sentence()

    async def signed_off(self, token: str) -> bool:
        """End the sessions that a logout token names; return whether it was one. Raises `Problem`."""
        now = instant_of(self._clock.now_ms())
        try:
            said = await self._provider.logout(token, now)
        except (ProviderAway, Gone) as error:
            raise _away(error) from None
        except NotBelieved as error:
            _log.warning("logout_not_believed", why=error.why)
            return False
        ended = await self._off.end(said.jti, Whose(said.issuer, said.subject, said.sid), now)
        if ended is None:
            _log.warning("logout_not_believed", why="taken_before")
        return ended is not None

    async def way_out(self, returned: str) -> str | None:
        """Return where people sign out of the provider; None: nowhere. Raises `Problem`."""
        try:
            return await self._provider.way_out(returned)
        except (ProviderAway, Gone) as error:
            raise _away(error) from None

    async def is_ours(self, session_id: str) -> bool:
        """Return whether somebody came by the provider, and can sign out of it."""
        return await self._step_up.is_of_provider(session_id)

    async def look_again(self) -> int:
        """Ask the provider about the sessions that are due; return how many."""
        due = await self._store.due(instant_of(self._clock.now_ms()), _MOST)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(each: Due) -> None:
            async with places:
                await self._look(each)

        await asyncio.gather(*(one(each) for each in due))
        return len(due)

    async def _look(self, due: Due) -> None:
        now = instant_of(self._clock.now_ms())
        if due.issuer != self._provider.issuer:
            await self._store.end(due.session_id, "provider_says_no", now)
            return
        try:
            found = await self._provider.still(due.refresh_token, due.subject, now)
        except ProviderAway as error:
            _log.warning("provider_away", reason=str(error))
            return
        except (Gone, NotBelieved):
            await self._store.end(due.session_id, "provider_says_no", now)
            return
        has = given(found.claims, self._table, now, again=True) if found.claims else None
        if has is not None and (isinstance(has, str) or not due.has(has)):
            await self._store.follow(due.issuer, due.subject, _NOTHING if isinstance(has, str) else has, now)
            return
        await self._store.vouched(due.session_id, due.person_id, found.refresh_token or due.refresh_token, now)


def _away(error: Exception) -> Problem:
    _log.warning("provider_away", reason=str(error))
    return Problem(503, "provider_away", "the identity provider does not answer as it should; try again in a minute")


def _sentence() -> SignInRefused:
    return SignInRefused(
        "you were not signed in with your organisation's account; try again, and if that changes nothing ask the "
        "admin, who finds in the audit log why"
    )
