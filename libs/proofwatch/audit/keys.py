"""Which keys of a log sign a tree of a given size: the log itself says so, in its entries.

The first entry names the first key. A key is added, and retired, by an entry; a tree of n entries is signed by every
key that the first n of them leave in force, and by no other. So a key that is added is vouched for by those before it,
and whoever stole one that was retired can sign nothing that passes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from proofwatch.audit.entry import BEGUN, KEY_ADDED, KEY_RETIRED, Entry
from proofwatch.audit.note import ED25519, InvalidNote, VerifierKey


class InvalidKeys(ValueError):
    """The entries about keys contradict each other; the message says how."""


@dataclass(slots=True)
class InForce:
    """A key of the log: entry `added` names it, entry `retired` ends it; None: it signs still."""

    key: VerifierKey
    added: int
    retired: int | None = None

    def signs(self, size: int) -> bool:
        """Return whether trees of that size are signed by it."""
        return self.added < size and (self.retired is None or size <= self.retired)


@dataclass(slots=True)
class LogKeys:
    """The keys of a log, in the order in which they were added."""

    keys: list[InForce] = field(default_factory=list)

    def signing(self, size: int) -> list[VerifierKey]:
        """Return the keys that sign a tree of that size."""
        return [each.key for each in self.keys if each.signs(size)]

    def observe(self, index: int, entry: Entry) -> None:
        """Take an entry. Raises `InvalidKeys`."""
        if (entry.action == BEGUN) != (index == 0):
            raise InvalidKeys(f"{BEGUN} is the first entry of a log, and no other")
        if entry.action in (BEGUN, KEY_ADDED):
            self._add(index, _key(entry))
        elif entry.action == KEY_RETIRED:
            self._retire(index, _key(entry))

    def _add(self, index: int, key: VerifierKey) -> None:
        if any(each.key.public == key.public or each.key.id == key.id for each in self.keys):
            raise InvalidKeys(f"the key {key.text()} is added twice")
        self.keys.append(InForce(key, index))

    def _retire(self, index: int, key: VerifierKey) -> None:
        standing = [each for each in self.keys if each.retired is None]
        found = [each for each in standing if each.key == key]
        if not found:
            raise InvalidKeys(f"the key {key.text()} is retired, and was not in force")
        if len(standing) == 1:
            raise InvalidKeys(f"the key {key.text()} is retired, and no other would sign")
        found[0].retired = index


def vouched(known: Iterable[VerifierKey], signed: Iterable[tuple[int, Iterable[VerifierKey]]], keys: LogKeys) -> bool:
    """Return whether the last of the signed trees is vouched for by a key that is known from elsewhere.

    `signed`: for each tree in ascending order its size and who signed it. A tree under a trusted key makes the keys
    trusted that its entries add.
    """
    trusted = {each.public for each in known}
    last = False
    for size, signers in signed:
        last = any(each.public in trusted for each in signers)
        if last:
            trusted.update(each.key.public for each in keys.keys if each.added < size)
    return last


def _key(entry: Entry) -> VerifierKey:
    try:
        key = VerifierKey.parse(str(entry.details.get("key", "")))
    except InvalidNote as error:
        raise InvalidKeys(f"{entry.action}: {error}") from None
    if key.kind != ED25519 or key.text() != entry.details.get("key"):
        raise InvalidKeys(f"{entry.action}: no key that signs checkpoints")
    return key
