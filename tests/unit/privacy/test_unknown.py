"""What whoever asks for an erasure is told at once of a person whom no table knows, and who holds them."""

from services.privacy.adapters.unknown import warning


def test_a_person_whom_nothing_is_known_of_is_told_at_the_request() -> None:
    """A mistyped reference, or a mistyped tenant; it asks to look, and refuses nothing."""
    person, tenant = warning("person", "acme"), warning("tenant", "acmee")

    assert person.startswith("No table has data of this person in the tenant acme under a key.")
    assert tenant.startswith("No table has data of anybody of the tenant acmee under a key.")
    assert all("is the reference, and its tenant, as they were sent?" in each for each in (person, tenant))


def test_of_a_person_who_is_known_nothing_is_told() -> None:
    """What is always said is not read."""
    assert warning(None, "acme") == ""
