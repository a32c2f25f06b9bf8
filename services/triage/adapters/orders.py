"""What somebody wants done with cases, decided and written: of one case or of many, by the same code."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, person
from proofwatch.audit.pending import Draw
from services.triage.adapters import entries
from services.triage.adapters.desk_writes import Doing, written
from services.triage.adapters.disposition_entries import DECIDED, REJECTED, REOPENED, RESTED, STAGED, voided
from services.triage.adapters.disposition_rows import settle
from services.triage.adapters.part_rows import MERGED, TAKEN_OUT
from services.triage.core.assignments import CaseNow, Change, Deed, Refusal, Worker, decided
from services.triage.core.dispositions import Finding, FourEyes, Terms, Verdict
from services.triage.core.hours import Hours
from services.triage.core.judgements import Asked, judged, path
from services.triage.core.parts import merged, taken_out

_ACTION: Final[Mapping[Deed, str]] = {
    "take": entries.ASSIGNED, "assign": entries.ASSIGNED, "release": entries.RELEASED, "refer": entries.REFERRED,
    "close": entries.CLOSED, "clear": DECIDED, "threat": DECIDED, "approve": DECIDED, "reject": REJECTED,
    "snooze": RESTED, "wake": RESTED, "reopen": REOPENED, "merge": MERGED, "unmerge": TAKEN_OUT,
}  # fmt: skip
_OF_WORK: Final = frozenset[Deed]({"take", "assign", "release", "refer", "close"})
WITH_PARTS: Final = frozenset[Deed]({"close", "reopen"})
"""What is done to the parts of a case, too."""


class Order(NamedTuple):
    """A deed of `core/life.py`; `to`: the name of an account, of `assign`; `finding`: of `clear` and `threat`.

    `until`: of `snooze`; `into`: the case that goes on for it, of `merge`.
    """

    deed: Deed
    reason: str = ""
    to: str | None = None
    finding: Finding | None = None
    until: datetime | None = None
    into: str | None = None


class Orders:
    """Decides and writes, in the transaction that it is given; whatever it is of is locked."""

    def __init__(self, draw: Draw, four_eyes: FourEyes, terms: Terms, hours: Hours) -> None:
        """As those of `PostgresDesk`."""
        self._draw, self._four_eyes, self._terms, self._hours = draw, four_eyes, terms, hours

    def decided(
        self, order: Order, case: CaseNow, acting: Session, now: datetime, *, to: Worker | None, other: CaseNow | None
    ) -> Change | Refusal:
        """Return what becomes of a case that is there for who acts.

        `to`: whom `order.to` names; `other`: the case that it becomes a part of, or is one of.
        """
        if order.deed in _OF_WORK:
            return decided(case, acting, order.deed, to)
        if order.deed == "merge":
            return merged(case, other, acting)
        if order.deed == "unmerge":
            return taken_out(case, other, acting)
        return judged(case, acting, self._asked(order, case), now)

    async def settled(
        self,
        tx: Any,
        order: Order,
        case: CaseNow,
        found: Change | Refusal,
        acting: Session,
        now: datetime,
        why: str | None = None,
    ) -> Sequence[Entry]:
        """Write what was decided; return the entries of it. What was refused is one, too.

        `why`: of a next case, why it is that one.
        """
        if isinstance(found, Change):
            doing = Doing(
                case,
                order.deed,
                found,
                path(case, order.deed, found),
                acting.person_id,
                order.reason,
                now,
                why or order.deed,
                self._hours,
            )
            return await written(tx, doing, self._draw, self._terms)
        by = person(acting.person_id)
        told = [entries.denied(_ACTION.get(order.deed, STAGED), case, by, found, now, self._draw)]
        if found.why == "evidence_changed":
            await settle(tx, case.case_id, "voided", acting.person_id, now)
            told.append(voided(case, by, now, self._draw))
        return told

    def _asked(self, order: Order, case: CaseNow) -> Asked:
        if order.deed not in ("clear", "threat"):
            return Asked(order.deed, until=order.until)
        verdict: Verdict = "cleared" if order.deed == "clear" else "threat"
        found = order.finding or Finding.of(verdict, order.reason)
        return Asked(order.deed, found, four_eyes=self._four_eyes.asked_for(case.tenant, verdict))
