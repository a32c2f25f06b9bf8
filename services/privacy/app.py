"""The composition root of privacy, the process: retention, and going on with erasures that were interrupted.

Erasures and holds are asked for, approved and begun by people at a command line, which wires them here, too.
"""

from typing import TYPE_CHECKING, Any, Final

from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.holders import Tell, logged
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.events.stores import load_stores
from proofwatch.events.topics import load_manifests
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret
from proofwatch.privacy.key_encryption import InvalidKeys
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.privacy.adapters.cache import RedisCache
from services.privacy.adapters.replay import remember
from services.privacy.adapters.requests import PostgresRequests
from services.privacy.adapters.retention import PostgresRetention
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.adapters.topics import BusTopics
from services.privacy.config import Settings
from services.privacy.core.forgetting import forgotten_by
from services.privacy.core.retention import rules_of
from services.privacy.handlers.erasing import Erasing
from services.privacy.handlers.resuming import Resuming
from services.privacy.handlers.retention import Retention
from services.privacy.ports import Cache

if TYPE_CHECKING:
    import asyncpg

__all__ = ["SCHEMA", "Settings", "build", "connect", "wired"]

SCHEMA: Final = "privacy"


def wired(
    settings: Settings,
    bus: Bus,
    pool: "asyncpg.Pool",
    cache: Cache,
    clock: Clock,
    wire: Wire = JSON,
    tell: Tell = logged,
) -> Erasing:
    """Wire what carries erasures out. Raises `InvalidSecret`, `InvalidKeys`."""
    given, keys, manifests = settings.subject_tag_secret, settings.key_encryption(), load_manifests().values()
    return Erasing(
        pool,
        PostgresRequests(pool, keys),
        PostgresSteps(pool, PostgresKeys(keys), tell),
        BusTopics(bus, wire),
        cache,
        parse_secret(given.get_secret_value() if given else None),
        lambda at: forgotten_by(at, manifests),
        clock,
    )


def build(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, cache: Cache, wire: Wire = JSON) -> Service:
    """Wire the process. Without keys it removes what is old, and says so when an erasure was interrupted.

    The rules of retention are those of the stores' manifests, the days those of the settings. Raises `InvalidKeys`.
    """
    erasures, rules = ErasureLog(bus), rules_of(load_stores().values(), settings.days())
    keys = settings.key_encryption_if_any()
    erasing, missing = None, ""
    try:
        erasing = wired(settings, bus, pool, cache, clock, wire)
    except (InvalidKeys, InvalidSecret) as error:
        missing = f"{error}; or go on with it by hand: proofwatch erase resume"

    async def known() -> None:
        await erasures.require_known(pool, SCHEMA)
        await remember(pool, bus)  # so that services need not read again what is known

    steps = PostgresSteps(pool)
    retention = Retention(PostgresRetention(pool, PostgresTags(keys)), rules, clock, known)
    return Service("privacy", [retention, Resuming(steps, erasing, clock, known, missing)])


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `on_kafka_and_postgres` raises.

    Redis is asked once an erasure needs it.
    """
    from redis.asyncio import Redis

    client: Any = Redis.from_url(settings.redis_url)

    def made(bus: Bus, wire: Wire, pool: "asyncpg.Pool") -> Service:
        return build(settings, bus, pool, SystemClock(), RedisCache(client, bus), wire).holding(client.aclose)

    return await on_kafka_and_postgres(settings, "privacy", made, schema=SCHEMA, sessions=4)
