"""How figures are asked for: who may is judged and on record first; what is refused is told as a problem."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Act
from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import session
from proofwatch.command_line.times import in_zone
from proofwatch.exits.door import Granted, SignedIn, ask
from proofwatch.exits.table import Exit
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.policy import load_policy
from proofwatch.governance.release import Denied
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.adapters.in_force import TenantNow, TenantsNow
from services.aggregator.config import FigureSettings
from services.aggregator.core.found import NothingFound

if TYPE_CHECKING:
    import asyncpg

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Source(NamedTuple):
    """What figures come from: the tables, what is in force with tenants, the time.

    `small_cell`: values of a segment with fewer transactions are kept back.
    """

    pool: "asyncpg.Pool"
    tenants: TenantsNow
    clock: Clock
    small_cell: int

    @classmethod
    def of(cls, settings: FigureSettings, pool: "asyncpg.Pool", governed: Follower | None, clock: Clock) -> "Source":
        """Return it as the settings have it; `governed` None: nobody governs tenants. Raises `InvalidPolicy`."""
        return cls(pool, TenantsNow(governed, load_policy(settings.policy_file), clock), clock, settings.small_cell)

    async def admitted(self, exit_: Exit, caller: Caller, tenant: str, now: TenantNow) -> Granted:
        """Return once it is on record that this may leave. Raises what `refusals` tells."""
        at = instant_of(self.clock.now_ms())
        return await ask(self.pool, exit_, tenant, SignedIn(caller.session), now.standing, at)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """Give a connection. Raises `BusError`."""
        async with session(self.pool, "figures") as connection:
            yield connection


def instant(name: str, given: datetime | date, zone: str | None) -> datetime:
    """Return a moment as it was given; a date is its midnight by the clock of `zone`. Raises `Problem`."""
    if not isinstance(given, datetime):
        given = in_zone(datetime.combine(given, time()), zone)
    elif given.tzinfo is None:
        raise Problem(422, "malformed", f"{name}: must say its offset from UTC, such as 2026-01-15T08:00:00Z")
    if not _EARLIEST <= given <= _LATEST:
        raise Problem(422, "malformed", f"{name}: must lie in the years 1970 to 9998")
    return given


@contextmanager
def refusals(caller: Caller) -> Iterator[None]:
    """Raise `Problem` for what the door refuses, and what is not there."""
    try:
        yield
    except NotAllowed as error:
        code = "tenant_not_yours" if caller.session.may(Act.READ_FIGURES) else "role_missing"
        raise Problem(403, code, str(error)) from None
    except Denied as error:
        raise Problem(403, "no_legal_basis", str(error)) from None
    except NothingFound as error:
        raise Problem(404, "nothing_found", str(error)) from None
    except ReplicaBehind:
        raise Problem(503, "unavailable", "what is in force with the tenant is not known yet; try again") from None
    except BusError:
        raise Problem(503, "unavailable", "the database does not answer; nothing was read") from None
