"""Figures as the API and the pages ask them: an entry first, then the windows; bodies come out, problems are raised."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Act
from proofwatch.exits.table import DET, FIGURES
from proofwatch.instants import instant_of, ms_of
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.adapters.database_source import load_database, tenants_counted
from services.aggregator.adapters.in_force import TenantNow
from services.aggregator.api.asking import Source, instant, refusals
from services.aggregator.api.bodies import Det, Handsets, Parts, Rates, Tenants, WhatIf
from services.aggregator.api.shown import shown_curve, shown_handset, shown_part, shown_rate, shown_would
from services.aggregator.core.det import det_curves
from services.aggregator.core.found import Found, Query
from services.aggregator.core.handsets import DIMENSIONS, handsets
from services.aggregator.core.parts import is_proxy, parts_of
from services.aggregator.core.segments import VERSIONS, WHOLE, Segment
from services.aggregator.core.span import Counted, Span, Truth, counted, truth
from services.aggregator.core.span_rates import span_rates
from services.aggregator.core.what_if import Check, Thresholds, span_what_if

LONGEST: Final = timedelta(days=400)


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

    def __init__(self, source: Source) -> None:
        self._source = source

    async def tenants(self, caller: Caller) -> Tenants:
        """Return the tenants that figures may be asked of; their names alone, which leaves no entry."""
        with refusals(caller):
            if not caller.session.may(Act.READ_FIGURES):
                raise NotAllowed("figures are for analysts, checkers, researchers, authors and approvers")
            async with self._source.reading() as connection:
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
            small_cell=self._source.small_cell,
        )
        small = (found.small_values, found.small_transactions)
        return Rates(**self._asked(wanted, read, small), rates=[shown_rate(each) for each in found.rates])

    async def parts(self, caller: Caller, wanted: Wanted, metric: str) -> Parts:
        """Return the windows that a rate of the tenant, or of one value of a segment, was summed from."""
        name, _, value = wanted.segment.partition("=")
        if name and not value:
            raise Problem(422, "malformed", "segment: name one value, such as os=ios")
        read = await self._read("windows", caller, wanted)
        of, small_cell = (name, value) if name else WHOLE, self._source.small_cell
        small = self._small_of(read, of)[0]
        found = [] if small else list(parts_of(read.found, of, metric, read.now.policy))
        listed = [
            each._replace(listed=of == WHOLE or (each.transactions or small_cell) >= small_cell) for each in found
        ]
        return Parts(
            tenant=wanted.tenant,
            segment=wanted.segment,
            labelled=not is_proxy(metric),
            k=sum(each.k for each in listed),
            n=sum(each.n for each in listed),
            small_cell=small_cell,
            kept_back=sum(not each.listed for each in listed) + small,
            parts=[shown_part(each) for each in listed],
        )

    async def handsets(self, caller: Caller, wanted: Wanted) -> Handsets:
        """Return how handsets, operating systems, SDK releases and countries fare beside the rest."""
        read = await self._read("handsets", caller, wanted, DIMENSIONS)
        names = read.query.names
        found = handsets(counted(read.found.counted), names=names, small_cell=self._source.small_cell)
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
            small_cell=self._source.small_cell,
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
        return (1, n) if of != WHOLE and n < self._source.small_cell else (0, 0)

    async def _read(self, name: str, caller: Caller, wanted: Wanted, every: tuple[str, ...] = ()) -> _Read:
        """Return the windows, once it is on record who asks; `every`: the segments where none is named."""
        segment, _, value = wanted.segment.partition("=")
        names = (segment,) if segment else every
        with refusals(caller):
            now = self._source.tenants.of(wanted.tenant)
            span = self._span(wanted, now.zone)
            exit_ = DET if name == "det" else FIGURES[name]
            granted = await self._source.admitted(exit_, caller, wanted.tenant, now)
            query = Query(wanted.tenant, span, names, value or None, zone=now.zone)
            found = await load_database(self._source.pool, query, granted.sees)
            found.require(query)
            return _Read(found, now, query)

    def _span(self, wanted: Wanted, zone: str | None) -> Span:
        now = instant_of(self._source.clock.now_ms())
        since, until = instant("since", wanted.since, zone), instant("until", wanted.until or now, zone)
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
            "small_cell": self._source.small_cell,
            "small_values": small[0],
            "small_transactions": small[1],
            "notes": read.found.notes(read.query),
        }
