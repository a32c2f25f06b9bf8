"""One-time codes: RFC 6238's own vectors, a narrow window, each step once, never back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.one_time_codes import accepted, address_of, code_at, new_secret, step_of

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""`12345678901234567890` of RFC 6238, appendix B, in base32."""
NOW = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The last six digits of the vectors for SHA-1."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert code_at(RFC_SECRET, step_of(at)) == code
    assert accepted(RFC_SECRET, code, at, -1) == step_of(at)


@given(st.integers(-5, 5), st.integers(0, 10_000))
def test_a_code_is_taken_one_step_around_now_and_once(offset: int, seconds: int) -> None:
    """Phones are off by seconds; what is further off is wrong, what was used is used."""
    now = NOW + timedelta(seconds=seconds)
    step = step_of(now) + offset
    found = accepted(RFC_SECRET, code_at(RFC_SECRET, step), now, 0)
    if abs(offset) <= 1:
        assert found == step
        assert accepted(RFC_SECRET, code_at(RFC_SECRET, step), now, step) == "used"
        assert accepted(RFC_SECRET, code_at(RFC_SECRET, step), now, step - 1) == step
    else:  # one in three hundred thousand would be by chance; these examples are none
        assert found == "wrong"


@given(st.integers(1, 10**6))
def test_a_clock_set_back_has_no_code(seconds: int) -> None:
    """Steps only grow: from a step that was accepted nothing leads back."""
    last = step_of(NOW)
    for step in (step_of(NOW - timedelta(seconds=seconds)) + offset for offset in (-1, 0, 1)):
        if 0 <= step <= last:
            assert accepted(RFC_SECRET, code_at(RFC_SECRET, step), NOW - timedelta(seconds=seconds), last) == "used"


@pytest.mark.parametrize(
    "text", ["", "12345", "1234567", "abcdef", "१२३४५६", "-12345", "1e5000", "\0" * 6, "12345\uff16"]
)
def test_what_is_no_code_is_wrong(text: str) -> None:
    """Six ASCII digits, with spaces where apps show them."""
    assert accepted(RFC_SECRET, text, NOW, 0) == "wrong"


def test_spaces_do_not_matter() -> None:
    """Apps show two groups of three."""
    code = code_at(RFC_SECRET, step_of(NOW))
    assert accepted(RFC_SECRET, f" {code[:3]} {code[3:]}", NOW, 0) == step_of(NOW)


def test_a_new_secret_is_as_long_as_the_standard_asks() -> None:
    """160 bits, another one each time; its address names the account and the issuer."""
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(first) * 5 == 160
    assert address_of(first, "a.rao") == f"otpauth://totp/Proofwatch:a.rao?secret={first}&issuer=Proofwatch"
