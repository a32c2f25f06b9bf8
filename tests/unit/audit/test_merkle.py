import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.audit.merkle import EMPTY_ROOT, ProofRefused, Range, leaf_hash, node_hash
from proofwatch.audit.merkle_proofs import check_consistency, check_inclusion, consistency_proof, inclusion_proof

# The leaves and roots of certificate-transparency's reference tests (RFC 6962).
_HEX = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [bytes.fromhex(each) for each in _HEX]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def grown(leaves: Sequence[bytes]) -> tuple[Callable[[int, int], bytes], list[bytes]]:
    """Return the nodes that appending tells of, and the root after each leaf."""
    nodes: dict[tuple[int, int], bytes] = {}

    def made(level: int, index: int, node: bytes) -> None:
        assert (level, index) not in nodes
        nodes[level, index] = node

    tree, roots = Range.empty(), [EMPTY_ROOT]
    for leaf in leaves:
        tree.append(leaf_hash(leaf), made)
        roots.append(tree.root())
    return lambda level, index: nodes[level, index], roots


def test_roots_are_those_of_the_reference() -> None:
    _, roots = grown(LEAVES)
    assert [each.hex() for each in roots[1:]] == ROOTS
    assert roots[0].hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_tree_up_to_forty_entries_is_as_defined_and_proves_itself() -> None:
    leaves = [bytes([each]) for each in range(40)]
    nodes, roots = grown(leaves)
    for size in range(41):
        assert roots[size] == by_definition(leaves[:size])
        for index in range(size):
            check_inclusion(leaf_hash(leaves[index]), index, size, inclusion_proof(index, size, nodes), roots[size])
        for old in range(size + 1):
            check_consistency(old, size, consistency_proof(old, size, nodes), roots[old], roots[size])
            whole = Range.stored(0, old, nodes)
            whole.join(Range.stored(old, size, nodes))
            assert (whole.root(), whole.end) == (roots[size], size)


@given(st.integers(1, 300), st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = [each.to_bytes(2, "big") for each in range(size)]
    nodes, roots = grown(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    inclusion, consistency = inclusion_proof(index, size, nodes), consistency_proof(old, size, nodes)
    for proof in (inclusion, consistency):
        if proof:
            place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
            proof[place] = (int.from_bytes(proof[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    if inclusion:
        with pytest.raises(ProofRefused):
            check_inclusion(leaf_hash(leaves[index]), index, size, inclusion, roots[size])
    if consistency:
        with pytest.raises(ProofRefused):
            check_consistency(old, size, consistency, roots[old], roots[size])


@given(st.integers(2, 100), st.data())
def test_a_proof_for_another_place_or_of_another_length_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = [each.to_bytes(2, "big") for each in range(size)]
    nodes, roots = grown(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof, leaf = inclusion_proof(index, size, nodes), leaf_hash(leaves[index])
    for wrong in (proof[:-1], [*proof, bytes(32)], [bytes(32), *proof]):
        with pytest.raises(ProofRefused):
            check_inclusion(leaf, index, size, wrong, roots[size])
    with pytest.raises(ProofRefused):
        check_inclusion(leaf, (index + 1) % size, size, proof, roots[size])
    with pytest.raises(ProofRefused):
        check_inclusion(leaf, size, size, proof, roots[size])


def test_no_entry_outside_the_tree_and_no_earlier_tree_that_is_larger() -> None:
    nodes, roots = grown([b"a", b"b"])
    with pytest.raises(ProofRefused, match="a tree of 2 entries has no entry 2"):
        inclusion_proof(2, 2, nodes)
    with pytest.raises(ProofRefused, match="a tree of 1 entries is not later than one of 2"):
        consistency_proof(2, 1, nodes)
    with pytest.raises(ProofRefused, match="nothing is to be proved"):
        check_consistency(2, 2, [bytes(32)], roots[2], roots[2])
    with pytest.raises(ProofRefused, match="two roots of one size differ"):
        check_consistency(2, 2, [], roots[2], roots[1])
    with pytest.raises(ProofRefused, match="the root of no entries"):
        check_consistency(0, 2, [], roots[1], roots[2])


def test_ranges_that_do_not_touch_are_not_joined() -> None:
    with pytest.raises(ProofRefused, match="entries from 3 on do not follow on entries up to 2"):
        Range(0, 2, [bytes(32)]).join(Range(3, 4, [bytes(32)]))
    with pytest.raises(ProofRefused, match="entries from 1 on are no whole tree"):
        Range.empty(1).root()
    with pytest.raises(ProofRefused, match="need 2 hashes, and 1 are given"):
        Range.of(0, 3, [bytes(32)])
    with pytest.raises(ProofRefused, match="not 32 bytes"):
        Range.of(0, 1, [b"short"])
