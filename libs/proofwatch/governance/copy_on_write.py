"""Mappings that stay the same objects as long as nothing in them changes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class CopyOnWriteMapping(Generic[K, V]):
    """A mapping that is copied when it changes, so that what was handed out stays as it was."""

    def __init__(self) -> None:
        self.view: Mapping[K, V] = MappingProxyType({})

    def change(self, updates: Mapping[K, V | None]) -> list[K]:
        """Set what differs by identity, drop what is None now; return the keys that changed."""
        changed = [key for key, value in updates.items() if not _same(value, self.view.get(key))]
        if changed:
            copy = dict(self.view)
            for key in changed:
                value = updates[key]
                if value is None:
                    copy.pop(key, None)
                else:
                    copy[key] = value
            self.view = MappingProxyType(copy)
        return changed


def _same(one: object, other: object) -> bool:
    """Identity, of tuples element by element: two policies may be equal and yet have different hashes."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
    return one is other
