"""The composition root of the console."""

from typing import TYPE_CHECKING, Final

from proofwatch.access.code_seal import parse_code_keys
from proofwatch.access.machines import PostgresMachines
from proofwatch.access.postgres import PostgresPeople
from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.port import Bus
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Part, Service
from proofwatch.web.server import Server
from proofwatch.web.sessions import Machines, PeopleSessions
from services.console.application import Inside, application
from services.console.config import Settings
from services.console.once import Once
from services.console.restored import ErasuresKnown

if TYPE_CHECKING:
    import asyncpg

__all__ = ["CLIENT", "Settings", "build", "connect"]

CLIENT: Final = "console"


def build(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, once: Once | None = None) -> Service:
    """Wire the console; `once`: a link that signs in who opens it first. Raises `InvalidCodeKeys`, `InvalidPolicy`,
    `InvalidKeyring` and `InvalidClaimMap`.
    """
    known = ErasuresKnown(bus, pool)
    governed = settings.documents(bus, clock)
    seal = parse_code_keys(settings.code_keys())
    sessions = PeopleSessions(PostgresPeople(pool, seal=seal), clock)
    inside = Inside.of(settings, pool, clock, sessions, Machines(PostgresMachines(pool), clock), known, governed)
    parts: list[Part] = [known, *([governed] if governed else []), inside.watched]
    if settings.oidc_issuer is not None:
        from services.console.sign_on import SignOn  # its libraries belong to an extra; few have a provider
        from services.console.vouching import Vouching

        sign_on = SignOn.of(settings, pool, seal, clock)
        inside, parts = inside._replace(sign_on=sign_on), [*parts, Vouching(sign_on)]
    server = Server(application(settings, inside, once), settings.console_host, settings.console_port)
    # parts stop in reverse: streams end first, for the server waits for them
    return Service("console", [*parts, server, inside.stream.hub])


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the console to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, CLIENT, lambda bus, _, pool: build(settings, bus, pool, SystemClock()), schema="triage", owns=False
    )
