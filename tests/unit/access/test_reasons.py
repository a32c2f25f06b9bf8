"""What counts as a reason."""

import pytest

from proofwatch.access.reasons import stated, unfit


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "\u202e\u2066", "\ufeff \u2060", "..."])
def test_what_cannot_be_read_says_nothing(reason: str) -> None:
    """Invisible characters and mere points are on record for good, and tell nobody why."""
    assert stated(reason) == ""


@pytest.mark.parametrize("reason", ["audit of May", " 審査 ", "case 7", "مراجعة"])
def test_what_can_be_read_is_taken_as_it_is(reason: str) -> None:
    """In any script."""
    assert stated(reason) == reason.strip()


@pytest.mark.parametrize(
    "text",
    [
        "audit of May",
        "審査 №\u00a05",
        "مراجعة",
        "क्\u200dष",
        "\u0645\u06cc\u200c\u062e",
        "Zoë d’Arc",
        "e\u0301",
        "x" * 20,
    ],
)
def test_what_prints_may_stay_on_record(text: str) -> None:
    """In any script, with the joiners that Persian and Hindi are written with."""
    assert unfit(text, 20) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 21, "has 21 characters; at most 20 are right"),
        ("ev\nil", "has a line break (character 3); write it in one line"),
        ("ev\u2028il", "has a line break (character 3); write it in one line"),
        ("a\u202ena", "has U+202E RIGHT-TO-LEFT OVERRIDE (character 2), which nobody sees; leave it out"),
        ("a\x1b[2J", "has U+001B (character 2), which nobody sees; leave it out"),
        ("a\tb", "has U+0009 (character 2), which nobody sees; leave it out"),
        ("ana\u200d", "has U+200D ZERO WIDTH JOINER (character 4), which nobody sees; leave it out"),
        ("a\u200dna", "has U+200D ZERO WIDTH JOINER (character 2), which nobody sees; leave it out"),
        ("a\u3164", "has U+3164 HANGUL FILLER (character 2), which nobody sees; leave it out"),
        ("a\u2800", "has U+2800 BRAILLE PATTERN BLANK (character 2), which nobody sees; leave it out"),
        ("a\U000e0141", "has U+E0141 VARIATION SELECTOR-82 (character 2), which nobody sees; leave it out"),
        ("a\u00ad", "has U+00AD SOFT HYPHEN (character 2), which nobody sees; leave it out"),
        ("a\ue000", "has U+E000 (character 2), which nobody sees; leave it out"),
        ("\udcff\udcfe", "is no text in UTF-8 (character 1); type it anew"),
    ],
)
def test_what_does_not_print_is_told_with_what_would_be_right(text: str, said: str) -> None:
    """What a terminal obeys, what turns text around, what nobody sees, and what cannot be stored."""
    assert unfit(text, 20) == said
