"""A view, from the question to the last byte: each step is decided on what holds at that moment.

Asked → granted or denied (an entry either way) → intended (an entry) → the entry has left the database's machine →
still allowed? → fetched → rebuilt and marked → still allowed? → sent, and looked after while it is sent → ended (an
entry). Whatever goes wrong before the first byte, no byte leaves.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import structlog

from proofwatch.audit.entry import SALT_BYTES, Entry
from proofwatch.bus.errors import BusError, DatabaseAway
from proofwatch.bus.records import Outgoing
from proofwatch.governance.purposes import Purpose, needs_consent
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from services.imagery.core import acts
from services.imagery.core.alerts import replayed
from services.imagery.core.decision import WORDS, Decision, ImageryPolicy
from services.imagery.core.facts import CATEGORY, Act, CaseFacts, Flagged, ImageryFacts, Limits, Request, Viewer
from services.imagery.core.glass import WORDS as GLASS_WORDS
from services.imagery.core.lease import WORDS as LEASE_WORDS
from services.imagery.core.lease import Lease, Terms, View, ViewState
from services.imagery.handlers.checkpoints import Checkpoints, NotLeft
from services.imagery.handlers.through_glass import held_open, through_glass
from services.imagery.ports import Consents, ConsentsUnread, Opening, Picture, Store, Undelivered

_log = structlog.get_logger(__name__)
_CHUNK: Final = 16_384
_LOOK_S: Final = 0.25


class Denied(Exception):
    """Nothing is opened; `code` is the reason, and the message a sentence for who asked."""

    def __init__(self, code: str) -> None:
        super().__init__(WORDS.get(code) or LEASE_WORDS.get(code) or GLASS_WORDS[code])
        self.code = code


class NotSignedIn(Exception):
    """There is no session, or it is over."""


class Unavailable(Exception):
    """What must be there before anything is opened is not; the message says what is waited for."""


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


class Showing(NamedTuple):
    """A picture that may be sent now, and the bytes to send, which stop when it may not any more."""

    view: View
    media_type: str
    chunks: AsyncGenerator[bytes, None]


class Broker:
    """Grants leases and shows pictures. It keeps nothing between two requests but which views are being sent."""

    def __init__(
        self,
        store: Store,
        checkpoints: Checkpoints,
        opening: Opening,
        policy: ImageryPolicy,
        clock: Clock,
        tell: Callable[[Outgoing], Awaitable[None]],
        consents: Consents,
        *,
        limits: Limits = Limits(),  # noqa: B008 — immutable
        terms: Terms = Terms(),  # noqa: B008 — immutable
        name: Callable[[], str] = lambda: secrets.token_urlsafe(18),
    ) -> None:
        self._store, self._checkpoints, self._opening = store, checkpoints, opening
        self._policy, self._clock, self._limits, self._terms, self._name = policy, clock, limits, terms, name
        self._tell, self._consents = tell, consents
        self.sending: set[str] = set()
        """Views that are in hand in this process."""

    async def lease(self, session_id: str, asked: Asked) -> Lease:
        """Grant a lease. Raises `Denied`, which is an entry too, `NotSignedIn`, `Unavailable`."""
        try:
            async with self._store.transaction() as tx:
                now = self._now()
                request = await self.request(tx, "lease", session_id, asked, now)
                request, refusal = await through_glass(self._store, tx, self._policy, request)
                lease = self._granted(request, asked) if refusal is None else None
                if lease:
                    await self._store.add_lease(tx, lease)
                entry = acts.asked(request, self._name(), _salt(), self._policy.digest, lease, refusal or "")
                await self._store.enter(tx, entry)
        except DatabaseAway as error:
            raise Unavailable(str(error)) from None
        if lease is None:
            raise Denied(refusal or "not_decidable")
        return lease

    async def show(self, session_id: str, lease_id: str, *, sharp: bool) -> Showing:
        """Begin a view and return what may be sent.

        Raises `Denied`, `NotSignedIn`, `Unavailable`, `Undelivered`; then there are no bytes, and an entry says why.
        """
        try:
            view, lease, flagged, intent = await self._intend(session_id, lease_id, sharp)
        except DatabaseAway as error:
            raise Unavailable(str(error)) from None
        self.sending.add(view.view_id)
        try:
            picture = await self._made(view, lease, flagged, intent)
        except BaseException as error:
            await self._unseen(view, error)
            raise
        return Showing(view, picture.media_type, self._sent(view, lease, picture.body))

    async def _decided_anew(self, tx: Any, lease: Lease, now: datetime) -> Decision:
        """Decide on a lease that was granted, on what holds now."""
        try:
            request = await self._again(tx, lease, now)
        except NotSignedIn:
            return Decision(False, ("confirmation_old",))
        # the view that is in hand has been counted
        return self._policy.decide(request._replace(views_today=max(0, request.views_today - 1)))

    async def _again(self, tx: Any, lease: Lease, now: datetime) -> Request:
        """Return the facts of a lease that was granted, as they are now."""
        request = await self.request(tx, "view", lease.session_id, Asked.again(lease), now)
        return request if lease.glass_id is None else await held_open(self._store, tx, request, lease.glass_id)

    async def request(self, tx: Any, act: Act, session_id: str, asked: Asked, now: datetime) -> Request:
        """Return what a decision looks at, as it is at this moment. Raises `NotSignedIn`, `Unavailable`."""
        last_seen = await self._store.last_seen(tx, now)
        viewer = await self._store.viewer(tx, session_id, now)
        if viewer is None:
            raise NotSignedIn
        flagged = await self._store.flagged(tx, asked.tenant, asked.transaction_id)
        case = await self._store.case(tx, asked.case_id, asked.transaction_id)
        try:
            consented = (
                flagged is not None
                and needs_consent(CATEGORY, asked.purpose)
                and await self._consents.given(tx, flagged, asked.purpose, now)
            )
        except ConsentsUnread as error:
            raise Unavailable(str(error)) from None
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Request(
            act=act,
            viewer=viewer,
            case=case
            or CaseFacts(asked.case_id, "", open=False, high_risk=False, assignee=None, has_transaction=False),
            imagery=ImageryFacts(
                asked.tenant,
                asked.transaction_id,
                flagged=flagged is not None,
                located=flagged is not None and self._opening.located(flagged),
                erased=False,  # erasure takes the row away: then it is not flagged
                consented=consented,
            ),
            purpose=asked.purpose,
            reason=asked.reason,
            at=now,
            last_seen_at=last_seen,
            views_today=await self._store.views_since(tx, viewer.person_id, midnight),
            break_glass=False,
            limits=self._limits,
        )

    def _granted(self, request: Request, asked: Asked) -> Lease:
        return Lease(
            self._name(),
            request.viewer.session_id,
            request.viewer.person_id,
            asked.tenant,
            asked.case_id,
            asked.transaction_id,
            asked.purpose,
            asked.reason,
            request.at,
            self._terms.until(request.at),
            self._terms.views,
            glass_id=request.glass_id,
        )

    async def _intend(self, session_id: str, lease_id: str, sharp: bool) -> tuple[View, Lease, Flagged, Entry]:
        refused: str | None = None
        async with self._store.transaction() as tx:
            now = self._now()
            viewer = await self._store.viewer(tx, session_id, now)
            if viewer is None:
                raise NotSignedIn
            lease = await self._store.lease(tx, lease_id)
            refused = "no_lease" if lease is None else lease.fault(session_id, now)
            if lease is not None and refused is None:
                found = await self._opened(tx, lease, viewer, sharp, now)
                if not isinstance(found, str):
                    return found
                refused = found
            entry = acts.refused_view(viewer.person_id, lease_id, refused or "", self._name(), now, _salt())
            await self._store.enter(tx, entry)
        if refused == "other_session":
            await self._replayed(lease_id, viewer.person_id, now)
        raise Denied(refused or "no_lease")

    async def _replayed(self, lease_id: str, person_id: str, now: datetime) -> None:
        """Tell it at once; that it was denied is in the log already, whether or not the bus answers."""
        try:
            await self._tell(replayed(lease_id, person_id, now))
        except BusError as error:
            _log.warning("imagery_alert_untold", reason=str(error))

    async def _opened(
        self, tx: Any, lease: Lease, viewer: Viewer, sharp: bool, now: datetime
    ) -> tuple[View, Lease, Flagged, Entry] | str:
        decision = self._policy.decide(await self._again(tx, lease, now))
        flagged = await self._store.flagged(tx, lease.tenant, lease.transaction_id)
        if not decision.allowed or flagged is None:
            return decision.reason or "not_flagged"
        view = View(self._name(), lease.lease_id, viewer.person_id, sharp, now)
        intent = acts.intended(lease, view, _salt(), self._policy.digest)
        await self._store.begin_view(tx, view)
        await self._store.enter(tx, intent)
        return view, lease, flagged, intent

    async def _made(self, view: View, lease: Lease, flagged: Flagged, intent: Entry) -> Picture:
        try:
            await self._checkpoints.left(intent, self._terms.view_s)
        except NotLeft as error:
            raise Unavailable(f"nothing is opened before its entry has left: {error}") from None
        await self._still(lease)
        picture = await self._opening.picture(flagged, view, lease.case_id)
        await self._still(lease)
        return picture

    async def _still(self, lease: Lease) -> None:
        """Raise `Denied` unless it is allowed at this moment."""
        try:
            async with self._store.transaction() as tx:
                now = self._now()
                current = await self._store.lease(tx, lease.lease_id)
                fault = "no_lease" if current is None else current._replace(views_left=1).fault(lease.session_id, now)
                decision = await self._decided_anew(tx, lease, now)
        except DatabaseAway as error:
            raise Unavailable(str(error)) from None
        if fault or not decision.allowed:
            raise Denied(fault or decision.reason)

    async def _sent(self, view: View, lease: Lease, body: bytes) -> AsyncGenerator[bytes, None]:
        sent, code = 0, "not_taken"
        loop = asyncio.get_running_loop()
        looked = loop.time()
        try:
            for begin in range(0, len(body), _CHUNK):
                if loop.time() - looked > _LOOK_S:
                    await self._still(lease)
                    looked = loop.time()
                chunk = body[begin : begin + _CHUNK]
                sent += len(chunk)
                yield chunk
            code = ""
        except (Denied, Unavailable) as error:
            code = error.code if isinstance(error, Denied) else "unavailable"
            raise
        finally:
            # what has left has been seen, whole or in part
            await asyncio.shield(self._end(view, "delivered" if sent else "undelivered", code, sent))

    async def _unseen(self, view: View, error: BaseException) -> None:
        if isinstance(error, Undelivered):
            await self._end(view, "undelivered", error.code, 0)
        elif isinstance(error, Denied):
            await self._end(view, "withheld", error.code, 0)
        else:
            await asyncio.shield(self._end(view, "withheld", "unavailable", 0))

    async def _end(self, view: View, state: ViewState, code: str, sent: int) -> None:
        """Enter what became of a view; where that cannot be, the sweep counts it as seen."""
        try:
            async with self._store.transaction() as tx:
                now = self._now()
                if await self._store.end_view(tx, view.view_id, state, code, sent, now):
                    await self._store.enter(tx, acts.over(view, state, code, sent, now, _salt()))
        except DatabaseAway as error:
            _log.warning("imagery_view_unended", view=view.view_id, reason=str(error))
        finally:
            self.sending.discard(view.view_id)

    def _now(self) -> datetime:
        return instant_of(self._clock.now_ms())


def _salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)
