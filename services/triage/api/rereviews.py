"""Blind re-reviews as the API and the pages ask them: bodies come out, problems are raised."""

from datetime import datetime, timedelta
from typing import Final

from proofwatch.access.reasons import stated
from proofwatch.biometrics import agreement
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.rereviews import PostgresRereviews
from services.triage.api.refusals import refusals
from services.triage.api.rereview_bodies import Agreed, Agreement, Blind, Finding, Judged, NextBlind, Pair
from services.triage.api.shown import shown_reason
from services.triage.core import rereviews as core
from services.triage.core.dispositions import Finding as Found

LONGEST: Final = timedelta(days=400)
USUAL: Final = timedelta(days=90)
_TICK: Final = timedelta(microseconds=1)
"""What was judged now is of the time until now."""


class Rereviews:
    """What a person may judge again, and what came of it. Every call raises `Problem`."""

    def __init__(self, rereviews: PostgresRereviews, clock: Clock) -> None:
        self._rereviews, self._clock = rereviews, clock

    async def next(self, caller: Caller) -> NextBlind:
        """Give who asks one to judge."""
        with refusals(caller.session):
            found = await self._rereviews.next(caller.token, self._now())
        return NextBlind(rereview=_blind(found) if found else None)

    async def judge(self, caller: Caller, disposition_id: str, said: Judged) -> Pair:
        """Keep what they found; return it beside what was found first."""
        try:
            finding = Found.of(said.verdict, stated(said.reason), said.attack, said.species or None)
        except ValueError as error:
            raise Problem(422, "malformed", str(error), {"field": "species"}) from None
        with refusals(caller.session):
            return _pair(await self._rereviews.judge(disposition_id, finding, caller.token, self._now()))

    async def told(
        self, caller: Caller, tenant: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Agreed:
        """Return how far they agree; of the last 90 days, where no span is named."""
        now = self._now()
        until = until or now + _TICK
        since = since or until - USUAL
        if not since < until <= since + LONGEST:
            said = f"since: must lie before until, and {LONGEST.days} days before it at most"
            raise Problem(422, "malformed", said, {"field": "since"})
        with refusals(caller.session):
            found, different = await self._rereviews.told(caller.token, tenant, since, until, now)
        both = {"verdict": _agreement(found.verdict), "kind": _agreement(found.kind)}
        return Agreed(since=since, until=until, different=[_pair(each) for each in different], **both)

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


def _blind(found: core.Blind) -> Blind:
    given = {**found._asdict(), "why": [shown_reason(each) for each in found.reasons]}
    return Blind(**{name: given[name] for name in Blind.model_fields})


def _pair(pair: core.Pair) -> Pair:
    both = {"first": Finding(**pair.first._asdict()), "second": Finding(**pair.second._asdict())}
    return Pair(**{**pair._asdict(), **both, "differs": pair.differs})


def _agreement(found: agreement.Agreement) -> Agreement:
    return Agreement(**found._asdict())
