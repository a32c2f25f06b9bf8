"""A connection whose every statement says that the step which asks goes on."""

from collections.abc import Awaitable, Callable
from functools import wraps
from time import monotonic
from typing import Any, Final

import asyncpg

from proofwatch.bus.patience import goes_on

_ASKS: Final = ("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval", "copy_records_to_table")


class Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection of the driver: what asks something of the server renews the limits of the step that it is part of.

    Before it waits: a process that was busy for longer than a limit must be able to say so before the limit is looked
    at, which is when nothing else has its turn.
    """

    asked_s: float = 0.0
    """When something was asked last, by the clock that only goes forward."""


def _telling(ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(ask)
    async def told(*args: Any, **named: Any) -> Any:
        goes_on()
        args[0].asked_s = monotonic()
        return await ask(*args, **named)

    return told


for _name in _ASKS:
    setattr(Connection, _name, _telling(getattr(asyncpg.Connection, _name)))
