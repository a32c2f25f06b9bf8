"""The console over a finished run's database, for who ran it: on this machine alone, until it is stopped."""

import argparse
import asyncio
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.bus.port import Bus
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import ContinuedClock

if TYPE_CHECKING:
    import asyncpg

_LOOPBACK: Final = ("localhost", "127.0.0.1")
_NAME: Final = "you"
_ROLES: Final = (Role.ANALYST, Role.CHECKER)


class Place(NamedTuple):
    """Where it answers."""

    host: str
    port: int

    @property
    def origin(self) -> str:
        """Return it as browsers see it."""
        return f"http://{self.host}:{self.port}"


def place(text: str) -> Place:
    """Return what `--serve` names. Raises `ArgumentTypeError`: a browser gives the cookie to this machine alone."""
    host, _, port = text.rpartition(":")
    if host not in _LOOPBACK or not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be localhost:PORT or 127.0.0.1:PORT; from elsewhere come by ssh -L PORT:localhost:PORT"
        )
    return Place(host, int(port))


def refusal(where: Place) -> str | None:
    """Return why nothing can answer there, before a run that would then be for nothing; None: it can."""
    try:
        socket.create_server(where).close()
    except OSError as error:
        return f"--serve {where.host}:{where.port}: {error.strerror or error}; name another port"
    return None


async def serve(where: Place, bus: Bus, pool: "asyncpg.Pool", now_ms: int, tell: Callable[[str], None]) -> None:
    """Answer until SIGINT or SIGTERM; `tell` is given the link once it does. The run's time goes on from its end.

    Raises `OSError` where the port is another's.
    """
    from services.console.app import (
        Settings,
        build,
    )  # a second of imports, which a run that serves nothing does without
    from services.console.once import Once

    clock = ContinuedClock(now_ms)
    once = Once(await _signed_in(pool, clock))
    settings = Settings(console_host=where.host, console_port=where.port, console_origin=where.origin)
    service = build(settings, bus, pool, clock, once)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await service.start()
    running = asyncio.create_task(service.run())
    waiting = asyncio.create_task(stopped.wait())
    try:
        tell(where.origin + once.path)
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        await service.stop()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _signed_in(pool: "asyncpg.Pool", clock: ContinuedClock) -> str:
    """Return the token of somebody made up, whose password nobody knows."""
    now, password, by = instant_of(clock.now_ms()), secrets.token_urlsafe(24), By(OPERATOR, "a run is looked at")
    register = PostgresRegister(pool)
    await register.add(_NAME, _ROLES, None, by, now)
    secret = await register.enrol(_NAME, hashed(password, _NAME), by, now)
    token, _ = await PostgresPeople(pool).sign_in(_NAME, password, code_at(secret, step_of(now)), now)
    return token
