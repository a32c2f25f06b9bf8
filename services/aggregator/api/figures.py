"""Figures as the API and the pages ask them: an entry first, then the windows; bodies come out, problems are raised."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Act
from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import session
from proofwatch.command_line.times import in_zone
from proofwatch.exits.door import SignedIn, ask
from proofwatch.exits.table import DET, FIGURES
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.policy import load_policy
from proofwatch.governance.release import Denied
from proofwatch.instants import instant_of, ms_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.adapters.database_source import load_database, tenants_counted
from services.aggregator.adapters.in_force import TenantNow, TenantsNow
from services.aggregator.api.bodies import Det, Handsets, Rates, Tenants, WhatIf
from services.aggregator.api.shown import shown_curve, shown_handset, shown_rate, shown_would
from services.aggregator.config import FigureSettings
from services.aggregator.core.det import det_curves
from services.aggregator.core.found import Found, NothingFound, Query
from services.aggregator.core.handsets import DIMENSIONS, handsets
from services.aggregator.core.segments import VERSIONS, WHOLE, Segment
from services.aggregator.core.span import Counted, Span, Truth, counted, truth
from services.aggregator.core.span_rates import span_rates
from services.aggregator.core.what_if import Check, Thresholds, span_what_if

if TYPE_CHECKING:
    import asyncpg

LONGEST: Final = timedelta(days=400)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_USER: Final = "figures"


class Wanted(NamedTuple):
    """What figures are asked of: a tenant, a span, NAME or NAME=VALUE of a segment; empty: the whole tenant.

    A date is its midnight by the tenant's clock.
    """

    tenant: str
    since: datetime | date
    until: datetime | date | None = None
    segment: str = ""


Tried = Thresholds
"""Thresholds to try, as pages name them: those of match and of liveness; None: as in force."""


class _Read(NamedTuple):
    found: Found
    now: TenantNow
    query: Query


class Figures:
    """What a person may see of the figures of a tenant. Every call raises `Problem`."""

    def __init__(self, pool: "asyncpg.Pool", tenants: TenantsNow, clock: Clock, small_cell: int) -> None:
        """`small_cell`: values of a segment with fewer transactions are kept back."""
        self._pool, self._tenants, self._clock, self._small_cell = pool, tenants, clock, small_cell

    @classmethod
    def of(cls, settings: FigureSettings, pool: "asyncpg.Pool", governed: Follower | None, clock: Clock) -> "Figures":
        """Return them as the settings have it; `governed` None: nobody governs tenants. Raises `InvalidPolicy`."""
        return cls(pool, TenantsNow(governed, load_policy(settings.policy_file), clock), clock, settings.small_cell)

    async def tenants(self, caller: Caller) -> Tenants:
        """Return the tenants that figures may be asked of; their names alone, which leaves no entry."""
        with _refusals(caller):
            if not caller.session.may(Act.READ_FIGURES):
                raise NotAllowed("figures are for analysts, checkers, researchers, authors and approvers")
            async with session(self._pool, _USER) as connection:
                there = await tenants_counted(connection)
        return Tenants(tenants=[each for each in there if caller.session.sees(each)])

    async def rates(self, caller: Caller, wanted: Wanted) -> Rates:
        """Return every rate, judged by the limits of the policy in force with the tenant."""
        read = await self._read("rates", caller, wanted)
        found = span_rates(
            counted(read.found.counted),
            truth(read.found.labelled),
            read.now.policy,
            names=read.query.names,
            small_cell=self._small_cell,
        )
        small = (found.small_values, found.small_transactions)
        return Rates(**self._asked(wanted, read, small), rates=[shown_rate(each) for each in found.rates])

    async def handsets(self, caller: Caller, wanted: Wanted) -> Handsets:
        """Return how handsets, operating systems, SDK releases and countries fare beside the rest."""
        read = await self._read("handsets", caller, wanted, DIMENSIONS)
        names = read.query.names
        found = handsets(counted(read.found.counted), names=names, small_cell=self._small_cell)
        small = (found.small_values, found.small_transactions)
        return Handsets(**self._asked(wanted, read, small), handsets=[shown_handset(each) for each in found.rows])

    async def what_if(self, caller: Caller, wanted: Wanted, to: Thresholds) -> WhatIf:
        """Return what other thresholds would have made of the same scores."""
        if to == Thresholds():
            raise Problem(422, "threshold_missing", "say what to try: match_threshold, liveness_threshold or both")
        read = await self._read("what-if", caller, wanted)
        found = span_what_if(
            counted(read.found.counted),
            truth(read.found.labelled),
            to,
            names=read.query.names,
            small_cell=self._small_cell,
        )
        small = (found.small_values, found.small_transactions)
        return WhatIf(
            **self._asked(wanted, read, small),
            match_threshold=to.match,
            liveness_threshold=to.liveness,
            rates=[shown_would(*each) for each in found.rows],
        )

    async def det(self, caller: Caller, wanted: Wanted, check: Check) -> Det:
        """Return the DET curves of a check: of the whole tenant, or of one value of a segment."""
        if wanted.segment and "=" not in wanted.segment:
            raise Problem(422, "malformed", "segment: name one value, such as os=ios, or none")
        read = await self._read("det", caller, wanted)
        policy = read.now.policy
        threshold = policy.match.threshold if check == "match" else policy.liveness.threshold
        segment, _, value = wanted.segment.partition("=")
        of = (segment, value) if segment else WHOLE
        small = self._small_of(read, of)
        known = Truth() if small[0] else truth(read.found.labelled).get(of, Truth())
        curves = [shown_curve(each) for each in det_curves(known, check, threshold)]
        return Det(**self._asked(wanted, read, small), check=check, threshold=threshold, curves=curves)

    def _small_of(self, read: _Read, of: Segment) -> tuple[int, int]:
        """Return how many values, with how many transactions, are kept back, of one."""
        n = counted(read.found.counted).get(of, Counted()).transactions
        return (1, n) if of != WHOLE and n < self._small_cell else (0, 0)

    async def _read(self, name: str, caller: Caller, wanted: Wanted, every: tuple[str, ...] = ()) -> _Read:
        """Return the windows, once it is on record who asks; `every`: the segments where none is named."""
        segment, _, value = wanted.segment.partition("=")
        names = (segment,) if segment else every
        with _refusals(caller):
            now = self._tenants.of(wanted.tenant)
            span = self._span(wanted, now.zone)
            at = instant_of(self._clock.now_ms())
            exit_ = DET if name == "det" else FIGURES[name]
            granted = await ask(
                self._pool,
                exit_,
                wanted.tenant,
                SignedIn(caller.session),
                now.standing,
                at,
            )
            query = Query(wanted.tenant, span, names, value or None, zone=now.zone)
            found = await load_database(self._pool, query, granted.sees)
            found.require(query)
            return _Read(found, now, query)

    def _span(self, wanted: Wanted, zone: str | None) -> Span:
        now = instant_of(self._clock.now_ms())
        since, until = _instant("since", wanted.since, zone), _instant("until", wanted.until or now, zone)
        if since >= until:
            raise Problem(422, "malformed", "since: must lie before until")
        if until - since > LONGEST:
            raise Problem(422, "span_too_long", f"since: {LONGEST.days} days before until is the most; ask in parts")
        return Span(ms_of(since), ms_of(until) if wanted.until else None)

    def _asked(self, wanted: Wanted, read: _Read, small: tuple[int, int]) -> dict[str, object]:
        policy = read.now.policy
        return {
            "tenant": wanted.tenant,
            "since": None if read.query.span.since_ms is None else instant_of(read.query.span.since_ms),
            "until": None if read.query.span.until_ms is None else instant_of(read.query.span.until_ms),
            "zone": read.now.zone or "UTC",
            "policy": policy.name,
            "policy_hash": policy.hash,
            "segment_names": [*policy.segments, *VERSIONS],
            "small_cell": self._small_cell,
            "small_values": small[0],
            "small_transactions": small[1],
            "notes": read.found.notes(read.query),
        }


def _instant(name: str, given: datetime | date, zone: str | None) -> datetime:
    if not isinstance(given, datetime):
        given = in_zone(datetime.combine(given, time()), zone)
    elif given.tzinfo is None:
        raise Problem(422, "malformed", f"{name}: must say its offset from UTC, such as 2026-01-15T08:00:00Z")
    if not _EARLIEST <= given <= _LATEST:
        raise Problem(422, "malformed", f"{name}: must lie in the years 1970 to 9998")
    return given


@contextmanager
def _refusals(caller: Caller) -> Iterator[None]:
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
