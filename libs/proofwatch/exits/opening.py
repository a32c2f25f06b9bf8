"""The database for a command that acts or looks, once it is on record who does, by which role and for what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from proofwatch.audit.entry import Object
from proofwatch.exits.asking import Asking, NotSaid
from proofwatch.exits.standing import Standing
from proofwatch.exits.table import Exit
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SystemClock

if TYPE_CHECKING:
    from proofwatch.bus.postgres.pool import DatabasePool
    from proofwatch.exits.door import Granted


class Through(NamedTuple):
    """What there is behind the door."""

    pool: "DatabasePool"
    granted: "Granted"


@asynccontextmanager
async def through_door(
    settings: GovernanceSettings,
    exit_: Exit,
    tenant: str | None,
    asking: Asking,
    *,
    dsn: str | None = None,
    bootstrap: str | None = None,
    found: Standing | None = None,
    about: tuple[Object, ...] = (),
) -> AsyncIterator[Through]:
    """Give the pool and who was let through. Raises what the door does (`exits.refusals`), and `BusError`.

    `found`, `about`: as the door has them.
    """
    try:
        from proofwatch.bus.postgres.pool import opened  # the driver belongs to an extra
        from proofwatch.exits.door import admitted
    except ModuleNotFoundError as error:
        raise NotSaid(
            f"who asks is on record first, in the database, which needs {error.name}: "
            "pip install 'proofwatch[postgres]'"
        ) from None
    async with opened(dsn or settings.postgres_dsn, max_size=2) as pool:
        granted = await admitted(
            pool, settings, exit_, tenant, asking, SystemClock(), bootstrap=bootstrap, found=found, about=about
        )
        yield Through(pool, granted)
