"""What a decision looks at: gathered anew for each, in the transaction in which it is decided."""

from typing import Any, NamedTuple, Self

from proofwatch.governance.purposes import Purpose, needs_consent
from services.imagery.core.facts import CATEGORY, Act, CaseFacts, Flagged, ImageryFacts, Limits, Moment, Request
from services.imagery.core.lease import Lease
from services.imagery.handlers.refusals import NotSignedIn, Unavailable
from services.imagery.handlers.through_glass import held_open
from services.imagery.ports import Consents, ConsentsUnread, Opening, Store


class Asked(NamedTuple):
    """A lease that is asked for."""

    tenant: str
    case_id: str
    transaction_id: str
    purpose: Purpose
    reason: str

    @classmethod
    def again(cls, lease: Lease) -> Self:
        """Return what a lease was granted for."""
        return cls(lease.tenant, lease.case_id, lease.transaction_id, lease.purpose, lease.reason)


class Facts(NamedTuple):
    """What is so at this moment; `flagged`: where the imagery lies, if its transaction was flagged."""

    request: Request
    flagged: Flagged | None


class FactsNow:
    """Gathers them; it keeps nothing."""

    def __init__(self, store: Store, opening: Opening, consents: Consents, limits: Limits) -> None:
        self._store, self._opening, self._consents, self._limits = store, opening, consents, limits

    async def request(self, tx: Any, act: Act, session_id: str, asked: Asked, moment: Moment) -> Request:
        """Return what a decision looks at, as it is at this moment. Raises `NotSignedIn`, `Unavailable`."""
        return (await self._facts(tx, act, session_id, asked, moment)).request

    async def of_lease(self, tx: Any, lease: Lease, moment: Moment) -> Facts:
        """Return the facts of a lease that was granted, as they are now. Raises `NotSignedIn`, `Unavailable`."""
        facts = await self._facts(tx, "view", lease.session_id, Asked.again(lease), moment)
        if lease.glass_id is None:
            return facts
        return facts._replace(request=await held_open(self._store, tx, facts.request, lease.glass_id))

    async def _facts(self, tx: Any, act: Act, session_id: str, asked: Asked, moment: Moment) -> Facts:
        now = moment.now
        viewer = await self._store.viewer(tx, session_id, now)
        if viewer is None:
            raise NotSignedIn
        flagged = await self._store.flagged(tx, asked.tenant, asked.transaction_id)
        restriction = await self._store.restriction(tx, flagged, now) if flagged else None
        case = await self._store.case(tx, asked.case_id, asked.transaction_id) or _no_case(asked.case_id)
        try:
            consented = (
                flagged is not None
                and needs_consent(CATEGORY, asked.purpose)
                and await self._consents.given(tx, flagged, asked.purpose, now)
            )
        except ConsentsUnread as error:
            raise Unavailable(str(error)) from None
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        request = Request(
            act=act,
            viewer=viewer,
            case=case,
            imagery=ImageryFacts(
                asked.tenant,
                asked.transaction_id,
                flagged=flagged is not None,
                located=flagged is not None and self._opening.located(flagged),
                erased=False,  # erasure takes the row away: then it is not flagged
                consented=consented,
                restricted_by=restriction.hold_id if restriction else None,
            ),
            purpose=asked.purpose,
            reason=asked.reason,
            at=now,
            last_seen_at=moment.last_seen,
            views_today=await self._store.views_since(tx, viewer.person_id, midnight),
            break_glass=False,
            limits=self._limits,
            use_permitted=restriction is not None and not case.homes.isdisjoint(restriction.permitted),
        )
        return Facts(request, flagged)


def _no_case(case_id: str) -> CaseFacts:
    return CaseFacts(case_id, "", open=False, high_risk=False, assignee=None, has_transaction=False)
