"""Passwords: argon2id of the strength that is promised, length instead of rules, one form of every text."""

import pytest

from proofwatch.access.passwords import LONGEST, NOBODYS, WeakPassword, hashed, is_outdated, verified


def test_a_password_is_kept_as_argon2id_in_its_strength() -> None:
    """64 MiB, three passes, four lanes: RFC 9106's second choice; another salt each time."""
    first, second = hashed("four unrelated words", "ada"), hashed("four unrelated words", "ada")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert NOBODYS.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "a name that is not there costs as much"
    assert first != second
    assert verified("four unrelated words", first)
    assert not verified("four unrelated word", first)
    assert not is_outdated(first)
    assert is_outdated("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + first.rpartition("$")[2])


def test_who_has_no_password_has_none_that_holds() -> None:
    """Not even that of nobody; nor does a stored text that is no hash let anybody in."""
    assert not verified("x" * 12, None)
    assert not verified("", None)
    assert not verified("anything", "no hash")
    assert not verified("\ud800\0", None)


def test_what_keyboards_write_differently_is_the_same() -> None:
    """é as one character or as two."""
    assert verified("cafe\u0301 and croissant", hashed("caf\u00e9 and croissant", "ada"))


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "a" * 40,
        "ababababababab",
        "Password12345",
        "my name is ada",
        "qwertyuiop12",
        "é" * 600,
    ],
)
def test_a_weak_one_is_refused_without_being_quoted(password: str) -> None:
    """The message says what is asked for."""
    with pytest.raises(WeakPassword) as caught:
        hashed(password, "ada")
    assert not password or password not in str(caught.value)


def test_no_rules_of_composition() -> None:
    """Spaces, any script, as long as a sentence."""
    assert verified("पाँच असंबंधित शब्द यहाँ", hashed("पाँच असंबंधित शब्द यहाँ", "ada"))
    assert hashed("abcdefgh jkl " * (LONGEST // 13), "eve")
