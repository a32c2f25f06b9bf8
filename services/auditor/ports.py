"""What the auditor needs from outside."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import Entry
from proofwatch.audit.keys import LogKeys
from proofwatch.audit.merkle import Nodes
from proofwatch.audit.note import Note, VerifierKey
from services.auditor.core.sequencing import Growth, Pending, Tree


class Published(NamedTuple):
    """A checkpoint, and the how-manieth of its log it is."""

    place: int
    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """What it says."""
        return Checkpoint.parse(self.note.text)


class Held(NamedTuple):
    """The right to sequence, until another has it."""

    epoch: int
    holder: str


Grow = Callable[[Tree, Sequence[Pending], Mapping[str, Entry]], Growth]
"""Given the tree, what is pending, and what the log has of it (`sequencing.grown`): what is to be stored."""


class Store(Protocol):
    """The log in the database."""

    async def hold(self, holder: str, seconds: float) -> Held | str:
        """Take the right to sequence for so long; or return who has it."""
        ...

    async def is_pending(self) -> bool:
        """Return whether an entry waits for its place; changes nothing."""
        ...

    async def grow(self, held: Held, seconds: float, limit: int, grow: Grow) -> Growth:
        """Store what becomes of at most `limit` pending rows, all of it or nothing, and hold on for so long.

        Raises `Fenced` when another has the right.
        """
        ...

    async def keys(self) -> LogKeys:
        """Return the keys that the entries name."""
        ...

    async def tree(self) -> Tree:
        """Return the log as it stands."""
        ...

    async def nodes(self, parts: Sequence[tuple[int, int]]) -> Nodes:
        """Return these roots of perfect subtrees."""
        ...

    async def last(self) -> Published | None:
        """Return the last checkpoint that was signed, whether it has left or not."""
        ...

    async def unpublished(self) -> Sequence[Published]:
        """Return the checkpoints that have not left, in order."""
        ...

    async def sign(self, held: Held, published: Published) -> None:
        """Store a checkpoint before it leaves. Raises `Fenced` when another has the right."""
        ...

    async def newest(self) -> Published | None:
        """Return the last checkpoint that has left."""
        ...

    async def left(self, place: int) -> None:
        """Store that a checkpoint is where others can see it."""
        ...

    async def cosigned(self, place: int, lines: Sequence[str]) -> None:
        """Store signature lines of witnesses below a checkpoint."""
        ...


class Outlet(Protocol):
    """Where checkpoints leave for: a file, a topic."""

    name: str

    async def last(self) -> Published | None:
        """Return the last that has left."""
        ...

    async def publish(self, published: Published) -> None:
        """Let a checkpoint leave; it is durable on return."""
        ...


class Witness(Protocol):
    """A witness of ours."""

    key: VerifierKey
    name: str

    async def cosign(self, old: int, proof: Sequence[bytes], note: Note) -> str | int:
        """Return its signature lines; or the size that it cosigned last, where that is not `old`.

        Raises `WitnessAway`.
        """
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class WitnessAway(Exception):
    """A witness does not answer, or refuses; the message says which and why."""
