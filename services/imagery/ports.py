"""What the broker needs of the world: people, cases, the log, the store, a renderer."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from proofwatch.audit.entry import Entry
from proofwatch.audit.merkle import Nodes
from proofwatch.governance.purposes import Purpose
from proofwatch.privacy.restriction import Restriction
from proofwatch.runtime.clock import Clock
from services.imagery.core.facts import CaseFacts, Flagged, Moment, Viewer
from services.imagery.core.glass import Glass
from services.imagery.core.lease import Lease, View, ViewState
from services.imagery.core.location import Location
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import MediaType


class Log(NamedTuple):
    """An entry's place in the log, its leaf as the auditor sequenced it, and the nodes that prove it."""

    place: int
    leaf: bytes
    nodes: Nodes


class Glasses(Protocol):
    """What was asked for beyond one's own cases. `tx` is a transaction of `Store.transaction()`."""

    async def add_glass(self, tx: Any, glass: Glass) -> None:
        """Keep what was asked for."""
        ...

    async def glass(self, tx: Any, glass_id: str, *, locked: bool = False) -> Glass | None:
        """Return it by its id; locked: until the transaction's end."""
        ...

    async def newest_glass(
        self, tx: Any, person_id: str, tenant: str, case_id: str, transaction_id: str
    ) -> Glass | None:
        """Return what a person asked for, for this transaction of this case, locked.

        What was agreed to and has not ended goes before; of several the one that was asked for last.
        """
        ...

    async def change_glass(self, tx: Any, glass: Glass) -> None:
        """Keep what became of it."""
        ...

    async def glasses_untold(self, tx: Any) -> list[Glass]:
        """Return what was agreed to, or has ended, and the SOC was not told of yet, locked; at most 100."""
        ...

    async def glasses_over(self, tx: Any, now: datetime) -> list[Glass]:
        """Return what is over and has not been ended, locked; at most 100."""
        ...


class Store(Glasses, Protocol):
    """The broker's own tables, and what it may look at of others. `tx` is a transaction of `transaction()`."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Give a transaction; committed when left without an error. Raises `DatabaseAway`."""
        ...

    async def viewer(self, tx: Any, session_id: str, now: datetime) -> Viewer | None:
        """Return who holds the session, as the tables say now; None: it is over, or was revoked."""
        ...

    async def case(self, tx: Any, case_id: str, transaction_id: str) -> CaseFacts | None:
        """Return the case as it is now; None: there is none."""
        ...

    async def flagged(self, tx: Any, tenant: str, transaction_id: str) -> Flagged | None:
        """Return the transaction, if it was flagged."""
        ...

    async def restriction(self, tx: Any, flagged: Flagged, now: datetime) -> Restriction | None:
        """Return what restricts the processing of the transaction's person; None: nothing does."""
        ...

    async def moment(self, tx: Any, clock: Clock) -> Moment:
        """Wait for whoever decides, then take the time, and remember it if it is the latest.

        Whoever asks next waits for the transaction's end, so that two grants never use one view of a quota. It comes
        before every other lock of a decision, so that no two wait for each other.
        """
        ...

    async def views_since(self, tx: Any, person_id: str, since: datetime) -> int:
        """Return how many views a person has had begun since."""
        ...

    async def add_lease(self, tx: Any, lease: Lease) -> None:
        """Keep a lease that was granted."""
        ...

    async def lease(self, tx: Any, lease_id: str) -> Lease | None:
        """Return the lease, locked until the transaction's end."""
        ...

    async def begin_view(self, tx: Any, view: View) -> None:
        """Keep a view, and take it off its lease."""
        ...

    async def end_view(self, tx: Any, view_id: str, state: ViewState, code: str, sent: int, now: datetime) -> bool:
        """Say what became of a view; False: it had ended already."""
        ...

    async def begun_before(self, tx: Any, before: datetime) -> list[View]:
        """Return the views that began before and have not ended, locked; the oldest first, at most 100."""
        ...

    async def enter(self, tx: Any, *entries: Entry) -> None:
        """Enter what was done in the audit log, with this transaction or not at all."""
        ...


class ConsentsUnread(Exception):
    """What the person has said may not have been read, so nothing may rest on it; the message says what to do."""


class Consents(Protocol):
    """What data subjects have consented to."""

    async def given(self, tx: Any, flagged: Flagged, purpose: Purpose, now: datetime) -> bool:
        """Return whether the person's consent to this purpose is in force. Raises `ConsentsUnread`."""
        ...


class Departures(Protocol):
    """What tells that an entry has left the database's machine."""

    async def left(self, intent: Entry, within_s: float) -> None:
        """Return once a published checkpoint proves that the entry is in the log. Raises `NotLeft`."""
        ...


class AuditLog(Protocol):
    """The log's tables, which are trusted with nothing: what they say is proved against a checkpoint."""

    async def find(self, entry_id: str, size: int) -> Log | None:
        """Return an entry among the first `size`, with the nodes for a proof in a tree of that size; None: not yet."""
        ...


class Picture(NamedTuple):
    """What may be shown: rebuilt from pixels, with its marks."""

    body: bytes
    media_type: str


class Opening(Protocol):
    """From a reference to a picture that may be shown."""

    def located(self, flagged: Flagged) -> bool:
        """Return whether the reference lies where the tenant's settings allow."""
        ...

    async def picture(self, flagged: Flagged, view: View, case_id: str) -> Picture:
        """Fetch the object and return what may be shown of it. Raises `Undelivered`; then nothing of it may leave."""
        ...


class Undelivered(Exception):
    """Nothing can be shown; `code` is the reason, and the message a sentence for who asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StoreError(Exception):
    """The store gave nothing. The message names store and reason, never the object."""


class StoreAway(StoreError):
    """It does not answer, answers too slowly, or breaks off: try again later."""


class NotThere(StoreError):
    """It answers, and has no such object."""


class TooLarge(StoreError):
    """The object has more bytes than were asked for; none of them was kept."""


class StoreRefused(StoreError):
    """It answers and does not give the object, or points elsewhere: an operator changes a setting."""


class ImageryStore(Protocol):
    """Where pictures are kept; what it gives is whole or an error."""

    async def fetch(self, location: Location, most_bytes: int) -> bytes:
        """Return the object's bytes, at most so many. Raises `StoreAway`, `NotThere`, `TooLarge`, `StoreRefused`."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture that may be shown: made anew from pixels, with its watermark."""

    data: bytes
    media_type: MediaType
    width: int
    height: int


class Renderer(Protocol):
    """Makes of a file what may be shown."""

    async def render(
        self, data: bytes, mark: Watermark, *, blurred: bool, digest: str | None = None, media_type: str | None = None
    ) -> Rendered:
        """Return the picture as JPEG with the mark across it, without anything else that the file held.

        `digest`, `media_type`: what the event says of the file; None: nothing. `blurred`: what is left of it has no
        detail. Raises `PictureRefused`; a cancelled call leaves no process behind.
        """
        ...
