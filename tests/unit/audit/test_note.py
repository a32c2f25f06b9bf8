import pytest

from proofwatch.audit.note import COSIGNATURE, InvalidNote, Note, NotSigned, Signature, SigningKey, VerifierKey, sign
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, key

# The example of C2SP signed-note.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()


def test_the_example_of_the_specification_holds() -> None:
    known = VerifierKey.parse(VKEY)
    note = Note.parse(EXAMPLE)
    assert note.text == "This is an example message.\n"
    assert note.signers([known]) == [known]
    assert (known.text(), note.body()) == (VKEY, EXAMPLE)


def test_a_text_may_have_empty_lines() -> None:
    note = sign("one\n\n\ntwo\n", LOG_KEY)
    assert Note.parse(note.body()) == note
    assert note.signers([LOG_KEY.verifier]) == [LOG_KEY.verifier]


def test_strangers_say_nothing_and_a_wrong_signature_of_a_known_key_ends_it() -> None:
    note = sign("text\n", LOG_KEY)
    assert note.signers([NEXT_KEY.verifier]) == []
    forged = Note("text\n", (Signature(LOG_KEY.verifier.id, NEXT_KEY.sign(b"text\n")),))
    with pytest.raises(NotSigned, match=r"the signature of audit\.example/proofwatch \([0-9a-f]{8}\) does not hold"):
        forged.signers([LOG_KEY.verifier])
    other = Note("another\n", note.signatures)
    with pytest.raises(NotSigned):
        other.signers([LOG_KEY.verifier])


def test_a_key_of_witnesses_signs_no_notes() -> None:
    witness = key("witness.example/a", COSIGNATURE)
    assert sign("text\n", witness).signers([witness.verifier]) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"text\n", "a signed note is a text"),
        (b"text\n\n\xe2\x80\x94 name AAAA", "that each end"),
        (b"text\r\n\n\xe2\x80\x94 name AAAAAAA=\n", "no control characters"),
        (b"t\xff\n\n\xe2\x80\x94 name AAAAAAA=\n", "byte 1 of a note is no UTF-8"),
        (b"text\n\n- name AAAAAAA=\n", "em dash"),
        (b"text\n\n\xe2\x80\x94 na+me AAAAAAA=\n", "em dash"),
        (b"text\n\n\xe2\x80\x94 name AAAA\n", "em dash"),
        (b"text\n\n\xe2\x80\x94 name AAAAAAB=\n", "no base64"),
        (b"text\n\n" + b"\xe2\x80\x94 name AAAAAAA=\n" * 101, "more than 100"),
        (b"x" * 1_000_001, "1,000,000 bytes"),
    ],
)
def test_what_is_no_note(body: bytes, message: str) -> None:
    with pytest.raises(InvalidNote, match=message):
        Note.parse(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("foo", "bar"),
        VKEY[:-4],
        VKEY + "=",
        VKEY.replace("+Aeky", "+Auky"),
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(InvalidNote, match="verifier key"):
        VerifierKey.parse(text)


def test_a_signing_key_shows_nothing_of_itself() -> None:
    seed = bytes(range(32))
    shown = repr(SigningKey.from_seed("audit.example/log", seed))
    assert shown == "SigningKey('audit.example/log')"
    with pytest.raises(InvalidNote, match="is 32 bytes"):
        SigningKey.from_seed("audit.example/log", seed[:-1])
    with pytest.raises(InvalidNote, match="cannot name a key"):
        SigningKey.from_seed("two words", seed)


def test_a_signature_stands_once() -> None:
    note = sign("text\n", LOG_KEY)
    assert note.signed(*note.signatures) == note
