"""The desk as the API and the pages ask it: bodies come out, problems are raised."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from proofwatch.access.reasons import stated
from proofwatch.events.identity import derived_id
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.cursors import bad_cursor, read, written
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.desk import NoSuchCase, PostgresDesk
from services.triage.adapters.desk_reads import After
from services.triage.adapters.incident_cases import cases_of_incidents
from services.triage.adapters.waiting import Held, held, read_until, waiting
from services.triage.api.bodies import (
    Attack,
    Attempts,
    Beside,
    Case,
    CaseChanges,
    CasePage,
    Deed,
    Kind,
    Next,
    Severity,
    State,
    Task,
    Waiting,
)
from services.triage.api.cursors import place_of
from services.triage.api.refusals import refusals
from services.triage.api.shown import shown_listed, shown_timeline, shown_whole, why_not
from services.triage.core.assignments import NOTHING, ListedCase
from services.triage.core.dispositions import Finding
from services.triage.core.news import Place
from services.triage.core.notes import unfit
from services.triage.core.timeline import AttemptPlace
from services.triage.core.wanted import Wanted

if TYPE_CHECKING:
    import asyncpg

STATES: Final[Mapping[State, Sequence[str]]] = {
    "running": ("open", "escalated"), "open": ("open",), "escalated": ("escalated",), "closed": ("closed",),
    "all": ("open", "escalated", "closed"),
}  # fmt: skip

_Number = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
_Moment = Annotated[int, msgspec.Meta(ge=0, le=2**52)]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,128}$")]
_Text = Annotated[str, msgspec.Meta(max_length=256, pattern=r"^[^\x00]*$")]
_CURSOR: Final = msgspec.json.Decoder(tuple[_Moment, Literal[0, 1, 2, 3], Literal[0, 1], Literal[0, 1], _Number, _Id])

_ATTEMPT: Final = msgspec.json.Decoder(tuple[Annotated[datetime, msgspec.Meta(tz=True)], _Text, _Text])

_NAME: Final = re.compile(r"[\x21-\x7e]{1,128}")
NEEDS_REASON: Final = frozenset[Deed](
    {
        "clear",
        "threat",
        "reject",
        "know",
        "novel",
        "high_risk",
        "refer",
        "snooze",
        "close",
        "reopen",
        "merge",
        "unmerge",
    }
)


class Cases:
    """What a person may see of cases and do with them. Every call raises `Problem`."""

    def __init__(self, desk: PostgresDesk, pool: "asyncpg.Pool", clock: Clock) -> None:
        self._desk, self._pool, self._clock = desk, pool, clock

    async def page(
        self,
        caller: Caller,
        state: State,
        *,
        mine: bool,
        limit: int,
        cursor: str = "",
        proposed: bool = False,
        find: str = "",
        tenant: str = "",
        kind: Kind | None = None,
        task: Task | None = None,
        severity: Severity | None = None,
    ) -> CasePage:
        """Return some of the cases that are there for who asks, in the order of lists.

        `proposed`: of those of which something waits for a second person; `find`: of those that this text stands for.
        """
        after, now = _after(cursor) if cursor else None, self._now()
        with refusals(caller.session):
            found = await self._desk.listed(
                caller.token,
                now,
                states=STATES[state],
                mine=mine,
                most=limit,
                after=after,
                proposed=proposed,
                wanted=Wanted.given(tenant, kind, severity, find, task),
            )
        more = _cursor(found[-1], after.as_of if after else now) if len(found) == limit else None
        return CasePage(cases=[shown_listed(each, caller.session) for each in found], next=more)

    async def changes(self, caller: Caller, *, limit: int, cursor: str = "") -> CaseChanges:
        """Return cases that changed after a cursor, in the order in which that was committed."""
        after = place_of(cursor) if cursor else Place()
        with refusals(caller.session):
            found = await self._desk.changed(caller.token, after, limit, self._now())
        if found is None:
            raise bad_cursor()
        cases, place = found
        return CaseChanges(cases=[shown_listed(each, caller.session) for each in cases], next=written(place))

    async def one(self, caller: Caller, case_id: str, *, itself: bool = False) -> Case:
        """Return a case whole; of a part, the whole that it goes on with, unless it is wanted `itself`."""
        with refusals(caller.session):
            found = await self._desk.one(case_id, caller.token, self._now(), itself=itself)
            return shown_whole(found, caller.session)

    async def attempts(self, caller: Caller, case_id: str, *, limit: int, cursor: str = "") -> Attempts:
        """Return attempts beside a case, the newest first."""
        after = AttemptPlace(*read(cursor, _ATTEMPT)) if cursor else None
        with refusals(caller.session):
            return shown_timeline(await self._desk.attempts(case_id, caller.token, self._now(), limit, after))

    async def do(
        self,
        caller: Caller,
        deed: Deed,
        case_id: str,
        seen: str,
        *,
        to: str | None = None,
        reason: str = "",
        attack: Attack | None = None,
        species: str | None = None,
        into: str | None = None,
        into_seen: str | None = None,
        until: datetime | None = None,
    ) -> bool:
        """Do something with a case that was seen so; return whether anything changed."""
        given = stated(reason)
        if deed in NEEDS_REASON and not given:
            raise Problem(422, "reason_missing", "say why: it stays with the case and in the audit log")
        finding = finding_of(deed, given, attack, species)
        with refusals(caller.session):
            done = await self._desk.do(
                deed,
                case_id,
                caller.token,
                self._now(),
                to=to,
                reason=given,
                seen=seen,
                finding=finding,
                into=into,
                into_seen=into_seen,
                until=until,
            )
        return done != NOTHING

    @property
    def takes_notes(self) -> bool:
        """Return whether notes can be taken here."""
        return self._desk.notes.are_kept

    async def note(self, caller: Caller, case_id: str, text: str, key: str | None = None) -> None:
        """Add a note to a case; `key`: of the caller's own, under which it is added once."""
        if wrong := unfit(text):
            raise Problem(422, "personal_data", wrong, {"field": "text"})
        said = (caller.session.person_id, case_id, key)
        note_id = str(uuid.uuid4()) if key is None else derived_id("note", *map(str, said))
        with refusals(caller.session):
            await self._desk.note(case_id, text, caller.token, self._now(), note_id)

    async def beside(self, caller: Caller, case_id: str, name: str) -> Beside:
        """Return two cases side by side; `name`: the id of the other, or the first letters of it that lists show."""
        with refusals(caller.session):
            one = await self._desk.one(case_id, caller.token, self._now(), itself=True)
            found = await self._desk.named(name, one.listed.now.tenant) if _NAME.fullmatch(name) else None
            if found is None:
                raise _no_other()
            try:
                other = await self._desk.one(found, caller.token, self._now())
            except NoSuchCase:
                raise _no_other() from None
            if other.listed.now.case_id == case_id:
                raise _no_other()
        both = shown_whole(one, caller.session), shown_whole(other, caller.session)
        return Beside(*both, why_not(one, other, caller.session), why_not(other, one, caller.session))

    async def next(self, caller: Caller) -> Next:
        """Give who asks the next case, and say why it."""
        with refusals(caller.session):
            found = await self._desk.next(caller.token, self._now())
        if found is None:
            return Next(case=None, because=None, why="nothing waits for you")
        return Next(case=shown_whole(found.case, caller.session), because=found.why, why=found.sentence)

    async def waiting(self, caller: Caller, since: datetime) -> Waiting:
        """Return how much there is to do; nobody's case is read for it."""
        with refusals(caller.session):
            found = (await waiting(self._pool, caller.session, since, self._now()))._asdict()
        return Waiting(cursor=written(found.pop("settled")), **found)

    async def read_until(self, caller: Caller) -> datetime | None:
        """Return up to when triage has read what it makes cases of; None: nothing yet. It says nothing of a case."""
        with refusals(caller.session):
            return await read_until(self._pool)

    async def of_incidents(self, caller: Caller, incidents: Sequence[str]) -> dict[str, str]:
        """Return the case of each incident, as far as it is there for who asks; it says nothing of a case."""
        with refusals(caller.session):
            return await cases_of_incidents(self._pool, caller.session, incidents)

    async def held(self, caller: Caller) -> Held:
        """Return how many cases who asks works on, and how many at most."""
        with refusals(caller.session):
            return await held(self._pool, caller.session, self._desk.limits)

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


def _no_other() -> Problem:
    said = "name one other case of the same tenant that is there for you: its id, or the letters that lists show"
    return Problem(422, "no_such_whole", said, {"field": "with"})


def finding_of(deed: Deed, reason: str, attack: Attack | None, species: str | None) -> Finding | None:
    """Return what is said that cases are, of a deed that says it. Raises `Problem`."""
    try:
        if deed == "clear":
            return Finding.of("cleared", reason)
        return Finding.of("threat", reason, attack, species or None) if deed == "threat" else None
    except ValueError as error:
        raise Problem(422, "malformed", str(error), {"field": "species"}) from None


def _cursor(last: ListedCase, as_of: datetime) -> str:
    return written(After.of(last, as_of))


def _after(cursor: str) -> After:
    return After(*read(cursor, _CURSOR))
