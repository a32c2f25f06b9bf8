"""Where people ask to look back, and see how far that is; each asking is an entry, in the transaction that keeps it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import session, transaction
from services.triage.adapters import lookback_rows as rows
from services.triage.adapters import pattern_rows
from services.triage.adapters.pattern_desk import (
    HUNTED,
    PREVIEWED,
    READ,
    USER,
    NoSuchPattern,
    PatternRefused,
    PostgresPatterns,
    refusal_to_look,
)
from services.triage.core.lookbacks import Lookback
from services.triage.core.patterns import Pattern, Refusal

_SHOWN: Final = 8


class NoSuchLookback(LookupError):
    """There is none that is there for who asks."""


class PostgresLookbacks:
    """The desk of what is looked back for."""

    def __init__(self, patterns: PostgresPatterns) -> None:
        self._patterns, self.pool = patterns, patterns.pool

    async def ask(self, asked: Lookback, token: str, now: datetime) -> Lookback:
        """Keep what somebody asks, once under its id; return it as it is. `asked`: without who asks, and of whom.

        A pattern is hunted for by one hunt at a time: who asks meanwhile is given that one, if it is there for them.
        Raises `NoSession`, `NotAllowed`, `NoSuchPattern`, and `PatternRefused`, which is an entry.
        """
        action = HUNTED if asked.kind == "hunt" else PREVIEWED
        asking = await self._patterns.asking(token, now, action, asked.pattern_id)
        async with transaction(self.pool, USER) as tx:
            acting = await self._patterns.acting(tx, asking.session_id, now)
            if (before := await rows.one(tx, asked.lookback_id)) is not None:
                return _there(before, acting)
            pattern = await pattern_rows.found(tx, asked.pattern_id) if asked.pattern_id else None
            refusal = await self._refusal(tx, action, asked, acting, pattern, now)
            missing = asked.pattern_id is not None and pattern is None
            found = None
            if refusal is None and not missing:
                await rows.keep(tx, _of(asked, acting, pattern))
                found = await rows.one(tx, asked.lookback_id) or await rows.running_hunt(tx, asked.pattern_id or "")
            await enter(tx, _entry(action, asked, acting, now, refusal))
        if refusal:
            raise PatternRefused(refusal)
        if found is None:
            raise NoSuchPattern(asked.pattern_id or "")
        return _there(found, acting)

    async def _refusal(
        self, tx: Any, action: str, asked: Lookback, acting: Session, pattern: Pattern | None, now: datetime
    ) -> Refusal | None:
        refusal = refusal_to_look(action, acting, pattern)
        if refusal is not None or asked.kind != "traits":
            return refusal
        case = await self._patterns.case_for(tx, asked.case_id, acting, now)
        return case if isinstance(case, Refusal) else None

    async def one(self, lookback_id: str, token: str, now: datetime) -> Lookback:
        """Return what was asked, as far as it is. Raises `NoSession`, `NotAllowed`, `NoSuchLookback`."""
        asking = await self._patterns.asking(token, now, READ)
        async with session(self.pool, USER) as connection:
            found = await rows.one(connection, lookback_id)
        if found is None:
            raise NoSuchLookback
        return _there(found, asking)

    async def of_pattern(self, pattern_id: str, asking: Session) -> Sequence[Lookback]:
        """Return what was looked back for with a pattern, of tenants that are there for who asks, the newest first."""
        async with session(self.pool, USER) as connection:
            found = await rows.of_pattern(connection, pattern_id, 4 * _SHOWN)
        return [each for each in found if _sees(asking, each)][:_SHOWN]


def _entry(action: str, asked: Lookback, by: Session, now: datetime, refusal: Refusal | None) -> Entry:
    said: dict[str, str | int] = {"since": asked.since.isoformat(), "limit": asked.most}
    what = [Object("attack_pattern", asked.pattern_id)] if asked.pattern_id else []
    what += [Object("case", asked.case_id)] if asked.case_id else []
    details: dict[str, str | int] = {"why": refusal.why} if refusal else said
    return act(action, person(by.person_id), now, *what, details=details, outcome="denied" if refusal else "granted")


def _of(asked: Lookback, who: Session, pattern: Pattern | None) -> Lookback:
    """Return what is kept of what somebody asks: by whom, of whose traffic, and of a kept pattern what it says."""
    tenants = None if who.tenants is None else sorted(who.tenants)
    given = asked._replace(person_id=who.person_id, tenants=tenants)
    if pattern is None:
        return given
    text = pattern.text
    return given._replace(revision=pattern.revision, severity=text.severity, predicate=text.predicate)


def _sees(who: Session, lookback: Lookback) -> bool:
    """Return whether what was found is there for somebody: it is of tenants that are, all of them."""
    if who.tenants is None:
        return True
    return lookback.tenants is not None and set(lookback.tenants) <= set(who.tenants)


def _there(lookback: Lookback, who: Session) -> Lookback:
    own = lookback.pattern_id is None
    if not _sees(who, lookback) or (own and lookback.person_id != who.person_id):
        raise NoSuchLookback
    return lookback
