import pytest

from proofwatch.audit.checkpoint import Checkpoint, cosign, cosigners
from proofwatch.audit.note import InvalidNote, NotSigned, Signature
from tests.unit.audit.a_log import LOG_KEY, ORIGIN, WITNESSES, verifiers

# The note text that C2SP tlog-checkpoint and tlog-cosignature show.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_text_of_the_specification() -> None:
    checkpoint = Checkpoint.parse(TEXT)
    assert (checkpoint.origin, checkpoint.size, checkpoint.text()) == ("example.com/behind-the-sofa", 20852163, TEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT + "extension\n", "three lines"),
        (TEXT[:-1], "three lines"),
        (TEXT.replace("example.com/behind-the-sofa", ""), "three lines"),
        (TEXT.replace("20852163", "020852163"), "leading zeroes"),
        (TEXT.replace("20852163", "-1"), "leading zeroes"),
        (TEXT.replace("20852163", "٣"), "leading zeroes"),
        (TEXT.replace("20852163", str(1 << 63)), "leading zeroes, of at most 9223372036854775807"),
        (TEXT.replace("20852163", "9" * 6000), "of at most"),
        (TEXT.replace("20852163", "²"), "leading zeroes"),
        (TEXT.replace("CsUY", ""), "32 bytes, not 29"),
        (TEXT.replace("q2I=", "q2J="), "no base64"),
    ],
)
def test_what_is_no_checkpoint(text: str, message: str) -> None:
    with pytest.raises(InvalidNote, match=message):
        Checkpoint.parse(text)


def test_a_cosignature_says_who_and_when_and_holds_for_this_checkpoint_only() -> None:
    note = Checkpoint(ORIGIN, 3, bytes(32)).signed(LOG_KEY)
    line = cosign(note.text, WITNESSES[0], 1_679_315_147)
    known = verifiers(*WITNESSES)
    found = cosigners(note.signed(line), known)
    assert [(each.witness, each.seconds) for each in found] == [(known[0], 1_679_315_147)]
    assert cosigners(note.signed(line), known[1:]) == []
    other = Checkpoint(ORIGIN, 4, bytes(32)).signed(LOG_KEY)
    with pytest.raises(NotSigned, match=r"the cosignature of witness\.example/0"):
        cosigners(other.signed(line), known)
    later = line.value[:7] + bytes([line.value[7] ^ 1]) + line.value[8:]
    with pytest.raises(NotSigned):
        cosigners(note.signed(Signature(line.key, later)), known)
    assert note.signed(line).signers([LOG_KEY.verifier]) == [LOG_KEY.verifier]
