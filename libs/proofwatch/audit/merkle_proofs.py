"""Proofs in a Merkle tree (RFC 6962, sections 2.1.1 and 2.1.2): that an entry is there, and that a tree only grew."""

from collections.abc import Callable, Sequence

from proofwatch.audit.merkle import EMPTY_ROOT, Nodes, ProofRefused, node_hash, perfect_parts


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return PATH(index, D[size]), from the leaf's sibling up (RFC 6962, section 2.1.1)."""
    if not 0 <= index < size:
        raise ProofRefused(f"a tree of {size} entries has no entry {index}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_root(begin, middle, nodes))
            begin = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Return PROOF(old, D[new]) (RFC 6962, section 2.1.2); nothing where either tree is empty, or they are one."""
    if not 0 <= old <= new:
        raise ProofRefused(f"a tree of {new} entries is not later than one of {old}")
    proof: list[bytes] = []
    begin, end, whole = 0, new, True
    while 0 < old < end and begin < old:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_root(begin, middle, nodes))
            begin, whole = middle, False
    if proof and not whole:
        proof.append(_root(begin, end, nodes))
    return proof[::-1]


def inclusion_parts(index: int, size: int) -> list[tuple[int, int]]:
    """Return the nodes (level, index) that `inclusion_proof` asks for."""
    return _asked(lambda nodes: inclusion_proof(index, size, nodes))


def consistency_parts(old: int, new: int) -> list[tuple[int, int]]:
    """Return the nodes (level, index) that `consistency_proof` asks for."""
    return _asked(lambda nodes: consistency_proof(old, new, nodes))


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `ProofRefused` unless the leaf's hash is proved to be entry `index` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused(f"a tree of {size} entries has no entry {index}")
    place, last, found = index, size - 1, leaf
    for each in proof:
        if not last:
            raise ProofRefused("the proof is longer than the tree is high")
        if place & 1 or place == last:
            found = node_hash(each, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    if last or found != root:
        raise ProofRefused(f"the proof of entry {index} does not lead to the root")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise `ProofRefused` unless the new tree is proved to begin with the old one (RFC 9162, section 2.1.4.2)."""
    if not 0 <= old <= new:
        raise ProofRefused(f"a tree of {new} entries is not later than one of {old}")
    if old in (0, new):
        if proof:
            raise ProofRefused("nothing is to be proved, and there is a proof")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise ProofRefused("two roots of one size differ" if old else "the root of no entries is another")
        return
    if not proof:
        raise ProofRefused("the proof is empty")
    before, after = _both_roots(old, new, [old_root, *proof] if old & (old - 1) == 0 else proof)
    if before != old_root or after != new_root:
        raise ProofRefused(f"the tree of {new} entries does not begin with the tree of {old}")


def _both_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of the old and of the new tree that a path leads to."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if not last:
            raise ProofRefused("the proof is longer than the tree is high")
        if place & 1 or place == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, each)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is shorter than the tree is high")
    return before, after


def _asked(prove: Callable[[Nodes], object]) -> list[tuple[int, int]]:
    asked: list[tuple[int, int]] = []

    def note(level: int, index: int) -> bytes:
        asked.append((level, index))
        return EMPTY_ROOT

    prove(note)
    return asked


def _split(width: int) -> int:
    """Return the largest power of two that is smaller than the width."""
    return 1 << ((width - 1).bit_length() - 1)


def _root(begin: int, end: int, nodes: Nodes) -> bytes:
    """Return the root of a subtree that RFC 6962 splits off; `begin` is aligned to it."""
    parts = [nodes(level, index) for level, index in perfect_parts(begin, end)]
    root = parts[-1]
    for left in reversed(parts[:-1]):
        root = node_hash(left, root)
    return root
