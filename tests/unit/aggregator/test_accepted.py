"""Which accepted transactions labels prove to be attacks, and which of them are asked for."""

from typing import Any

import pytest

from services.aggregator.core.accepted import Accepted, accepted_attack, in_order, is_wanted
from services.aggregator.core.entries import Assertion
from services.aggregator.core.found import Query
from services.aggregator.core.span import Span

SEGMENTS = '{"country":"RO","os":"ios"}'


def said(trial_class: str, logged_ms: int = 9) -> Assertion:
    return Assertion(1, 7_000, "l", trial_class, 1.0, -logged_ms)


def accepted(**changes: Any) -> Accepted:
    made = Accepted("t", 5_000, 7_000, 9, "presentation_attack", "mask", {"country": "RO"})
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("pair", "presentation", "kind", "species"),
    [
        (None, "attack:mask", "presentation_attack", "mask"),
        ("genuine", "attack:unknown", "presentation_attack", "unknown"),
        (None, "injection:deepfake", "injection_attack", "deepfake"),
        ("impostor", None, "impostor", None),
        ("impostor", "bona_fide", "impostor", None),
        ("impostor", "attack:mask", "presentation_attack", "mask"),
    ],
)
def test_what_labels_prove(pair: str | None, presentation: str | None, kind: str, species: str | None) -> None:
    """An attack by its species, an injection by its method, else a confirmed impostor."""
    assertions = (said(pair, 8) if pair else None, said(presentation) if presentation else None)
    found = accepted_attack("t", "accept", 5_000, SEGMENTS, *assertions)
    came = 9 if presentation and presentation != "bona_fide" else 8
    assert found == Accepted("t", 5_000, 7_000, came, kind, species, {"country": "RO", "os": "ios"})


@pytest.mark.parametrize("decision", ["retry", "refer"])
def test_what_was_not_accepted_is_no_account(decision: str) -> None:
    """The attacker was stopped."""
    assert accepted_attack("t", decision, 5_000, "{}", said("impostor"), said("attack:mask")) is None


@pytest.mark.parametrize(("pair", "presentation"), [(None, None), ("genuine", None), ("genuine", "bona_fide")])
def test_who_is_not_named_is_not_listed(pair: str | None, presentation: str | None) -> None:
    """No label, or one that says that all was well."""
    assertions = (said(pair) if pair else None, said(presentation) if presentation else None)
    assert accepted_attack("t", "accept", 5_000, "{}", *assertions) is None


def test_when_a_label_came_is_unknown_of_old_ones() -> None:
    """Before revision 6 of the ledger nobody kept it."""
    found = accepted_attack("t", "accept", 5_000, "{}", None, said("attack:mask", 0))
    assert found
    assert found.labelled_ms is None


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [(None, None, True), (5, None, True), (6, None, False), (None, 5, False), (None, 6, True), (5, 6, True)],
)
def test_a_span_holds_its_first_moment_and_not_its_end(since: int | None, until: int | None, wanted: bool) -> None:
    """By when it occurred, in whole microseconds."""
    assert is_wanted(accepted(), Query("bank", Span(since, until)), None) is wanted


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [("country", None, True), ("country", "RO", True), ("country", "DE", False), ("os", None, False)],
)
def test_a_segment_or_one_value_of_it(name: str, value: str | None, wanted: bool) -> None:
    """Without the segment it is not of it."""
    assert is_wanted(accepted(), Query("bank", Span(), (name,), value), None) is wanted


@pytest.mark.parametrize(
    ("of", "asked", "wanted"), [("mask", "mask", True), ("mask", "print", False), (None, "mask", False)]
)
def test_one_species_alone(of: str | None, asked: str, wanted: bool) -> None:
    """An impostor is of none."""
    assert is_wanted(accepted(species=of), Query("bank", Span()), asked) is wanted


def test_they_come_in_the_order_in_which_they_occurred() -> None:
    """Of one moment by their ids."""
    found = [accepted(transaction_id="b"), accepted(transaction_id="c", occurred_us=1), accepted(transaction_id="a")]
    assert [each.transaction_id for each in in_order(found)] == ["c", "a", "b"]
