"""Pseudonyms of subjects, and the secret that makes them."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret, subject_tag

SECRET = bytes(range(32))
text = st.text(st.characters(codec="utf-8"), max_size=20)


@given(tenant=text, subject=text)
def test_a_tag_is_32_hex_digits_and_always_the_same(tenant: str, subject: str) -> None:
    """A case finds its subject again, in every process."""
    tag = subject_tag(SECRET, tenant, subject)
    assert re.fullmatch(r"[0-9a-f]{32}", tag)
    assert tag == subject_tag(SECRET, tenant, subject)


@given(st.lists(st.tuples(text, text), unique=True, min_size=2, max_size=2))
def test_different_tenants_or_subjects_never_share_a_tag(pairs: list[tuple[str, str]]) -> None:
    """Nobody can link one person over two tenants, nor confuse ("ab", "c") with ("a", "bc")."""
    first, second = pairs
    assert subject_tag(SECRET, *first) != subject_tag(SECRET, *second)


def test_another_secret_gives_another_tag() -> None:
    """Who lacks the secret cannot test a guessed reference."""
    assert subject_tag(SECRET, "acme", "s-1") != subject_tag(SECRET[::-1], "acme", "s-1")


def test_the_tag_is_the_one_that_stands_in_existing_cases() -> None:
    """A change of the derivation would orphan every open case; the expected value was computed with openssl."""
    assert subject_tag(SECRET, "acme", "s-1") == "bd8b4e8a54f2a6d32ca96e7b0e7501bf"


def test_a_good_secret_is_decoded() -> None:
    """Base64 with a trailing newline, as a file or a shell gives it, is accepted."""
    assert parse_secret(base64.b64encode(SECRET).decode() + "\n") == SECRET


@pytest.mark.parametrize(
    ("given_text", "finding"),
    [(None, "is not set"), ("", "is not set"), ("c2hvcnQ=", "has 5 bytes"), ("no base64!", "is not base64")],
)
def test_a_missing_or_weak_secret_is_refused_with_the_remedy(given_text: str | None, finding: str) -> None:
    """The operator reads what is wrong and how to make a right one, and never the secret itself."""
    with pytest.raises(InvalidSecret, match="PROOFWATCH_SUBJECT_TAG_SECRET") as refusal:
        parse_secret(given_text)
    assert finding in str(refusal.value)
    assert "head -c 32 /dev/urandom | base64" in str(refusal.value)
    assert not given_text or given_text not in str(refusal.value)


def test_only_the_standard_library_is_needed() -> None:
    """Any tool can recompute a tag."""
    from proofwatch.governance import pseudonyms

    imports = re.findall(r"^(?:from|import) (\w+)", Path(pseudonyms.__file__).read_text(), re.M)
    assert set(imports) <= {"base64", "binascii", "hmac", "typing"}
