"""Breaking the glass: asked for, agreed to by a second person, stopped; each of them an entry, and each refusal too."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

import structlog

from proofwatch.access.reasons import stated
from proofwatch.audit.entry import SALT_BYTES, Entry, person
from proofwatch.bus.errors import BusUnavailable, DatabaseAway
from proofwatch.bus.records import Outgoing
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from services.imagery.core.acts import THE_BROKER
from services.imagery.core.alerts import broken, whole
from services.imagery.core.decision import ImageryPolicy
from services.imagery.core.facts import Act, Limits, Moment, Request, Viewer
from services.imagery.core.glass import Glass, GlassTerms
from services.imagery.core.glass_acts import ASKED, BEGUN, ENDED, act, unknown
from services.imagery.handlers.facts_now import Asked
from services.imagery.handlers.refusals import Denied, NotSignedIn, Unavailable
from services.imagery.ports import Store

_log = structlog.get_logger(__name__)
Tell = Callable[[Outgoing], Awaitable[None]]


class Facts(Protocol):
    """Gathers what a decision looks at: `FactsNow.request`."""

    def __call__(self, tx: Any, act: Act, session_id: str, asked: Asked, moment: Moment) -> Awaitable[Request]:
        """Return the facts. Raises `NotSignedIn`."""
        ...


class BreakGlass:
    """Keeps nothing: all of it is in the database. Every call raises `NotSignedIn`, and `Unavailable`."""

    def __init__(
        self,
        store: Store,
        facts: Facts,
        policy: ImageryPolicy,
        clock: Clock,
        tell: Tell,
        *,
        limits: Limits = Limits(),  # noqa: B008 — immutable
        terms: GlassTerms = GlassTerms(),  # noqa: B008 — immutable
        name: Callable[[], str] = lambda: secrets.token_urlsafe(18),
    ) -> None:
        """`tell` publishes an alert for the SOC."""
        self._store, self._facts, self._policy, self._clock, self._tell = store, facts, policy, clock, tell
        self._silent = Condition(_log, "imagery_glass_untold")
        self._limits, self._terms, self._name = limits, terms, name

    async def ask(self, session_id: str, asked: Asked) -> Glass:
        """Ask for it; everything but the assignment must hold already. Raises `Denied`."""
        async with _Deciding(self._store) as tx:
            moment = await self._store.moment(tx, self._clock)
            now = moment.now
            request = await self._facts(tx, "lease", session_id, asked, moment)
            refusal = self._policy.decide(request._replace(break_glass=True)).reason
            if not refusal and request.case.assignee == request.viewer.person_id:
                refusal = "not_needed"
            until = self._terms.asked_until(now)
            glass = Glass(self._name(), request.viewer.person_id, *asked, now, until, self._terms.uses)
            if not refusal:
                await self._store.add_glass(tx, glass)
            await self._enter(tx, ASKED, request.viewer, glass, now, asked.reason, refusal)
        if refusal:
            raise Denied(refusal)
        return glass

    async def agree(self, session_id: str, glass_id: str, reason: str) -> Glass:
        """Agree to it, as the second person: it opens as soon as the SOC has been told. Raises `Denied`."""
        refusal: str | None = None
        async with _Deciding(self._store) as tx:
            now, seen = await self._store.moment(tx, self._clock)
            second = await self._viewer(tx, session_id, now)
            glass = await self._store.glass(tx, glass_id, locked=True)
            if glass is None:
                await self._store.enter(tx, self._unknown(BEGUN, second, glass_id, now))
            else:
                refusal = glass.refusal_of(second, now) or self._unfit(second, reason, now, seen)
                if not refusal:
                    until = self._terms.until(now)
                    glass = glass._replace(second_person=second.person_id, agreed_at=now, expires_at=until)
                    await self._store.change_glass(tx, glass)
                await self._enter(tx, BEGUN, second, glass, now, reason, refusal or "")
        if glass is None or refusal:
            raise Denied(refusal or "no_glass")
        await self._tell_now()
        return glass

    async def stop(self, session_id: str, glass_id: str) -> None:
        """Stop it: nothing is opened through it from now on. One that has ended is as good. Raises `Denied`."""
        async with _Deciding(self._store) as tx:
            now, _ = await self._store.moment(tx, self._clock)
            who = await self._viewer(tx, session_id, now)
            glass = await self._store.glass(tx, glass_id, locked=True)
            known = glass is not None and glass.may_stop(who)
            if glass is None or not known:
                await self._store.enter(tx, self._unknown(ENDED, who, glass_id, now))
            elif glass.ended_at is None:
                await self._store.change_glass(tx, glass._replace(ended_at=now))
                await self._enter(tx, ENDED, who, glass, now, "", "stopped")
        if not known:
            raise Denied("no_glass")
        await self._tell_now()

    async def step(self) -> int:
        """Enter that what is over has ended, and tell the SOC what it was not told yet; return how many ended.

        Raises `DatabaseAway`.
        """
        async with self._store.transaction() as tx:
            now = self._now()
            over = await self._store.glasses_over(tx, now)
            for each in over:
                await self._store.change_glass(tx, each._replace(ended_at=now))
                await self._enter(tx, ENDED, None, each, now, "", "over" if each.agreed_at else "unanswered")
        await self._tell_all()
        return len(over)

    async def _tell_now(self) -> None:
        with suppress(DatabaseAway):  # what was decided is committed; the sweep tells it
            await self._tell_all()

    async def _tell_all(self) -> None:
        """Tell the SOC what it was not told yet. While the bus is away it opens nothing, and is tried again.

        What dies in between tells again: an alert has one id, and its end is told after its beginning.
        """
        async with self._store.transaction() as tx:
            for each in await self._store.glasses_untold(tx):
                now = self._now()
                told = each.told_at is not None
                try:
                    if not told:
                        await self._tell(broken(each, now))
                    if each.ended_at is not None:
                        await self._tell(whole(each, now))
                except BusUnavailable as error:
                    self._silent.holds("bus_away", reason=str(error))
                    return
                ended = now if each.ended_at is not None else None
                await self._store.change_glass(tx, each._replace(told_at=each.told_at or now, end_told_at=ended))
        self._silent.clears()

    def _unfit(self, second: Viewer, reason: str, now: datetime, seen: datetime) -> str | None:
        """Return what else keeps the second person from agreeing."""
        if now < seen:
            return "clock_set_back"
        if not 0 <= (now - second.confirmed_at).total_seconds() <= self._limits.confirmed_within_s:
            return "confirmation_old"
        return None if stated(reason) else "reason_missing"

    async def _viewer(self, tx: Any, session_id: str, now: datetime) -> Viewer:
        found = await self._store.viewer(tx, session_id, now)
        if found is None:
            raise NotSignedIn
        return found

    async def _enter(
        self, tx: Any, action: str, by: Viewer | None, glass: Glass, now: datetime, reason: str, code: str
    ) -> None:
        actor = person(by.person_id) if by else THE_BROKER
        salt = secrets.token_bytes(SALT_BYTES)
        entry = act(action, actor, glass, self._name(), now, salt, reason=reason, code=code)
        await self._store.enter(tx, entry)

    def _unknown(self, action: str, by: Viewer, glass_id: str, now: datetime) -> Entry:
        salt = secrets.token_bytes(SALT_BYTES)
        return unknown(action, person(by.person_id), glass_id, self._name(), now, salt)

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


class _Deciding:
    """A transaction of the store; where the database is away nothing is opened."""

    def __init__(self, store: Store) -> None:
        self._transaction = store.transaction()

    async def __aenter__(self) -> Any:
        try:
            return await self._transaction.__aenter__()
        except DatabaseAway as error:
            raise Unavailable(str(error)) from None

    async def __aexit__(self, *error: Any) -> bool | None:
        try:
            return await self._transaction.__aexit__(*error)
        except DatabaseAway as away:
            raise Unavailable(str(away)) from None
