"""Attack patterns as people work on them, in PostgreSQL; each deed, and each that is refused, with its entry.

Patterns are the platform's: who may read them reads all. What they matched is of tenants: everybody sees their own.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import AccessDenied, NoSession, NotAllowed
from proofwatch.access.machines import PostgresMachines
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.access.scopes import is_machines
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, Object, Outcome, person
from proofwatch.audit.pending import Draw, act, enter
from proofwatch.bus.postgres.pool import transaction
from services.triage.adapters import pattern_rows as rows
from services.triage.adapters.desk_reads import lock_all, locked_case
from services.triage.core.assignments import is_there
from services.triage.core.patterns import NOVEL, Change, Deed, Pattern, Refusal, Text, decided, may_read

if TYPE_CHECKING:
    import asyncpg

USER: Final = "patterns"
READ: Final = "patterns.read"
PREVIEWED: Final = "pattern.previewed"
HUNTED: Final = "pattern.hunted"
NOT_COMPARED: Final = Refusal(
    "not_at_this_stage", "two people agree to a pattern first: what is in shadow, or live, is hunted for"
)
ACTIONS: Final[Mapping[Deed, str]] = {
    "draft": "pattern.drafted",
    "propose": "pattern.proposed",
    "approve": "pattern.approved",
    "reject": "pattern.rejected",
    "live": "pattern.live_proposed",
    "withdraw": "pattern.stopped",
}
"""What is entered of each; that one is published, the auditor enters of its record."""


class NoSuchPattern(LookupError):
    """There is no such pattern."""

    def __init__(self, pattern_id: str) -> None:
        super().__init__(f"there is no pattern {pattern_id!r}; `proofwatch pattern list` shows those that are")


class PatternRefused(AccessDenied):
    """Somebody may not do this with a pattern; the message says what would be right."""

    def __init__(self, refusal: Refusal) -> None:
        self.why = refusal.why
        super().__init__(refusal.sentence)


class PostgresPatterns:
    """Where people work on patterns."""

    def __init__(self, pool: "asyncpg.Pool", draw: Draw = secrets.token_bytes) -> None:
        """`draw`: ids and salts of entries."""
        self.pool, self._draw = pool, draw
        self._people, self._machines = PostgresPeople(pool), PostgresMachines(pool)

    async def listed(self, token: str, now: datetime, most: int = 500) -> tuple[Session, list[Pattern]]:
        """Return who asks, and the patterns as they may see them. Raises `NoSession`, `NotAllowed`."""
        asking = await self.asking(token, now, READ)
        async with transaction(self.pool, USER) as tx:
            found = [_shown(each, asking) for each in await rows.listed(tx, most)]
            await enter(tx, self._read(asking, len(found), now))
        return asking, found

    async def one(self, pattern_id: str, token: str, now: datetime) -> tuple[Session, Pattern, Sequence[rows.Acted]]:
        """Return who asks, a pattern, and what people did with it.

        Raises `NoSession`, `NotAllowed`, `NoSuchPattern`.
        """
        asking = await self.asking(token, now, READ, pattern_id)
        async with transaction(self.pool, USER) as tx:
            found = await rows.found(tx, pattern_id)
            history = await rows.history(tx, pattern_id)
            await enter(tx, self._read(asking, int(found is not None), now, pattern_id))
        if found is None:
            raise NoSuchPattern(pattern_id)
        return asking, _shown(found, asking), history

    async def draft(
        self, pattern_id: str, text: Text, case_id: str | None, token: str, now: datetime, reason: str = ""
    ) -> Pattern:
        """Write a draft, or write it anew; a new one comes from a case that who asks works on and found to be novel.

        Raises `NoSession`, `NotAllowed`, and `PatternRefused`, which is an entry.
        """
        asking = await self.asking(token, now, ACTIONS["draft"], pattern_id)
        async with transaction(self.pool, USER) as tx:
            acting = await self.acting(tx, asking.session_id, now)
            before = await rows.locked(tx, pattern_id)
            found = decided(before, acting, "draft")
            whence: tuple[str | None, str | None] = (before.case_id, before.tenant) if before else (None, None)
            if isinstance(found, Change) and (case_id is not None or before is None):
                told = await self.case_for(tx, case_id, acting, now)
                found, whence = (told, whence) if isinstance(told, Refusal) else (found, told)
            after = Pattern(
                pattern_id,
                before.revision if before else 0,
                "draft",
                text,
                *whence,
                acting.person_id,
                now,
                None,
                now,
            )
            settled = await self._settled(tx, before, after, "draft", found, acting, reason, now)
        return _unrefused(settled)

    async def do(self, deed: Deed, pattern_id: str, token: str, now: datetime, reason: str = "") -> Pattern:
        """Do a deed to a pattern; return it as it stands then.

        Raises `NoSession`, `NotAllowed`, `NoSuchPattern`, and `PatternRefused`, which is an entry.
        """
        asking = await self.asking(token, now, ACTIONS[deed], pattern_id)
        async with transaction(self.pool, USER) as tx:
            acting = await self.acting(tx, asking.session_id, now)
            before = await rows.locked(tx, pattern_id)
            if before is None:
                raise NoSuchPattern(pattern_id)
            found = decided(before, acting, deed)
            after = before._replace(changed_at=now)
            if isinstance(found, Change):
                proposed_by = acting.person_id if deed in ("propose", "live") else None
                after = after._replace(state=found.state, proposed_by=proposed_by)
            settled = await self._settled(tx, before, after, deed, found, acting, reason, now)
        return _unrefused(settled)

    async def looking_back(
        self, action: str, pattern_id: str, token: str, now: datetime, details: Mapping[str, str | int]
    ) -> tuple[Session, Pattern]:
        """Return who asks and the pattern, once it is on record that they look at what it matched before.

        `action`: `PREVIEWED`, or `HUNTED`, which is for researchers, of what is compared. Raises `NoSession`,
        `NotAllowed`, `NoSuchPattern`, and `PatternRefused`, which is an entry.
        """
        asking = await self.asking(token, now, action, pattern_id)
        async with transaction(self.pool, USER) as tx:
            acting = await self.acting(tx, asking.session_id, now)
            found = await rows.found(tx, pattern_id)
            refusal = refusal_to_look(action, acting, found)
            said = {"why": refusal.why} if refusal else details
            await enter(tx, self._back(action, pattern_id, acting, now, said, "denied" if refusal else "granted"))
        if refusal:
            raise PatternRefused(refusal)
        if found is None:
            raise NoSuchPattern(pattern_id)
        return acting, found

    async def hunted(self, pattern: Pattern, by: Session, now: datetime, opened: int, left_out: int) -> None:
        """Enter how much of what a pattern matched before is opened for review."""
        async with transaction(self.pool, USER) as tx:
            details: dict[str, str | int] = {"opened": opened, "left_out": left_out, "revision": pattern.revision}
            await enter(tx, self._back(HUNTED, pattern.pattern_id, by, now, details, "done"))

    def _back(
        self,
        action: str,
        pattern_id: str,
        by: Session,
        now: datetime,
        details: Mapping[str, str | int],
        outcome: Outcome,
    ) -> Entry:
        what, who = Object("attack_pattern", pattern_id), person(by.person_id)
        return act(action, who, now, what, details=details, outcome=outcome, draw=self._draw)

    async def _settled(
        self,
        tx: Any,
        before: Pattern | None,
        after: Pattern,
        deed: Deed,
        found: Change | Refusal,
        acting: Session,
        reason: str,
        now: datetime,
    ) -> Pattern | Refusal:
        if isinstance(found, Refusal):
            await enter(tx, self._entry(deed, after, acting, now, reason, {"why": found.why}, "denied"))
            return found
        after = await rows.done(tx, before, after, deed, found, acting.person_id, reason)
        details: dict[str, str | int] = {"state": after.state, "revision": after.revision}
        await enter(tx, self._entry(deed, after, acting, now, reason, details))
        return after

    def _entry(
        self,
        deed: Deed,
        pattern: Pattern,
        by: Session,
        now: datetime,
        reason: str,
        details: Mapping[str, str | int],
        outcome: Outcome = "done",
    ) -> Entry:
        objects = [Object("attack_pattern", pattern.pattern_id)]
        if deed == "draft" and pattern.case_id:
            objects.append(Object("case", pattern.case_id))
        who = person(by.person_id)
        return act(ACTIONS[deed], who, now, *objects, reason=reason, details=details, outcome=outcome, draw=self._draw)

    async def case_for(self, tx: Any, case_id: str | None, acting: Session, now: datetime) -> tuple[str, str] | Refusal:
        """Return the case that a draft comes from, with its tenant; or why it cannot come from that."""
        if case_id is None:
            return Refusal("no_such_case", "a new pattern comes from a case that you found to be novel: name it")
        await lock_all(tx, case_id)
        found = await locked_case(tx, case_id, now)
        if found is None or not is_there(found[0], acting):
            return Refusal("no_such_case", f"there is no case {case_id!r} for you")
        case = found[0]
        if case.restricted:
            return Refusal("restricted", "the processing of the data that the case is about is restricted")
        if case.assignee != acting.person_id:
            return Refusal("not_yours", "take the case first: who works on it drafts the pattern")
        if case.stage not in NOVEL:
            return Refusal("not_novel", "a pattern comes from a case that was found to be novel, or of high risk")
        return case.case_id, case.tenant

    async def acting(self, tx: Any, session_id: str, now: datetime) -> Session:
        """Return who acts, whose session is locked until the transaction ends. Raises `NoSession`."""
        acting = await self._people.locked(tx, session_id, now)
        if acting is None:
            raise NoSession
        return acting

    async def asking(self, token: str, now: datetime, action: str, pattern_id: str | None = None) -> Session:
        """Return who asks. Raises `NoSession`, and `NotAllowed`, which is an entry."""
        asked = self._machines if is_machines(token) else self._people
        found = await asked.session_of(token, now)
        if found is None:
            raise NoSession
        if not may_read(found):
            what = [Object("attack_pattern", pattern_id)] if pattern_id else []
            who, why = found.actor, {"why": "role_missing"}
            async with transaction(self.pool, USER) as tx:
                await enter(tx, act(action, who, now, *what, details=why, outcome="denied", draw=self._draw))
            raise NotAllowed("patterns are for analysts, checkers, researchers and approvers")
        return found

    def _read(self, by: Session, count: int, now: datetime, pattern_id: str | None = None) -> Entry:
        what = [Object("attack_pattern", pattern_id)] if pattern_id else []
        details: dict[str, str | int] = {"patterns": count, "identity": by.identity}
        return act(READ, by.actor, now, *what, details=details, outcome="granted", draw=self._draw)


def refusal_to_look(action: str, who: Session, pattern: Pattern | None) -> Refusal | None:
    """Return why somebody does not look at what a pattern matched before; None: they may."""
    proposes, approves = who.may(Act.PROPOSE_PATTERN), who.may(Act.APPROVE_PATTERN)
    if not proposes and not (approves and action == PREVIEWED):
        return Refusal("role_missing", "to look back you need the role researcher; to preview, approver will do")
    return NOT_COMPARED if action == HUNTED and pattern is not None and not pattern.is_compared else None


def _unrefused(settled: Pattern | Refusal) -> Pattern:
    if isinstance(settled, Refusal):
        raise PatternRefused(settled)
    return settled


def _shown(pattern: Pattern, to: Session) -> Pattern:
    """Return a pattern without the case that it came from where that is not there for somebody."""
    if pattern.tenant is not None and to.sees(pattern.tenant):
        return pattern
    return pattern._replace(case_id=None, tenant=None)
