"""What the notifier needs from outside."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from proofwatch.events.types import Notification
from services.notifier.core.delivery import Next, Outcome

TxIn = TypeVar("TxIn", contravariant=True)


class Claimed(NamedTuple):
    """A pending notification that this sender has taken, and the attempts made so far."""

    notification: Notification
    attempts: int


class NotificationLog(Protocol[TxIn]):
    """Where the stage puts notifications, inside the transaction that it is given."""

    async def add(self, notifications: Sequence[Notification], tx: TxIn) -> frozenset[str]:
        """Keep them as pending and return the ids of those that were not known yet."""
        ...


class SendQueue(Protocol):
    """Where the sender finds what is due. Several senders may share it; each call is a transaction of its own."""

    async def claim(self, now_ms: int, until_ms: int, limit: int) -> Sequence[Claimed]:
        """Take up to `limit` that are due at `now_ms`, the oldest first; they are due again at `until_ms`."""
        ...

    async def pending(self) -> Mapping[str, int]:
        """Return how many are pending, by channel; channels without any may be left out."""
        ...

    async def forget(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` of those that were settled before `before_ms`; return their number."""
        ...

    async def settle(self, outcomes: Sequence[tuple[str, Next]]) -> None:
        """Record what became of the notifications, by id; what is settled already stays as it is."""
        ...


class Channel(Protocol):
    """One way to reach somebody."""

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Hand the notification over, with its id, so that the receiver can drop a repeat.

        Returns `Failed` for whatever may pass; raises only for defects.
        """
        ...

    async def close(self) -> None:
        """Release what the channel holds."""
        ...
