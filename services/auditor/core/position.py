"""Whether a log may go on being signed: not if anybody has seen more of it, or another one, than the database has."""

from collections.abc import Iterable
from typing import NamedTuple


class Elsewhere(NamedTuple):
    """The largest tree that a place outside of the database has: its size, and its root where the place knows it."""

    place: str
    size: int
    root: bytes | None


def refusal(size: int, elsewhere: Iterable[Elsewhere], roots: dict[int, bytes]) -> str | None:
    """Return why nothing may be signed, in a sentence; None: nobody has seen more, or another log.

    `size`: of the log in the database; `roots`: by size what it had then.
    """
    for each in elsewhere:
        if each.size > size:
            return (
                f"{each.place} has a checkpoint of {each.size} entries, and the database has {size}: it was "
                f"restored to before, or entries were removed. Nothing is signed; see docs/audit.md"
            )
        if each.root is not None and roots.get(each.size) != each.root:
            return (
                f"{each.place} has another root for {each.size} entries than the database: its entries were changed, "
                f"or this is another log of that name. Nothing is signed; see docs/audit.md"
            )
    return None
