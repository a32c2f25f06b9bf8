"""Secrets of one-time codes under a key that the database does not have."""

import base64

import pytest

from proofwatch.access.code_seal import PLAIN, CodeSeal, CodesSealed, InvalidCodeKeys, parse_code_keys

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def test_what_is_sealed_is_opened_and_shows_nothing() -> None:
    seal = CodeSeal([NEW])
    stored = seal.sealed(SECRET, "p-1")
    assert seal.opened(stored, "p-1") == SECRET
    assert SECRET not in stored
    assert stored != seal.sealed(SECRET, "p-1"), "nobody sees that two are the same"


def test_a_newer_key_seals_and_an_older_one_still_opens() -> None:
    stored = CodeSeal([OLD]).sealed(SECRET, "p-1")
    both = CodeSeal([NEW, OLD])
    assert both.opened(stored, "p-1") == SECRET
    assert both.is_outdated(stored)
    assert not both.is_outdated(both.sealed(SECRET, "p-1"))
    with pytest.raises(CodesSealed, match="not among those of PROOFWATCH_ACCESS_CODE_KEYS"):
        CodeSeal([NEW]).opened(stored, "p-1")
    with pytest.raises(CodesSealed):
        PLAIN.opened(stored, "p-1")


def test_what_was_stored_before_there_were_keys_is_opened_and_outdated() -> None:
    assert PLAIN.sealed(SECRET, "p-1") == SECRET
    assert CodeSeal([NEW]).opened(SECRET, "p-1") == SECRET
    assert CodeSeal([NEW]).is_outdated(SECRET)
    assert not PLAIN.is_outdated(SECRET)


def test_what_was_changed_or_moved_to_another_account_is_noticed() -> None:
    """Whoever writes the database gives nobody the secret of an account of their own."""
    seal = CodeSeal([NEW])
    stored = seal.sealed(SECRET, "p-1")
    with pytest.raises(CodesSealed, match="account p-2 was changed"):
        seal.opened(stored, "p-2")
    head, _, text = stored.rpartition(":")
    hidden = base64.b64decode(text)
    for at in range(len(hidden)):
        flipped = bytes([*hidden[:at], hidden[at] ^ 1, *hidden[at + 1 :]])
        with pytest.raises(CodesSealed):
            seal.opened(f"{head}:{base64.b64encode(flipped).decode()}", "p-1")
    for cut in ("", "====", "%%%", base64.b64encode(hidden[:11]).decode()):
        with pytest.raises(CodesSealed):
            seal.opened(f"{head}:{cut}", "p-1")


@pytest.mark.parametrize("given", [None, "", " \n "])
def test_no_keys_are_none(given: str | None) -> None:
    assert parse_code_keys(given).sealed(SECRET, "p-1") == SECRET


def test_keys_are_lines_the_newest_first() -> None:
    text = f"\n{base64.b64encode(NEW).decode()} \n{base64.b64encode(OLD).decode()}\n"
    seal = parse_code_keys(text)
    assert CodeSeal([NEW]).opened(seal.sealed(SECRET, "p-1"), "p-1") == SECRET
    assert seal.opened(CodeSeal([OLD]).sealed(SECRET, "p-1"), "p-1") == SECRET


@pytest.mark.parametrize(
    "given", ["x", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode(), "é"]
)
def test_keys_that_cannot_be_stop_the_start_and_are_not_repeated(given: str) -> None:
    with pytest.raises(InvalidCodeKeys, match="32 random bytes") as error:
        parse_code_keys(f"{base64.b64encode(NEW).decode()}\n{given}")
    assert given not in str(error.value).split()
