"""A view, from the question to the last byte: each step is decided on what holds at that moment.

Asked → granted or denied (an entry either way) → intended (an entry) → the entry has left the database's machine →
still allowed? → fetched → rebuilt and marked → still allowed? → sent, and looked after while it is sent → ended (an
entry). Whatever goes wrong before the first byte, no byte leaves.
"""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple

from proofwatch.audit.entry import SALT_BYTES, Entry
from proofwatch.audit.pending import Draw
from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.records import Outgoing
from proofwatch.runtime.clock import Clock
from services.imagery.core import acts
from services.imagery.core.alerts import replayed
from services.imagery.core.decision import Decision, ImageryPolicy
from services.imagery.core.facts import Flagged, Limits, Moment, Request, Viewer
from services.imagery.core.lease import Lease, Terms, View
from services.imagery.handlers.checkpoints import NotLeft
from services.imagery.handlers.facts_now import Asked, FactsNow
from services.imagery.handlers.refusals import Denied, NotSignedIn, Unavailable
from services.imagery.handlers.sending import Sending
from services.imagery.handlers.through_glass import through_glass
from services.imagery.handlers.untold import Untold
from services.imagery.ports import Consents, Departures, Opening, Picture, Store


class Showing(NamedTuple):
    """A picture that may be sent now, and the bytes to send, which stop when it may not any more.

    Whoever sends it calls `end` when that is over, however it is over; see `Delivery.end`.
    """

    view: View
    media_type: str
    chunks: AsyncGenerator[bytes, None]
    end: Callable[..., Awaitable[None]]


class Broker:
    """Grants leases and shows pictures. It keeps nothing between two requests but which views are being sent."""

    def __init__(
        self,
        store: Store,
        checkpoints: Departures,
        opening: Opening,
        policy: ImageryPolicy,
        clock: Clock,
        tell: Callable[[Outgoing], Awaitable[None]],
        consents: Consents,
        *,
        limits: Limits = Limits(),  # noqa: B008 — immutable
        terms: Terms = Terms(),  # noqa: B008 — immutable
        name: Callable[[], str] = lambda: secrets.token_urlsafe(18),
        draw: Draw = secrets.token_bytes,
    ) -> None:
        """`name`: of leases, views, entries; `draw`: their salts."""
        self._store, self._checkpoints, self._opening = store, checkpoints, opening
        self._policy, self._clock, self._terms, self._name, self._draw = policy, clock, terms, name, draw
        self._views = Sending(store, clock, terms.chunk_bytes, draw)
        self._untold = Untold(tell)
        """Alerts of grants that were tried by others: one for a lease and who tried it."""
        self.facts = FactsNow(store, opening, consents, limits)
        self.sending = self._views.in_hand
        """Views that are in hand in this process."""

    async def lease(self, session_id: str, asked: Asked) -> Lease:
        """Grant a lease. Raises `Denied`, which is an entry too, `NotSignedIn`, `Unavailable`."""
        try:
            async with self._store.transaction() as tx:
                moment = await self._store.moment(tx, self._clock)
                request = await self.facts.request(tx, "lease", session_id, asked, moment)
                request, refusal = await through_glass(self._store, tx, self._policy, request)
                lease = self._granted(request, asked) if refusal is None else None
                if lease:
                    await self._store.add_lease(tx, lease)
                entry = acts.asked(request, self._name(), self._salt(), self._policy.digest, lease, refusal or "")
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
            await self._views.unseen(view, error)
            raise
        delivery = self._views.delivery(view, picture.body, lambda: self._still(lease))
        return Showing(view, picture.media_type, delivery.chunks, delivery.end)

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
            moment = await self._store.moment(tx, self._clock)
            now = moment.now
            viewer = await self._store.viewer(tx, session_id, now)
            if viewer is None:
                raise NotSignedIn
            lease = await self._store.lease(tx, lease_id)
            refused = "no_lease" if lease is None else lease.fault(session_id, now)
            if lease is not None and refused is None:
                found = await self._opened(tx, lease, viewer, sharp, moment)
                if not isinstance(found, str):
                    return found
                refused = found
            entry = acts.refused_view(viewer.person_id, lease_id, refused or "", self._name(), now, self._salt())
            await self._store.enter(tx, entry)
        if refused == "other_session":
            assert lease is not None
            await self._untold.told((lease.lease_id, viewer.person_id), replayed(lease, viewer.person_id, now))
        raise Denied(refused or "no_lease")

    async def tell_late(self) -> int:
        """Tell what could not be told yet; return how many that were. The sweep tries it again and again."""
        return await self._untold.late()

    async def _opened(
        self, tx: Any, lease: Lease, viewer: Viewer, sharp: bool, moment: Moment
    ) -> tuple[View, Lease, Flagged, Entry] | str:
        request, flagged = await self.facts.of_lease(tx, lease, moment)
        decision = self._policy.decide(request)
        if not decision.allowed or flagged is None:
            return decision.reason or "not_flagged"
        view = View(self._name(), lease.lease_id, viewer.person_id, sharp, moment.now)
        intent = acts.intended(lease, view, self._salt(), self._policy.digest)
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
                moment = await self._store.moment(tx, self._clock)
                current = await self._store.lease(tx, lease.lease_id)
                held = current and current._replace(views_left=1)  # the view that is in hand has been taken off
                fault = "no_lease" if held is None else held.fault(lease.session_id, moment.now)
                decision = await self._decided_anew(tx, lease, moment)
        except DatabaseAway as error:
            raise Unavailable(str(error)) from None
        if fault or not decision.allowed:
            raise Denied(fault or decision.reason)

    async def _decided_anew(self, tx: Any, lease: Lease, moment: Moment) -> Decision:
        """Decide on a lease that was granted, on what holds now."""
        try:
            request, _ = await self.facts.of_lease(tx, lease, moment)
        except NotSignedIn:
            return Decision(False, ("confirmation_old",))
        # the view that is in hand has been counted
        return self._policy.decide(request._replace(views_today=max(0, request.views_today - 1)))

    def _salt(self) -> bytes:
        return self._draw(SALT_BYTES)
