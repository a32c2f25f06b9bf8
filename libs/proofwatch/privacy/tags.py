"""The tags by which tables know data subjects, and whoever writes them asks for them (ADR 0049).

A tag follows from the subject's data key once tags were moved to data keys, and from the deployment's secret until
then, when it is the subject's mark (`marks`). Which of the two it is, the database says, the same for every process.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol, TypeVar

from proofwatch.privacy.suppression import Whose

TxIn = TypeVar("TxIn", contravariant=True)


class Tagged(NamedTuple):
    """Tags by mark. `keyed`: they are under data keys, so that a destroyed key leaves tags that are nobody's."""

    tags: Mapping[Whose, str]
    keyed: bool


class Tags(Protocol[TxIn]):
    """Where tags are asked for, in the transaction in which they are used."""

    async def of(self, tx: TxIn, whose: Collection[Whose], *, make: bool = True) -> Tagged:
        """Return the subjects' tags, by marks. `make`: also of who has no key yet; who was erased must not be asked so.

        Without it, who has no key has no tag: nothing can be kept under one. Raises `Blocked`.
        """
        ...
