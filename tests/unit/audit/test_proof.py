import pytest

from proofwatch.audit.merkle import ProofRefused, leaf_hash
from proofwatch.audit.merkle_proofs import inclusion_proof
from proofwatch.audit.note import InvalidNote
from proofwatch.audit.proof import Proof
from tests.unit.audit.a_log import Log, a_log


def proof_of(log: Log, index: int, extra: bytes = b"") -> Proof:
    nodes = lambda level, place: log.range(place << level, (place + 1) << level).hashes[0]  # noqa: E731
    return Proof(index, tuple(inclusion_proof(index, len(log.leaves), nodes)), log.notes[-1], extra)


def test_a_proof_is_read_as_it_was_written_and_proves_its_entry_alone() -> None:
    log = a_log(12)
    for index, leaf in enumerate(log.leaves):
        for extra in (b"", b"anything"):
            proof = proof_of(log, index, extra)
            assert Proof.parse(proof.body()) == proof
            assert proof.check(leaf_hash(leaf)).size == 12
            with pytest.raises(ProofRefused):
                proof.check(leaf_hash(log.leaves[(index + 1) % 12]))
    assert proof_of(log, 3).body().startswith(b"c2sp.org/tlog-proof@v1\nindex 3\n")


def test_a_log_of_one_entry_needs_no_hashes() -> None:
    log = a_log(1)
    proof = Proof.parse(proof_of(log, 0).body())
    assert proof.hashes == ()
    proof.check(leaf_hash(log.leaves[0]))


@pytest.mark.parametrize(
    ("found", "other"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"index 3", b"index 03"),
        (b"index 3\n", b""),
        (b"index 3", b"extra !\nindex 3"),
        (b"index 3\n", b"index 3\nAAAA\n"),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_no_proof(found: bytes, other: bytes) -> None:
    with pytest.raises(InvalidNote):
        Proof.parse(proof_of(a_log(12), 3).body().replace(found, other))
