"""Identifiers are version 5 UUIDs, and parts stay apart."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.events.identity import NAMESPACE, derived_id

PARTS = st.lists(st.one_of(st.none(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))), max_size=4)


@given(PARTS)
def test_it_is_what_the_standard_library_makes(parts: list[object]) -> None:
    """Of the parts joined by slashes, their own slashes escaped."""
    name = "/".join(["case", *("" if part is None else str(part).replace("/", "%2F") for part in parts)])
    assert derived_id("case", *parts) == str(uuid5(NAMESPACE, name))


def test_parts_stay_apart_by_position() -> None:
    """A slash in a part, or a part that is missing, makes another id."""
    assert (
        len({derived_id("case", *parts) for parts in [("a/b",), ("a", "b"), ("a", None, "b"), (None, "a", "b")]}) == 4
    )
