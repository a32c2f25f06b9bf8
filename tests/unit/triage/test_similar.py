"""Which cases are shown beside a case, and in which order."""

from datetime import UTC, datetime, timedelta

from services.console.pages import words
from services.triage.api import bodies
from services.triage.core.similar import AT_MOST, Similar, SimilarBy, nearest

AT = datetime(2026, 1, 1, tzinfo=UTC)


def similar(case_id: str, by: SimilarBy, days: int = 0) -> Similar:
    at = AT + timedelta(days=days)
    return Similar(case_id, by, at, "subject", "open", "new", "medium", 0, None, None)


def test_each_is_shown_once_by_the_surest_then_the_newest() -> None:
    found = [
        similar("a", "timing", 9),
        similar("b", "device"),
        similar("c", "device", 1),
        similar("a", "person"),
        similar("b", "imagery"),
        similar("d", "slice", 30),
    ]
    assert [(each.case_id, each.by) for each in nearest(found)] == [
        ("a", "person"),
        ("b", "imagery"),
        ("c", "device"),
        ("d", "slice"),
    ]
    assert nearest(reversed(found)) == nearest(found)


def test_of_very_many_the_surest_are_shown() -> None:
    """However new the others are."""
    found = [*(similar(f"p-{n}", "pattern", n) for n in range(90)), similar("h", "device")]
    shown = nearest(found)
    assert (len(shown), shown[0].case_id, shown[-1].case_id) == (AT_MOST, "h", "p-81")


def test_it_is_said_what_it_is_what_is_common_and_what_it_was_found_to_be() -> None:
    given = similar("a", "device")._asdict() | {"words": "the same handset"}
    assert words.similar(bodies.Similar(**given)) == "one person, open: the same handset"
    whole = given | {"kind": "cluster", "parts": 3, "verdict": "threat", "attack": "injection", "state": "closed"}
    assert words.similar(bodies.Similar(**whole)) == (
        "an attack cluster of 3 cases, closed: the same handset; found to be a threat (injection)"
    )
    cleared = given | {"verdict": "cleared"}
    assert words.similar(bodies.Similar(**cleared)).endswith("; found to be no threat")
