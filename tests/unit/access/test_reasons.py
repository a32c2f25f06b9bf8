"""What counts as a reason."""

import pytest

from proofwatch.access.reasons import stated


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "\u202e\u2066", "\ufeff \u2060", "..."])
def test_what_cannot_be_read_says_nothing(reason: str) -> None:
    """Invisible characters and mere points are on record for good, and tell nobody why."""
    assert stated(reason) == ""


@pytest.mark.parametrize("reason", ["audit of May", " 審査 ", "case 7", "مراجعة"])
def test_what_can_be_read_is_taken_as_it_is(reason: str) -> None:
    """In any script."""
    assert stated(reason) == reason.strip()
