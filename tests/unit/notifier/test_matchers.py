"""Conditions on labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.matchers import all_hold, matcher

LABELS = {"tenant": "acme", "kind": "lag", "service": "scorer"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tenant=acme", True),
        ('tenant = "acme"', True),
        ("tenant=acm", False),
        ("tenant!=acme", False),
        ("tenant!=bank", True),
        ("service=~scorer|ledger", True),
        ("service=~score", False),
        ("service=~score.*", True),
        ("service!~score.*", False),
        ("service!~ledger", True),
        ("queue=", True),
        ("queue=soc", False),
        ("queue!=soc", True),
        ('queue=~".+"', False),
        ("queue!~.+", True),
    ],
)
def test_a_condition_holds_of_a_whole_value(text: str, expected: bool) -> None:
    """As Alertmanager reads them; a label that is not there is the empty text."""
    assert matcher(text).holds(LABELS) == expected


def test_all_must_hold() -> None:
    """None at all holds for everything."""
    right, wrong = matcher("tenant=acme"), matcher("kind=gap")
    assert all_hold((right, right), LABELS)
    assert not all_hold((right, wrong), LABELS)
    assert all_hold((), LABELS)


@pytest.mark.parametrize("text", ["", "tenant", "=acme", "Tenant=acme", "ten ant=acme", "tenant<acme", 7, None])
def test_what_is_no_condition_is_refused_with_what_would_be_right(text: object) -> None:
    """By an example of each kind."""
    with pytest.raises(ValueError, match="write tenant=acme, kind!=lag, service=~"):
        matcher(text)


def test_a_wrong_expression_and_a_long_value_are_refused() -> None:
    """When the file is read, not when something fires."""
    with pytest.raises(ValueError, match="is no regular expression"):
        matcher("service=~(scorer")
    with pytest.raises(ValueError, match="more than 256 characters"):
        matcher(f"service={'s' * 257}")


@given(
    operator=st.sampled_from(["=", "!="]),
    value=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=256),
)
def test_what_is_written_is_read_as_the_same(operator: str, value: str) -> None:
    """Quotes, blanks and signs in a value too: silences are kept as text."""
    read = matcher(f'kind{operator}"{value}"')
    assert read.value == value
    assert matcher(str(read)) == read
