"""What the notifier needs from outside."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from proofwatch.bus.records import TopicPartition
from proofwatch.events.types import Notification
from services.notifier.core.around import Around
from services.notifier.core.arriving import Arrival
from services.notifier.core.decisions import Decision
from services.notifier.core.delivery import Next, Outcome
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Group
from services.notifier.core.routing import Target

TxIn = TypeVar("TxIn", contravariant=True)


class Claimed(NamedTuple):
    """A pending notification that this sender has taken, and the attempts made so far."""

    notification: Notification
    attempts: int


class DueGroup(NamedTuple):
    """A group that somebody has taken to follow it up to now."""

    group_id: str
    channel: str
    path: tuple[str, ...]
    labels: Mapping[str, str]
    group: Group
    arrivals: Sequence[Arrival]
    source: TopicPartition
    """Through whose outbox its messages are published."""
    around: Around


class Followed(NamedTuple):
    """What became of it."""

    due: DueGroup
    group: Group
    notifications: Sequence[Notification] = ()
    decisions: Sequence[Decision] = ()
    further: Sequence[tuple[str, Fact, int]] = ()
    """Facts for other groups, by id, with when they came there."""
    begun: Sequence[Target] = ()
    """Those groups, which may be new."""


class Arrivals(Protocol[TxIn]):
    """Where the stage puts facts, inside the transaction that it is given."""

    async def known(self, alert_ids: Sequence[str], tx: TxIn) -> Mapping[str, int]:
        """Return the newest revision of those that are known."""
        ...

    async def keep(self, newest: Sequence[tuple[Fact, int]], tx: TxIn) -> None:
        """Keep the newest revision of each thing, with when it came."""
        ...

    async def told(self, alert_ids: Sequence[str], tx: TxIn) -> Sequence[tuple[str, str]]:
        """Return (alert, group) for each group that was told that one fires."""
        ...

    async def add(
        self, going: Sequence[tuple[str, Fact, int]], targets: Sequence[Target], source: TopicPartition, tx: TxIn
    ) -> None:
        """Put facts before groups, by group id and with when they came; groups that are new begin."""
        ...


class GroupStore(Protocol):
    """Where the dispatcher finds groups. Several dispatchers may share it; each call is a transaction of its own."""

    async def follow(self, now_ms: int, limit: int, course: Callable[[Sequence[DueGroup]], Sequence[Followed]]) -> int:
        """Take at most `limit` groups that are due at `now_ms`, or to which something came; keep what `course` returns.

        All of it at once, or nothing; what is told is pending for the sender, and published. Returns how many it took.
        """
        ...

    async def forget(self, before_ms: int, limit: int) -> int:
        """Delete at most `limit` of what was over, and of what was decided, before; return how many."""
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
