"""The console over a finished run's database, for two people at this machine, until it is stopped."""

import argparse
import asyncio
import secrets
import signal
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import SecretStr

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.access.scopes import Scope
from proofwatch.access.token_register import PostgresTokens
from proofwatch.bus.port import Bus
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock, ContinuedClock, SystemClock
from services.standalone.adapters.behind import take_tokens_at

if TYPE_CHECKING:
    import asyncpg

_LOOPBACK: Final = ("localhost", "127.0.0.1")
PEOPLE: Final = {
    "you": (Role.ANALYST, Role.RESEARCHER, Role.AUTHOR),
    "colleague": (Role.CHECKER, Role.APPROVER),
}
"""Who works in it: nobody agrees to what they said themselves."""
MACHINE: Final = "program"
_BY: Final = By(OPERATOR, "a run is looked at")
_KEY_BYTES: Final = 32
_LASTS: Final = timedelta(days=90)
_EVERY_S: Final = 0.5
Work = Callable[[int], Awaitable[None]]
"""Lets the run's services do what people's deeds ask of them, up to a time (ms since 1970)."""


class Place(NamedTuple):
    """Where it answers."""

    host: str
    port: int

    @property
    def origin(self) -> str:
        """Return it as browsers see it."""
        return f"http://{self.host}:{self.port}"


class Served(NamedTuple):
    """What is told once it answers: a link for each of `PEOPLE`, and the token of a machine that reads everything."""

    links: Sequence[str]
    token: str


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


def serving_lines(served: Served) -> str:
    """Return what is said once it answers."""
    who = [
        f"  {name} ({', '.join(roles)}): {link}"
        for (name, roles), link in zip(PEOPLE.items(), served.links, strict=True)
    ]
    return "\n".join(
        [
            "its cases, for two people, since nobody agrees to what they said themselves; each by a link that opens",
            "once, the second in another browser or a private window:",
            *who,
            f"  a program reads /v1 with the header  Authorization: Bearer {served.token}",
            "Ctrl-C ends it, and what is done there ends with it.",
        ]
    )


async def serve(
    where: Place, bus: Bus, pool: "asyncpg.Pool", now_ms: int, work: Work, tell: Callable[[Served], None]
) -> None:
    """Answer until SIGINT or SIGTERM; `tell` is given the links once it does. The run's time goes on from its end.

    Meanwhile `work` goes on: labels count, hunts open cases, and what is done is sequenced in the audit log.
    Raises `OSError` where the port is another's.
    """
    from services.console.app import (
        Settings,
        build,
    )  # a second of imports, which a run that serves nothing does without
    from services.console.once import Once

    clock = ContinuedClock(now_ms)
    once = Once(*[await _signed_in(pool, clock, name, roles) for name, roles in PEOPLE.items()])
    now = instant_of(clock.now_ms())
    token = await PostgresTokens(pool).create(MACHINE, Scope, None, now + _LASTS, _BY, now)
    await take_tokens_at(pool, SystemClock().now_ms() - clock.now_ms())
    settings = Settings(
        console_host=where.host,
        console_port=where.port,
        console_origin=where.origin,
        key_encryption_keys=SecretStr(f"1:{b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"),
    )
    service = build(settings, bus, pool, clock, once)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await service.start()
    running: list[asyncio.Task[Any]] = [
        asyncio.create_task(service.run()),
        asyncio.create_task(_works(work, clock)),
        asyncio.create_task(stopped.wait()),
    ]
    try:
        tell(Served([where.origin + path for path in once.paths], token))
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        running[2].cancel()
        await _ended(running[1])
        await service.stop()
        await _ended(running[0])


async def _works(work: Work, clock: Clock) -> None:
    while True:
        await work(clock.now_ms())
        await asyncio.sleep(_EVERY_S)


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended. Raises what it failed with."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _signed_in(pool: "asyncpg.Pool", clock: Clock, name: str, roles: Sequence[Role]) -> str:
    """Return the token of somebody made up, whose password nobody knows."""
    now, password = instant_of(clock.now_ms()), secrets.token_urlsafe(24)
    register = PostgresRegister(pool)
    await register.add(name, roles, None, _BY, now)
    secret = await register.enrol(name, hashed(password, name), _BY, now)
    token, _ = await PostgresPeople(pool).sign_in(name, password, code_at(secret, step_of(now)), now)
    return token
