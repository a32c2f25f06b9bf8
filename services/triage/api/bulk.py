"""A deed on many cases as the API and the pages ask for it: bodies come out, problems are raised."""

from collections.abc import Sequence
from typing import Final

from proofwatch.access.reasons import stated
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.bulk import KeyReused, Named, Outcome, PostgresBulk
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.orders import Order
from services.triage.api.bulk_bodies import Bulk, BulkDone, BulkResult
from services.triage.api.cases import NEEDS_REASON, finding_of
from services.triage.api.refusals import refusals, status_of

_DONE: Final = ("done", "unchanged")
_STATUS: Final = {"done": 200, "unchanged": 200, "case_changed": 412, "no_such_case": 404}


class BulkDeeds:
    """What a person does with many cases at once. Every call raises `Problem`."""

    def __init__(self, desk: PostgresDesk, clock: Clock) -> None:
        self._bulk, self._clock = PostgresBulk(desk), clock

    async def do(self, caller: Caller, key: str, asked: Bulk) -> BulkDone:
        """Do a deed to each case that is as it was seen; what was done under this key is told, and not done again."""
        order = order_of(asked)
        named = [Named(each.case_id, each.version) for each in asked.cases]
        with refusals(caller.session):
            try:
                found = await self._bulk.do(key, order, named, caller.token, instant_of(self._clock.now_ms()))
            except KeyReused as error:
                raise Problem(422, "key_reused", str(error)) from None
        return _shown(found)

    async def told(self, caller: Caller, key: str) -> BulkDone:
        """Return what became of what somebody asked under a key. Raises `Problem`, where they asked nothing."""
        with refusals(caller.session):
            found = await self._bulk.results(key, caller.session)
        if not found:
            raise Problem(404, "no_such_page", "nothing was done under this address, or it is too long ago")
        return _shown(found)


def order_of(asked: Bulk) -> Order:
    """Return what is asked for as the desk has it. Raises `Problem` where something that it needs is missing."""
    reason = stated(asked.reason or "")
    if asked.deed in NEEDS_REASON and not reason:
        raise Problem(422, "reason_missing", "say why: it stays with the case and in the audit log")
    needed = {"assign": ("to", asked.to), "snooze": ("until", asked.until), "merge": ("into", asked.into)}
    name, given = needed.get(asked.deed, ("", True))
    if not given:
        raise Problem(422, "malformed", f"{name} must be given to {asked.deed}", {"field": name})
    finding = finding_of(asked.deed, reason, asked.attack, asked.species)
    return Order(asked.deed, reason, asked.to, finding, asked.until, asked.into)


def _shown(found: Sequence[Outcome]) -> BulkDone:
    results = [
        BulkResult(
            case_id=each.case_id,
            status=_STATUS.get(each.code) or status_of(each.code),
            code=each.code,
            detail=each.detail,
            version=each.seen,
        )
        for each in found
    ]
    return BulkDone(done=sum(each.code in _DONE for each in found), results=results)
