"""What the commands of privacy run on, opened in one order and closed again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import AccessDenied
from proofwatch.bus.errors import BusError
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.command_line.session_file import NotSignedIn
from proofwatch.command_line.sub_commands import Add
from proofwatch.command_line.telling import written
from proofwatch.events.wire import Wire, connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.exits.asking import NotSaid
from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret
from proofwatch.governance.release import Denied
from proofwatch.privacy.key_encryption import (
    EpochDestroyed,
    InvalidKeys,
    KeysAway,
    Tampered,
)
from proofwatch.privacy.marks import subject_mark
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.secrets import InvalidSecretFile
from services.privacy.adapters.cache import RedisCache
from services.privacy.adapters.epochs import EpochInUse
from services.privacy.adapters.holds import HoldRefused
from services.privacy.adapters.replay import UnreadableErasure, remember
from services.privacy.adapters.requests import ErasureRefused
from services.privacy.app import SCHEMA, wired
from services.privacy.config import Settings
from services.privacy.core.erasure import Held, Subject
from services.privacy.handlers.erasing import Erasing

if TYPE_CHECKING:
    import asyncpg

REFUSED: Final = (
    AccessDenied, BusError, Denied, EpochDestroyed, EpochInUse, ErasureRefused, Held, HoldRefused, KeysAway,
    RegistryUnavailable, Tampered, UnreadableErasure,
)  # fmt: skip
"""What ends a command with exit code 1."""
WRONG: Final = (NotSaid, InvalidKeys, InvalidSecret, InvalidSecretFile, InvalidWire, NotSignedIn)
"""What ends it with 2."""


class WrongCall(ValueError):
    """What was asked for makes no sense; the message says what would."""


def add_dsn(add: Add) -> None:
    """Declare the database; `add`: a parser's `add_argument`."""
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")


def secret_of(settings: Settings) -> bytes:
    """Return the deployment's secret. Raises `InvalidSecret`."""
    given = settings.subject_tag_secret
    return parse_secret(given.get_secret_value() if given else None)


def subject_of(settings: Settings, tenant: str, subject_ref: str) -> Subject:
    """Return who is meant. Raises `WrongCall`, `InvalidSecret`."""
    if not tenant or not subject_ref or "\0" in tenant + subject_ref or "/" in tenant:
        raise WrongCall("TENANT and SUBJECT must name somebody, as transactions do")
    return Subject(tenant, subject_ref, subject_mark(secret_of(settings), tenant, subject_ref))


@asynccontextmanager
async def database(settings: Settings, dsn: str | None) -> AsyncIterator["asyncpg.Pool"]:
    """Give the database, migrated. Raises `BusError`."""
    pool = await create_pool(dsn or settings.postgres_dsn, max_size=3)
    try:
        await check_schema(pool, SCHEMA)
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def bus_of(settings: Settings, bootstrap: str | None) -> AsyncIterator[tuple[Bus, Wire]]:
    """Give Kafka and what its values are written in. Raises `BusError`, `InvalidWire`, `RegistryUnavailable`."""
    from proofwatch.bus.kafka.bus import KafkaBus

    async with AsyncExitStack() as stack:
        wire = await connect_wire(settings)
        stack.push_async_callback(wire.close)
        bus = KafkaBus.of(settings, "erase", bootstrap=bootstrap)
        await bus.start()
        stack.push_async_callback(bus.stop)
        yield bus, wire


@asynccontextmanager
async def erasing(settings: Settings, pool: "asyncpg.Pool", bootstrap: str | None) -> AsyncIterator[Erasing]:
    """Give what carries erasures out: beside the database Kafka and Redis. Raises `BusError`, `InvalidWire` …

    A database that was restored to before an erasure is refused: those come first.
    """
    from redis.asyncio import Redis

    async with AsyncExitStack() as stack:
        bus, wire = await stack.enter_async_context(bus_of(settings, bootstrap))
        await ErasureLog(bus).require_known(pool, SCHEMA)
        client: Any = Redis.from_url(settings.redis_url)
        stack.push_async_callback(client.aclose)
        yield wired(settings, bus, pool, RedisCache(client, bus), SystemClock(), wire, written)
        await remember(pool, bus)
