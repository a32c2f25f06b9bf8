"""Cases as people work on them, in PostgreSQL: looked at, taken, given, released, closed; each act with its entry.

Whoever acts is locked as a session for as long as the transaction lasts, and so is the case: of two who take it at the
same moment one has it.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import AccessDenied, NoSession, NotAllowed
from proofwatch.access.machines import PostgresMachines
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.access.scopes import is_machines
from proofwatch.access.session import Session
from proofwatch.audit.entry import person
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.privacy.key_encryption import KeyEncryption
from services.triage.adapters import entries
from services.triage.adapters.changes import changed_cases
from services.triage.adapters.desk_reads import (
    After,
    in_hand,
    listed_cases,
    lock_all,
    locked_case,
    named_cases,
    named_worker,
    next_locked,
    whole_case,
    whole_id,
)  # fmt: skip
from services.triage.adapters.notes import NOTED, PostgresNotes, noted
from services.triage.adapters.orders import WITH_PARTS, Order, Orders
from services.triage.adapters.similar import similar_cases
from services.triage.adapters.timeline import timeline_of
from services.triage.core.assignments import (
    CaseNow,
    Change,
    Deed,
    ListedCase,
    Refusal,
    about_yourself,
    decided,
    is_restricted,
    is_there,
    only_queue,
)
from services.triage.core.cases import Queue
from services.triage.core.dispositions import TERMS, Finding, FourEyes, Terms
from services.triage.core.hours import AROUND_THE_CLOCK, Hours
from services.triage.core.limits import Limits
from services.triage.core.news import Place
from services.triage.core.similar import nearest
from services.triage.core.timeline import NONE, AttemptPlace, Timeline
from services.triage.core.wanted import ANY, Wanted
from services.triage.core.whole import NextCase, WholeCase, queues_of

if TYPE_CHECKING:
    import asyncpg

NO_OTHERS: Final = Limits()
ALWAYS_TWO: Final = FourEyes("all", {})
IT_IS_FINAL: Final = Refusal(
    "is_final", "it goes on in another case, or its subject was erased: nothing is added to it"
)
NO_QUEUE: Final = Refusal("role_missing", "the next case is for who takes cases: the role analyst, or researcher")


class NoSuchCase(LookupError):
    """There is no such case for this person: it is not there, not of their tenants, or not of their kind."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"there is no case {case_id!r} for you; `proofwatch cases list` shows those that are")


class TenantNotYours(AccessDenied):
    """Somebody asked for what is of a tenant that is not there for them."""

    def __init__(self, tenant: str) -> None:
        super().__init__(f"what is of {tenant} is not there for you")


class CaseRefused(AccessDenied):
    """Somebody may see the case and not do this with it; the message says what would be right."""

    def __init__(self, refusal: Refusal) -> None:
        self.why = refusal.why
        super().__init__(refusal.sentence)


class CaseChanged(AccessDenied):
    """The case is no longer as somebody saw it, and nothing was done with it; `case`: as it is now."""

    def __init__(self, case: WholeCase) -> None:
        self.case = case
        super().__init__("the case has changed since you looked, and nothing was done: look again, then decide")


class PostgresDesk:
    """Where people work on cases."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        draw: Draw = secrets.token_bytes,
        *,
        limits: Limits = NO_OTHERS,
        four_eyes: FourEyes = ALWAYS_TWO,
        terms: Terms = TERMS,
        keys: KeyEncryption | None = None,
        hours: Hours = AROUND_THE_CLOCK,
    ) -> None:
        """`draw`: ids and salts of entries; `limits`: who works on so many cases is given no next one.

        `four_eyes`: which dispositions need a second person; `terms`: what their labels say of themselves; `keys`: what
        wraps the keys that notes are sealed under, None: there are no notes; `hours`: when people work.
        """
        self.orders, self.notes = Orders(draw, four_eyes, terms, hours), PostgresNotes(keys)
        self.pool, self._draw, self.limits = pool, draw, limits
        self._people, self._machines = PostgresPeople(pool), PostgresMachines(pool, draw)

    async def listed(
        self,
        token: str,
        now: datetime,
        *,
        case_id: str | None = None,
        states: Sequence[str] | None = None,
        mine: bool = False,
        overdue: bool = False,
        proposed: bool = False,
        most: int = 100,
        after: After | None = None,
        wanted: Wanted = ANY,
    ) -> list[ListedCase]:
        """Return the cases that are there for this person and `wanted`, once it is on record that they look.

        Grave ones first, then overdue ones, then the oldest; `after`: those behind that place.

        Raises `NoSession`, `NotAllowed`.
        """
        asking = await self.session(token, now)
        tenants = None if asking.tenants is None else sorted(asking.tenants)
        whose = asking.person_id if mine else None
        async with transaction(self.pool, "cases") as tx:
            there = await listed_cases(
                tx,
                case_id,
                tenants,
                states,
                whose,
                most,
                now,
                after,
                overdue=overdue,
                proposed=proposed,
                wanted=wanted,
            )
            found = [each for each in there if is_there(each.now, asking)]
            await enter(tx, entries.read(asking, [each.now for each in found], case_id, now, self._draw))
        return found

    async def changed(
        self, token: str, after: Place, most: int, now: datetime
    ) -> tuple[list[ListedCase], Place] | None:
        """Return cases that changed, and how far that is, once it is on record that they look.

        None: nobody can have come so far. Raises `NoSession`, `NotAllowed`.
        """
        asking = await self.session(token, now)
        tenants = None if asking.tenants is None else sorted(asking.tenants)
        async with transaction(self.pool, "cases") as tx:
            changes = await changed_cases(tx, after, tenants, most, now)
            if changes is None:
                return None
            there, place = changes
            found = [each for each in there if is_there(each.now, asking)]
            if found:
                await enter(tx, entries.read(asking, [each.now for each in found], None, now, self._draw))
        return found, place

    async def one(self, case_id: str, token: str, now: datetime, *, itself: bool = False) -> WholeCase:
        """Return a case whole, once it is on record that they look; of a part, the whole, unless they want it `itself`.

        Raises `NoSession`, `NotAllowed`, `NoSuchCase`.
        """
        asking = await self.session(token, now)
        async with transaction(self.pool, "cases") as tx:
            await tx.execute("set transaction isolation level repeatable read")  # its parts are of one moment
            whole = await whole_case(tx, case_id if itself else await whole_id(tx, case_id), now)
            found = whole if whole and is_there(whole.listed.now, asking) else None
            if found:
                found = await self._with_what_is_beside(tx, found, asking, now)
            seen = 1 + len(found.similar) if found else 0
            of = found.listed.now.tenant if found else None
            await enter(tx, entries.looked(asking, seen, of, case_id, now, self._draw))
        if found is None:
            raise NoSuchCase(case_id)
        return found

    async def _with_what_is_beside(self, tx: Any, case: WholeCase, to: Session, now: datetime) -> WholeCase:
        of = case.listed.now
        similar = await similar_cases(tx, of, only_queue(to), now)
        notes = tuple(await self.notes.of(tx, of.case_id, now))
        return case._replace(notes=notes, similar=nearest(similar), timeline=await timeline_of(tx, of, now))

    async def attempts(
        self, case_id: str, token: str, now: datetime, most: int, after: AttemptPlace | None = None
    ) -> Timeline:
        """Return attempts beside a case, of a part beside itself, once it is on record that they look.

        Raises `NoSession`, `NotAllowed`, `NoSuchCase`.
        """
        asking = await self.session(token, now)
        async with transaction(self.pool, "cases") as tx:
            there = [each.now for each in await listed_cases(tx, case_id, None, None, None, 1, now)]
            found = [each for each in there if asking.sees(each.tenant) and is_there(each, asking)]
            timeline = await timeline_of(tx, found[0], now, most, after) if found else NONE
            await enter(tx, entries.read(asking, found, case_id, now, self._draw))
        if not found:
            raise NoSuchCase(case_id)
        return timeline

    async def named(self, name: str, tenant: str) -> str | None:
        """Return the id that a name stands for: an id, or its first letters, of which the tenant has no other case.

        None: none, or several. It says nothing of whether the case is there for somebody.
        """
        async with session(self.pool, "cases") as connection:
            found = await named_cases(connection, name, tenant)
        return found[0] if len(found) == 1 else None

    async def next(self, token: str, now: datetime) -> NextCase | None:
        """Give somebody the first case of the list that nobody works on; nobody else gets the same. None: none waits.

        Raises `NoSession`, `NotAllowed`, and `CaseRefused` (too many in hand, or no role for it), which is an entry.
        """
        session_id = (await self.session(token, now)).session_id
        async with transaction(self.pool, "cases") as tx:
            acting = await self.acting(tx, session_id, now)
            open_to: Collection[Queue] | Refusal = NO_QUEUE
            if queues := queues_of(acting):
                open_to = self.limits.open_to(*await in_hand(tx, acting.person_id), queues)
            if isinstance(open_to, Refusal):
                await enter(tx, entries.none_given(person(acting.person_id), open_to, now, self._draw))
                found = None
            else:
                found = await self._next(tx, acting, open_to, now)
        if isinstance(open_to, Refusal):
            raise CaseRefused(open_to)
        return found

    async def do(
        self,
        deed: Deed,
        case_id: str,
        token: str,
        now: datetime,
        *,
        to: str | None = None,
        reason: str = "",
        seen: str | None = None,
        finding: Finding | None = None,
        until: datetime | None = None,
        into: str | None = None,
        into_seen: str | None = None,
    ) -> Change:
        """Do a deed of `core/life.py` to a case; return what became of it.

        `to`: the name of an account, of `assign`; `finding`: of `clear` and `threat`; `until`: of `snooze`; `into`:
        the case that goes on for it, of `merge`; `seen`, `into_seen`: as which they saw the two, None: whatever it is.
        Raises `NoSession`, `NotAllowed`, `NoSuchCase`, `CaseRefused`, which is an entry, too, and `CaseChanged`: that
        they see what it is now, is one.
        """
        order = Order(deed, reason, to, finding, until, into)
        session_id = (await self.session(token, now)).session_id
        async with transaction(self.pool, "cases") as tx:
            acting = await self.acting(tx, session_id, now)
            await lock_all(tx, case_id, *([into] if into else []), with_parts=deed in WITH_PARTS)
            case, as_it_is = await self._there(tx, case_id, acting, now)
            found: Change | Refusal | WholeCase
            if seen is not None and seen != as_it_is:
                found = await self._shown(tx, case, acting, now)
            else:
                found = await self._done(tx, order, case, into_seen, acting, now)
        if isinstance(found, Refusal):
            raise CaseRefused(found)
        if isinstance(found, WholeCase):
            raise CaseChanged(found)
        return found

    async def note(self, case_id: str, text: str, token: str, now: datetime, note_id: str) -> None:
        """Add a note to a case; one that is there is not added again.

        Raises `NoSession`, `NotAllowed`, `NoSuchCase`, `CaseRefused`, which is an entry, too, and `NotesAway`.
        """
        session_id = (await self.session(token, now)).session_id
        async with transaction(self.pool, "cases") as tx:
            acting = await self.acting(tx, session_id, now)
            await lock_all(tx, case_id)
            case, _ = await self._there(tx, case_id, acting, now)
            refusal = about_yourself(case, acting) or is_restricted(case, "review")
            refusal = refusal or (IT_IS_FINAL if case.is_final else None)
            if refusal:
                await enter(tx, entries.denied(NOTED, case, person(acting.person_id), refusal, now, self._draw))
            elif await self.notes.add(tx, note_id, case, text, acting.person_id, now):
                await enter(tx, noted(case, note_id, acting.person_id, now, self._draw))
        if refusal:
            raise CaseRefused(refusal)

    async def _done(
        self, tx: Any, order: Order, case: CaseNow, into_seen: str | None, acting: Session, now: datetime
    ) -> Change | Refusal | WholeCase:
        with_it = {"merge": order.into, "unmerge": case.part_of}.get(order.deed)
        other = await locked_case(tx, with_it, now) if with_it else None
        if other and not is_there(other[0], acting):
            other = None
        if other and into_seen not in (None, other[1]):
            return await self._shown(tx, other[0], acting, now)
        to = await named_worker(tx, order.to) if order.to else None
        found = self.orders.decided(order, case, acting, now, to=to, other=other[0] if other else None)
        if said := await self.orders.settled(tx, order, case, found, acting, now):
            await enter(tx, *said)
        return found

    async def _there(self, tx: Any, case_id: str, acting: Session, now: datetime) -> tuple[CaseNow, str]:
        locked = await locked_case(tx, case_id, now)
        if locked is None or not is_there(locked[0], acting):
            raise NoSuchCase(case_id)
        return locked

    async def acting(self, tx: Any, session_id: str, now: datetime) -> Session:
        """Return who acts, whose session stays until the transaction ends. Raises `NoSession`."""
        acting = await self._people.locked(tx, session_id, now)
        if acting is None:
            raise NoSession
        return acting

    async def _shown(self, tx: Any, case: CaseNow, to: Session, now: datetime) -> WholeCase:
        whole = await whole_case(tx, case.case_id, now)
        assert whole is not None, "it is locked"
        await enter(tx, entries.read(to, [case], case.case_id, now, self._draw))
        return whole

    async def _next(self, tx: Any, acting: Session, queues: Collection[str], now: datetime) -> NextCase | None:
        tenants = None if acting.tenants is None else sorted(acting.tenants)
        found = await next_locked(tx, queues, tenants, acting.person_id, now)
        if found is None:
            return None
        case_id, why, waiting = found
        locked = await locked_case(tx, case_id, now)
        assert locked is not None, "it is locked"
        taken = decided(locked[0], acting, "take")
        assert isinstance(taken, Change), "what cannot be taken is not looked for"
        await enter(tx, *await self.orders.settled(tx, Order("take"), locked[0], taken, acting, now, why))
        return NextCase(await self._shown(tx, locked[0], acting, now), why, waiting)

    async def session(self, token: str, now: datetime, *, used: bool = True) -> Session:
        """Return who asks, a machine too, which no `acting` finds; `used` False: a page does by itself.

        Raises `NoSession`, and `NotAllowed`, which is an entry.
        """
        if is_machines(token):
            found = await self._machines.session_of(token, now)
        else:
            found = await self._people.session_of(token, now, used=used)
        if found is None:
            raise NoSession
        if not found.may(Act.READ_CASES):
            async with transaction(self.pool, "cases") as tx:
                await enter(tx, entries.read(found, (), None, now, self._draw))
            raise NotAllowed("cases are for analysts, checkers and researchers; an admin gives roles")
        return found
