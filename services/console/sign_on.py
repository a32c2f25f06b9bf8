"""Signing in with a provider: there and back, and whether it still vouches for who is here."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from proofwatch.access.claims import NEVER, ClaimMap, Given, given, load_claim_map
from proofwatch.access.code_seal import VARIABLE, CodeSeal, CodesSealed, InvalidCodeKeys
from proofwatch.access.sign_on import Begun, Due, PostgresSignOn, Why
from proofwatch.bus.errors import BusError
from proofwatch.instants import instant_of
from proofwatch.oidc.id_token import NotBelieved
from proofwatch.oidc.provider import Client, Flow, Gone, Provider, ProviderAway
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.pause import pause
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import SignInRefused
from services.console.config import Settings

if TYPE_CHECKING:
    import asyncpg

RETURNED: Final = "/sign-in/returned"
_EVERY_S: Final = 15.0
_AT_ONCE: Final = 8
_MOST: Final = 200
_LONGEST: Final = 4096
_NOTHING: Final = Given(frozenset(), frozenset(), NEVER)
_log = structlog.get_logger(__name__)


class Come(NamedTuple):
    """Somebody has signed in: the token of the session, and where they want to go."""

    token: str
    wanted: str


class SignOn:
    """What a browser does at the console to sign in with the provider."""

    def __init__(self, provider: Provider, store: PostgresSignOn, table: ClaimMap, clock: Clock) -> None:
        self._provider, self._store, self._table, self._clock = provider, store, table, clock

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
        store = PostgresSignOn(pool, seal)
        return cls(Provider(client), store, load_claim_map(file), clock)

    async def begin(self, wanted: str) -> tuple[str, str]:
        """Return the provider's address, and a secret for the browser to keep. Raises `Problem`."""
        flow, browser = Flow.new(), secrets.token_urlsafe(32)
        try:
            address = await self._provider.address(flow)
        except (ProviderAway, Gone) as error:
            raise _away(error) from None
        begun = Begun(flow.nonce, flow.verifier, wanted)
        await self._store.begin(flow.state, browser, begun, instant_of(self._clock.now_ms()))
        return address, browser

    async def finish(self, query: Mapping[str, str], browser: str) -> Come:
        """Return who comes back from the provider, signed in. Raises `SignInRefused`, `Problem`."""
        now = instant_of(self._clock.now_ms())
        state, code = query.get("state", ""), query.get("code", "")
        begun = await self._store.taken(state, browser, now) if state and browser else None
        if begun is None:
            said = "this sign-in was not begun in this browser, is over, or took longer than ten minutes: begin again"
            raise Problem(400, "sign_in_unknown", said)
        if not code or len(code) > _LONGEST:
            raise await self._refused("provider_refused")
        try:
            found = await self._provider.come(code, Flow(state, begun.nonce, begun.verifier), now, query.get("iss"))
        except ProviderAway as error:
            raise _away(error) from None
        except Gone:
            raise await self._refused("code_refused") from None
        except NotBelieved as error:
            _log.warning("provider_not_believed", why=error.why)
            raise await self._refused("not_believed") from None
        return Come(await self._signed_in(found.claims, found.refresh_token), begun.wanted)

    async def _signed_in(self, claims: Mapping[str, Any], refresh_token: str | None) -> str:
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
        token = await self._store.sign_in(issuer, subject, name, has, refresh_token, now)
        if token is None:
            raise _sentence()
        return token

    async def _refused(self, why: Why, subject: str = "") -> SignInRefused:
        await self._store.refuse(why, self._provider.issuer, subject, instant_of(self._clock.now_ms()))
        return _sentence()

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


class Vouching:
    """Asks the provider again and again about who is here; as a part of the console."""

    def __init__(self, sign_on: SignOn, *, every_s: float = _EVERY_S) -> None:
        self._sign_on, self._every_s = sign_on, every_s
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Nothing: it asks while it runs."""

    async def step(self, *, idle: bool = False) -> int:
        """Ask once; while that fails sessions end by themselves, some minutes after they were vouched for last."""
        try:
            return await self._sign_on.look_again()
        except (BusError, CodesSealed) as error:
            _log.warning("provider_not_asked", error=type(error).__name__)
            return 0

    async def run(self) -> None:
        """Ask until `stop`."""
        while not self._stopped.is_set():
            await self.step()
            await pause(self._stopped, self._every_s)

    async def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def unready(self) -> Sequence[str]:
        """Nothing: who signed in by a password works on while the provider is away."""
        return []


def _away(error: Exception) -> Problem:
    _log.warning("provider_away", reason=str(error))
    return Problem(503, "provider_away", "the identity provider does not answer as it should; try again in a minute")


def _sentence() -> SignInRefused:
    return SignInRefused(
        "you were not signed in with your organisation's account; try again, and if that changes nothing ask the "
        "admin, who finds in the audit log why"
    )
