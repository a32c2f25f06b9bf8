"""Attack patterns as the API and the pages ask for them: bodies come out, problems are raised."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import orjson

from proofwatch.access.reasons import stated
from proofwatch.access.session import Session
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper
from proofwatch.bus.postgres.pool import session
from proofwatch.governance.predicate import InvalidPredicate
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.pattern_desk import USER, NoSuchPattern, PatternRefused, PostgresPatterns
from services.triage.adapters.pattern_hits import FoundToBe, Total, days_of, found_of, totals_of
from services.triage.api.pattern_bodies import (
    DayOfHits,
    Drafted,
    ListedPattern,
    Matched,
    Pattern,
    PatternAct,
    PatternDeed,
    PatternPage,
    Precision,
)
from services.triage.api.refusals import refusals
from services.triage.core.patterns import Pattern as Stored
from services.triage.core.patterns import Text, deeds_of
from services.triage.core.predicate_words import words_of

DAYS: Final = 28
"""Days of hits that are shown of a pattern."""
NEEDS_REASON: Final = frozenset({"propose", "approve", "reject", "live", "withdraw"})
_EACH_SIDE: Final = 0.975
_NOT_FOR_YOU: Final = frozenset({"role_missing", "your_own", "not_yours"})


class Patterns:
    """What people do with attack patterns. Every call raises `Problem`."""

    def __init__(self, desk: PostgresPatterns, clock: Clock) -> None:
        self._desk, self._clock = desk, clock

    async def page(self, caller: Caller) -> PatternPage:
        """Return the patterns, with what they matched of the caller's tenants."""
        with pattern_refusals():
            asking, found = await self._desk.listed(caller.token, self._now())
            return PatternPage(patterns=await self._shown(asking, found))

    async def one(self, caller: Caller, pattern_id: str) -> Pattern:
        """Return a pattern whole."""
        now = self._now()
        with pattern_refusals():
            asking, found, history = await self._desk.one(pattern_id, caller.token, now)
            [listed] = await self._shown(asking, [found])
            async with session(self._desk.pool, USER) as connection:
                since = (now - timedelta(days=DAYS - 1)).date()
                days = await days_of(connection, pattern_id, _tenants(asking), since)
        return Pattern(
            **listed.model_dump(),
            days=[DayOfHits(day=each.day, mode=each.mode, hits=each.hits, accepted=each.accepted) for each in days],
            history=[PatternAct(**each._asdict()) for each in history],
        )

    async def draft(self, caller: Caller, drafted: Drafted) -> Pattern:
        """Write a draft, or write it anew."""
        with pattern_refusals():
            text = _text(drafted)
            await self._desk.draft(drafted.pattern_id, text, drafted.case_id, caller.token, self._now())
        return await self.one(caller, drafted.pattern_id)

    async def do(self, caller: Caller, deed: PatternDeed, pattern_id: str, reason: str) -> Pattern:
        """Do a deed to a pattern; return it as it is then."""
        if deed in NEEDS_REASON and not stated(reason):
            raise Problem(422, "reason_missing", "say why: it stays with the pattern and in the audit log")
        with pattern_refusals():
            await self._desk.do(deed, pattern_id, caller.token, self._now(), stated(reason))
        return await self.one(caller, pattern_id)

    async def _shown(self, asking: Session, patterns: Sequence[Stored]) -> list[ListedPattern]:
        ids, tenants = [each.pattern_id for each in patterns], _tenants(asking)
        async with session(self._desk.pool, USER) as connection:
            totals = await totals_of(connection, ids, tenants)
            found = await found_of(connection, ids, tenants)
        return [_listed(each, asking, totals, found) for each in patterns]

    def _now(self) -> Any:
        return instant_of(self._clock.now_ms())


def _tenants(asking: Session) -> list[str] | None:
    return None if asking.tenants is None else sorted(asking.tenants)


def _text(drafted: Drafted) -> Text:
    try:
        return Text.of(drafted.description, drafted.severity, orjson.dumps(drafted.predicate), drafted.species)
    except (InvalidPredicate, TypeError) as error:
        raise Problem(422, "malformed", f"predicate: {error}", {"field": "predicate"}) from None


def _listed(pattern: Stored, asking: Session, totals: Sequence[Total], found: Sequence[FoundToBe]) -> ListedPattern:
    text = pattern.text
    by_mode = {each.mode: each for each in totals if each.pattern_id == pattern.pattern_id}
    judged = {each.mode: each for each in found if each.pattern_id == pattern.pattern_id}
    modes = [mode for mode in ("shadow", "live") if mode in by_mode or mode in judged]
    return ListedPattern(
        pattern_id=pattern.pattern_id,
        revision=pattern.revision,
        state=pattern.state,
        description=text.description,
        severity=text.severity,
        species=text.species,
        predicate=text.predicate,
        words=words_of(text.predicate),
        case_id=pattern.case_id,
        drafted_by=pattern.drafted_by,
        drafted_at=pattern.drafted_at,
        proposed_by=pattern.proposed_by,
        changed_at=pattern.changed_at,
        matched=[_matched(mode, by_mode.get(mode), judged.get(mode)) for mode in modes],
        deeds=list(deeds_of(pattern, asking)),
    )


def _matched(mode: Any, total: Total | None, found: FoundToBe | None) -> Matched:
    cases, judged, threats = (found.cases, found.judged, found.threats) if found else (0, 0, 0)
    low = clopper_pearson_lower(threats, judged, _EACH_SIDE) if judged else None
    high = clopper_pearson_upper(threats, judged, _EACH_SIDE) if judged else None
    return Matched(
        mode=mode,
        hits=total.hits if total else 0,
        last_at=total.last_at if total else None,
        precision=Precision(cases=cases, judged=judged, threats=threats, low=low, high=high),
    )


@contextmanager
def pattern_refusals() -> Iterator[None]:
    """Raise `Problem` for what the desk refuses somebody."""
    try:
        with refusals():
            yield
    except NoSuchPattern:
        raise Problem(404, "no_such_pattern", "there is no such pattern") from None
    except PatternRefused as error:
        status = 403 if error.why in _NOT_FOR_YOU else 404 if error.why == "no_such_case" else 409
        raise Problem(status, error.why, str(error)) from None
