"""The composition root of the console."""

from typing import TYPE_CHECKING, Final

from proofwatch.access.code_seal import parse_code_keys
from proofwatch.access.postgres import PostgresPeople
from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.port import Bus
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from proofwatch.web.server import Server
from proofwatch.web.sessions import PeopleSessions
from services.console.application import Inside, application
from services.console.config import Settings
from services.console.once import Once
from services.console.restored import ErasuresKnown

if TYPE_CHECKING:
    import asyncpg

__all__ = ["CLIENT", "Settings", "build", "connect"]

CLIENT: Final = "console"


def build(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, once: Once | None = None) -> Service:
    """Wire the console; `once`: a link that signs in who opens it first. Raises `InvalidCodeKeys`, `InvalidPolicy` and
    `InvalidKeyring`.
    """
    known = ErasuresKnown(bus, pool)
    governed = settings.documents(bus, clock)
    people = PostgresPeople(pool, seal=parse_code_keys(settings.code_keys()))
    inside = Inside.of(settings, pool, clock, PeopleSessions(people, clock), known, governed)
    server = Server(application(settings, inside, once), settings.console_host, settings.console_port)
    # parts stop in reverse: streams end first, for the server waits for them
    return Service("console", [known, *([governed] if governed else []), inside.watched, server, inside.stream.hub])


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the console to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, CLIENT, lambda bus, _, pool: build(settings, bus, pool, SystemClock()), schema="triage", owns=False
    )
