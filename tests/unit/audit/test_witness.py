"""The answers of C2SP tlog-witness."""

import pytest

from proofwatch.audit.checkpoint import Checkpoint, cosigners
from proofwatch.audit.merkle import EMPTY_ROOT
from proofwatch.audit.merkle_proofs import consistency_proof
from proofwatch.audit.note import Note, Signature
from proofwatch.audit.witness import Cosignature, Refused, Request, Seen, answer
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, ORIGIN, WITNESSES, Log, a_log, verifiers

LOGS = {ORIGIN: verifiers(LOG_KEY)}
SECONDS = 1_772_355_600


def request(log: Log, old: int, note: Note | None = None) -> Request:
    found = note or log.notes[-1]
    new = Checkpoint.parse(found.text).size
    nodes = lambda level, index: log.range(index << level, (index + 1) << level).hashes[0]  # noqa: E731
    return Request(old, tuple(consistency_proof(old, new, nodes)), found)


def asked(body: bytes, seen: dict[str, Seen] | None = None) -> Cosignature | Refused:
    return answer(body, LOGS, seen or {}, WITNESSES[:1], SECONDS)


def at_size(log: Log, size: int) -> dict[str, Seen]:
    return {ORIGIN: Seen(size, log.root(size))}


def test_a_first_checkpoint_and_one_that_goes_on_are_cosigned() -> None:
    log = a_log(12)
    for old, seen in ((0, {}), (4, at_size(log, 4)), (8, at_size(log, 8)), (12, at_size(log, 12))):
        found = asked(request(log, old).body(), seen)
        assert isinstance(found, Cosignature)
        assert found[:2] == (ORIGIN, Seen(12, log.root(12)))
        note = Note.parse(log.notes[-1].body() + found.lines.encode())
        cosigned = cosigners(note, verifiers(WITNESSES[0]))
        assert [(each.witness.name, each.seconds) for each in cosigned] == [("witness.example/0", SECONDS)]


def test_a_request_is_read_as_it_was_written() -> None:
    asking = request(a_log(12), 4)
    assert Request.parse(asking.body()) == asking


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: b"", "a request is"),
        (lambda body: body.replace(b"old 4", b"old 04"), "leading zeroes"),
        (lambda body: body.replace(b"old 4", b"old -4"), "leading zeroes"),
        (lambda body: body.replace(b"old 4", b"old " + b"9" * 5000), "of at most"),
        (lambda body: body.replace(b"proofwatch\n12\n", b"proofwatch\n" + b"9" * 6000 + b"\n"), "of at most"),
        (lambda body: body.replace(b"old 4\n", b"old 4\nAAAA\n"), "32 bytes"),
        (lambda body: body.replace(b"proofwatch\n12\n", b"proofwatch\n012\n"), "zeroes"),
        (lambda body: b"old 4\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + body.partition(b"\n\n")[2], "63 hashes"),
        (lambda body: body.replace(b"old 4", b"old 13"), "larger"),
    ],
)  # fmt: skip
def test_400_for_what_is_malformed(change, message: str) -> None:  # type: ignore[no-untyped-def]
    log = a_log(12)
    found = asked(change(request(log, 4).body()), at_size(log, 4))
    assert isinstance(found, Refused)
    assert found.status == 400
    assert message in found.text


def test_404_for_a_log_that_it_does_not_know() -> None:
    log = a_log(4)
    assert answer(request(log, 0).body(), {}, {}, WITNESSES, SECONDS) == Refused(
        404, "this witness does not know the log"
    )


def test_403_for_strangers_and_for_a_wrong_signature() -> None:
    log = a_log(4)
    text = log.notes[-1].text
    strange = Note(text, (Signature(NEXT_KEY.verifier.id, NEXT_KEY.sign(text.encode())),))
    wrong = Note(text, (Signature(LOG_KEY.verifier.id, NEXT_KEY.sign(text.encode())),))
    for note in (strange, wrong, Note(text, (*log.notes[-1].signatures, *wrong.signatures))):
        found = asked(request(log, 0, note).body())
        assert isinstance(found, Refused)
        assert found.status == 403


def test_409_says_the_size_that_was_the_last() -> None:
    log = a_log(12)
    for old in (0, 4, 12):
        assert asked(request(log, old).body(), at_size(log, 8)) == Refused(409, "8")


def test_422_for_another_history() -> None:
    log, other = a_log(12), a_log(12)
    other.leaves[2] = other.leaves[3]
    shorter = request(log, 4)
    cases = [
        (request(log, 8), {ORIGIN: Seen(8, other.root(8))}),
        (request(log, 12), {ORIGIN: Seen(12, other.root(12))}),
        (Request(0, shorter.proof, shorter.note), {}),
        (Request(4, (), shorter.note), at_size(log, 4)),
        (Request(4, shorter.proof[:-1], shorter.note), at_size(log, 4)),
    ]
    for asking, seen in cases:
        found = asked(asking.body(), seen)
        assert isinstance(found, Refused)
        assert found.status == 422


def test_an_empty_tree_has_one_root() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT).signed(LOG_KEY)
    assert isinstance(asked(Request(0, (), empty).body()), Cosignature)
    wrong = Checkpoint(ORIGIN, 0, bytes(32)).signed(LOG_KEY)
    found = asked(Request(0, (), wrong).body())
    assert isinstance(found, Refused)
    assert found.status == 422
