"""The Merkle tree of RFC 6962, section 2.1: hashes, and ranges of leaves.

A `Range` is the least that must be known of the leaves [begin, end) to go on: the roots of the perfect subtrees that
they fall into, from left to right. The range [0, size) is a whole tree. Ranges that touch are joined, so that a root
can be computed without the leaves on either side.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

HASH_BYTES: Final = 32
_LEAF: Final = hashlib.sha256(b"\x00")
_NODE: Final = hashlib.sha256(b"\x01")
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

Nodes = Callable[[int, int], bytes]
"""Gives the root of the perfect subtree (level, index): of the 2^level leaves from index · 2^level on."""


class ProofRefused(ValueError):
    """A proof does not hold, or is none; the message says which step failed."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ leaf)."""
    digest = _LEAF.copy()
    digest.update(leaf)
    return digest.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    digest = _NODE.copy()
    digest.update(left)
    digest.update(right)
    return digest.digest()


def perfect_parts(begin: int, end: int) -> list[tuple[int, int]]:
    """Return the perfect subtrees (level, index) that the leaves [begin, end) fall into, from left to right."""
    parts = []
    while begin < end:
        aligned = (begin & -begin).bit_length() - 1 if begin else end.bit_length()
        level = min(aligned, (end - begin).bit_length() - 1)
        parts.append((level, begin >> level))
        begin += 1 << level
    return parts


@dataclass(slots=True)
class Range:
    """The leaves [begin, end) as the roots of their perfect subtrees (`perfect_parts`)."""

    begin: int
    end: int
    hashes: list[bytes]

    @classmethod
    def empty(cls, at: int = 0) -> Self:
        """Return no leaves, before the leaf `at`."""
        return cls(at, at, [])

    @classmethod
    def of(cls, begin: int, end: int, hashes: Iterable[bytes]) -> Self:
        """Return the range. Raises `ProofRefused` unless there are as many hashes of 32 bytes as it has parts."""
        found = list(hashes)
        needed = len(perfect_parts(begin, end))
        if not 0 <= begin <= end or len(found) != needed:
            raise ProofRefused(f"the entries from {begin} to {end} need {needed} hashes, and {len(found)} are given")
        if any(len(each) != HASH_BYTES for each in found):
            raise ProofRefused(f"a hash of the entries from {begin} to {end} is not {HASH_BYTES} bytes long")
        return cls(begin, end, found)

    @classmethod
    def stored(cls, begin: int, end: int, nodes: Nodes) -> Self:
        """Return the range by stored nodes."""
        return cls(begin, end, [nodes(level, index) for level, index in perfect_parts(begin, end)])

    def copy(self) -> Self:
        """Return a range that goes on by itself."""
        return type(self)(self.begin, self.end, list(self.hashes))

    def append(self, leaf: bytes, made: Callable[[int, int, bytes], None] | None = None) -> None:
        """Add a leaf by its hash. `made` is told of each node that is complete now: level, index, hash."""
        self._push(0, leaf, made)

    def join(self, right: "Range") -> None:
        """Add the leaves of a range that begins where this one ends. Raises `ProofRefused` if it does not."""
        if right.begin != self.end:
            raise ProofRefused(f"entries from {right.begin} on do not follow on entries up to {self.end}")
        for (level, _), each in zip(perfect_parts(right.begin, right.end), right.hashes, strict=True):
            self._push(level, each, None)

    def root(self) -> bytes:
        """Return the root of the tree. Raises `ProofRefused` for leaves that do not begin at the first."""
        if self.begin:
            raise ProofRefused(f"entries from {self.begin} on are no whole tree")
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def _push(self, level: int, root: bytes, made: Callable[[int, int, bytes], None] | None) -> None:
        """Add a perfect subtree of 2^level leaves; it is joined with its left sibling for as long as it has one."""
        index, hashes = self.end >> level, self.hashes
        self.end += 1 << level
        if made is not None:
            made(level, index, root)
        while index & 1 and (index - 1) << level >= self.begin:
            root = node_hash(hashes.pop(), root)
            level, index = level + 1, index >> 1
            if made is not None:
                made(level, index, root)
        hashes.append(root)
