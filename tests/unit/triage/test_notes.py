"""What has no place in a note, with what and where it is; and what has digits and is nobody's."""

import pytest

from services.triage.core.notes import personal, unfit

MAIL = "a mail address"
NUMBER = "a number of a person, such as that of a telephone or a document"
FIELD = "the name of a field of personal data"


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("ask a.rao@example.org about it", MAIL, "a.rao@example.org"),
        ("called +91 98765 43210 twice", NUMBER, "+91 98765 43210"),
        ("called (030) 1234-567", NUMBER, "030) 1234-567"),
        ("the document says 1234567", NUMBER, "1234567"),
        ("the passport is K1234567", NUMBER, "1234567"),
        ("the card is abcde1234f", NUMBER, "abcde1234f"),
        ("aadhaar 1234 5678 9012", NUMBER, "1234 5678 9012"),
        ("by 1234\u00a05678\u20119012", NUMBER, "1234\u00a05678\u20119012"),
        ("its subject_ref is known", FIELD, "subject_ref"),
        ("name: somebody", FIELD, "name:"),
        ("Date of birth = long ago", FIELD, "Date of birth ="),
        ("phone no.: see there", FIELD, "phone no.:"),
    ],
)
def test_what_looks_personal_is_found_with_what_and_where(text: str, what: str, at: str) -> None:
    """And the sentence repeats nothing of it."""
    [found] = personal(text)
    assert (found.what, text[found.begin - 1 : found.end]) == (what, at)
    said = unfit(text)
    assert said is not None
    assert f"characters {found.begin} to {found.end} look like {what}" in said
    assert at not in said


@pytest.mark.parametrize(
    "text",
    [
        "the same mask as in case 1dc98e01-b240-59c4-9aa6-fd83d79c0640",
        "since 2026-03-02 09:15 the score is 0.4123456, under 0.5",
        "3 attempts in 40 minutes, device of the cohort; upstream answers on Monday",
        "asked by name in the queue; no address was seen",
        "t-100200 and t-100201 were alike",
    ],
)
def test_what_people_write_of_their_work_is_a_note(text: str) -> None:
    assert unfit(text) is None


@pytest.mark.parametrize(("text", "said"), [(" ", "must say something"), ("x" * 2_001, "at most 2,000")])
def test_a_note_has_a_length(text: str, said: str) -> None:
    assert said in (unfit(text) or "")


def test_several_are_told_from_left_to_right() -> None:
    said = unfit("email: a@b.example or 030 1234567") or ""
    assert said.index("the name of a field") < said.index("a mail address") < said.index("a number")
