"""What consents needs from outside."""

from collections.abc import Collection, Mapping
from typing import Protocol, TypeVar

from proofwatch.governance.consents import ConsentKey, Word
from proofwatch.privacy.suppression import Erased, Whose

TxIn = TypeVar("TxIn", contravariant=True)


class ConsentStore(Protocol[TxIn]):
    """Where the words that hold are kept. Both calls work inside the transaction that they are given."""

    async def load(self, keys: Collection[ConsentKey], tx: TxIn) -> Mapping[ConsentKey, Word]:
        """Return the word that holds of each key that has one."""
        ...

    async def erased(self, subjects: Collection[Whose], tx: TxIn) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        ...

    async def save(self, words: Mapping[ConsentKey, Word], tx: TxIn, *, keyed: bool) -> None:
        """Let these words hold from now on; `keyed`: their subjects' tags are under data keys."""
        ...
