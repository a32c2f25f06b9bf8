"""What the API and the pages ask of looking back: bodies come out, problems are raised."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

import msgspec
import orjson

from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper
from proofwatch.governance.predicate import InvalidPredicate
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.lookback_desk import NoSuchLookback, PostgresLookbacks
from services.triage.api.lookback_bodies import DayMatched, Lookback, LookbackAsked, SharedBy
from services.triage.api.patterns import pattern_refusals
from services.triage.core.lookbacks import Found
from services.triage.core.lookbacks import Lookback as Stored
from services.triage.core.patterns import Text

_NAMESPACE: Final = UUID("5a6f7c52-8c40-4d55-9d4f-7d0a6f0f4c11")
_EACH_SIDE: Final = 0.975
_NONE: Final = "there is nothing of the kind for you; it is kept for thirty days"
_NEEDS: Final = {
    "traits": "case_id: name the case whose members are compared",
    "preview": "pattern_id: name the pattern, or send a predicate; one of both",
    "hunt": "pattern_id: name the pattern, which two people agreed to",
}


class Lookbacks:
    """What people look back for. Every call raises `Problem`."""

    def __init__(self, desk: PostgresLookbacks, clock: Clock) -> None:
        self._desk, self._clock = desk, clock

    async def ask(self, caller: Caller, asked: LookbackAsked, key: str, form: str | None = None) -> Lookback:
        """Ask for it, once under a key of the caller's; `form`: what a draft's form had, which is kept with it."""
        now = instant_of(self._clock.now_ms())
        lookback_id = uuid5(_NAMESPACE, f"{caller.session.person_id}/{key}").hex
        wanted = Stored(
            lookback_id=lookback_id,
            kind=asked.kind,
            pattern_id=asked.pattern_id,
            revision=None,
            severity=None,
            predicate=_predicate(asked),
            case_id=asked.case_id,
            tenants=None,
            person_id="",
            asked_at=now,
            since=now - timedelta(days=asked.days),
            most=asked.most,
            form=form,
        )
        with pattern_refusals():
            try:
                return _shown(await self._desk.ask(wanted, caller.token, now))
            except NoSuchLookback:
                raise Problem(
                    409, "hunted_already", "others hunt for this pattern now: wait until that is done"
                ) from None

    async def one(self, caller: Caller, lookback_id: str) -> Lookback:
        """Return how far it is, and what was found."""
        return _shown(await self._found(caller, lookback_id))

    async def form_of(self, caller: Caller, lookback_id: str) -> str | None:
        """Return what the form had that it was asked from."""
        return (await self._found(caller, lookback_id)).form

    async def of_pattern(self, caller: Caller, pattern_id: str) -> Sequence[Lookback]:
        """Return what was looked back for with a pattern, the newest first."""
        return [_shown(each) for each in await self._desk.of_pattern(pattern_id, caller.session)]

    async def _found(self, caller: Caller, lookback_id: str) -> Stored:
        with pattern_refusals():
            try:
                return await self._desk.one(lookback_id, caller.token, instant_of(self._clock.now_ms()))
            except NoSuchLookback:
                raise Problem(404, "no_such_lookback", _NONE) from None


def sentence_of(of: Stored, found: Found) -> str:
    """Return how far it is, in words."""
    if of.state == "failed":
        return found.failed
    if of.state == "waiting":
        return "it begins in a moment"
    if of.state == "opening":
        return f"{of.opened:,} of {len(of.chosen or ()):,} are opened for review"
    matches = (
        f"{of.matched:,} {'is' if of.matched == 1 else 'are'} of the case"
        if of.kind == "traits"
        else (f"{of.matched:,} {'matches' if of.matched == 1 else 'match'}")
    )
    said = f"{of.read:,} transactions were compared, {matches}"
    return f"{said}; {of.progress * 100:.0f} % of the time is read" if of.state == "reading" else said


def _predicate(asked: LookbackAsked) -> str | None:
    """Return the predicate that is asked with, in one spelling. Raises `Problem`."""
    given = (asked.case_id is not None, asked.pattern_id is not None, asked.predicate is not None)
    right = {"traits": ((True, False, False),), "hunt": ((False, True, False),)}
    if given not in right.get(asked.kind, ((False, True, False), (False, False, True))):
        raise Problem(422, "malformed", _NEEDS[asked.kind], {"field": _NEEDS[asked.kind].partition(":")[0]})
    if asked.predicate is None:
        return None
    try:
        return Text.of("", "low", orjson.dumps(asked.predicate)).predicate
    except (InvalidPredicate, TypeError) as error:
        raise Problem(422, "malformed", f"predicate: {error}", {"field": "predicate"}) from None


def _shown(of: Stored) -> Lookback:
    found = msgspec.json.decode(of.result, type=Found) if of.result else Found()
    threats, judged = found.threats, found.judged
    told = {name: getattr(of, name) for name in Lookback.model_fields if name in Stored._fields}
    told |= {name: getattr(found, name) for name in Lookback.model_fields if name in Found.__struct_fields__}
    if of.state == "opening":
        told["progress"] = of.opened / max(1, len(of.chosen or ()))
    told |= {
        "sentence": sentence_of(of, found),
        "low": clopper_pearson_lower(threats, judged, _EACH_SIDE) if judged else None,
        "high": clopper_pearson_upper(threats, judged, _EACH_SIDE) if judged else None,
        "days": [DayMatched(day=each.day, matched=each.matched, accepted=each.accepted) for each in found.days],
        "shared": [SharedBy(**{name: getattr(each, name) for name in SharedBy.model_fields}) for each in found.shared],
    }
    return Lookback(**told)
