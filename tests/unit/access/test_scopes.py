"""What tokens of machines open, and what they look like."""

from proofwatch.access.roles import IMAGERY, Act
from proofwatch.access.scopes import OPENS, Scope, is_machines, known_scopes, new_token
from proofwatch.access.session import token_of


def test_scopes_open_reads_alone() -> None:
    """Never imagery, never people: by hand, so that a new one is looked at."""
    opened = frozenset().union(*OPENS.values())
    assert set(OPENS) == set(Scope)
    assert opened == {Act.READ_CASES, Act.READ_FIGURES, Act.READ_HEALTH, Act.READ_ALL_ENTRIES}
    assert not opened & IMAGERY


def test_what_a_release_does_not_know_is_no_scope() -> None:
    assert known_scopes(["cases:read", "cases:write", "analyst", ""]) == {Scope.CASES}


def test_a_token_says_its_id_and_is_told_from_a_sessions() -> None:
    """Whatever the random bytes are: a session's is shorter."""
    token_id, token = new_token()
    assert token.startswith(f"pw_{token_id}_")
    assert len({new_token()[1] for _ in range(100)}) == 100
    assert is_machines(token)
    for other in ("", token[:-1], f"{token}A", token.replace("pw_", "pv_"), f"{token}\n", token_of(bytes(32))):
        assert not is_machines(other), other
