"""Patterns are found by what they require; arranging them changes nothing about what matches."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.events.types import AttackPattern, Device, Transaction
from proofwatch.governance.predicate import InvalidPredicate
from services.scorer.core.patterns import Pattern, Patterns
from tests.unit.scorer.samples import transaction

TEXTS = {"device.model": ("Pixel", "Galaxy"), "device.sdk_version": ("1.0", "2.0"), "device.os": ("android", "ios")}


def published(number: int, predicate: Any) -> AttackPattern:
    return AttackPattern(
        schema_version=1,
        pattern_id=f"p-{number:03}",
        revision=1,
        state="published",
        description="A test.",
        severity="low",
        predicate=json.dumps(predicate),
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    )


def comparisons() -> st.SearchStrategy[dict[str, Any]]:
    def of(name: str) -> st.SearchStrategy[dict[str, Any]]:
        value = st.sampled_from(TEXTS[name])
        one = st.fixed_dictionaries({"field": st.just(name), "op": st.sampled_from(["eq", "ne"]), "value": value})
        many = st.fixed_dictionaries(
            {"field": st.just(name), "op": st.just("in"), "value": st.lists(value, min_size=1, max_size=2)}
        )
        return one | many

    numbers = st.fixed_dictionaries(
        {"field": st.just("match_score"), "op": st.sampled_from(["eq", "lt"]), "value": st.sampled_from([0.5, 0.9])}
    )
    checks = st.just({"field": "checks", "op": "eq", "value": ["match", "liveness"]})
    missing = st.just({"field": "device.os", "op": "missing"})
    return st.sampled_from(sorted(TEXTS)).flatmap(of) | numbers | checks | missing


PREDICATES = st.recursive(
    comparisons(),
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: {"any": found}),
        parts.map(lambda found: {"not": found}),
    ),
    max_leaves=5,
)
EVENTS = st.builds(
    lambda device, score: transaction(device=device, match_score=score),
    st.none()
    | st.builds(
        Device,
        model=st.none() | st.sampled_from(TEXTS["device.model"]),
        sdk_version=st.none() | st.sampled_from(TEXTS["device.sdk_version"]),
        os=st.none() | st.sampled_from(TEXTS["device.os"]),
    ),
    st.none() | st.sampled_from([0.5, 0.9]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PREDICATES, max_size=6), EVENTS)
def test_the_arrangement_finds_what_trying_every_pattern_finds(predicates: list[Any], event: Transaction) -> None:
    """All, any, not, missing devices, several fields: the same patterns, by their ids."""
    each = [published(n, predicate) for n, predicate in enumerate(predicates)]
    tried = [p.published for p in map(Pattern.of, each) if p.test(event)]
    assert [found.published for found in Patterns.of(reversed(each)).matches(event)] == tried


def test_a_thousand_patterns_of_one_field_are_one_look_up() -> None:
    """Only those that require the event's own value are tried; what requires nothing is always tried."""
    one_each = [
        published(
            n,
            {
                "all": [
                    {"field": "device.sdk_version", "op": "eq", "value": f"v{n}"},
                    {"field": "liveness_score", "op": "lt", "value": 0.5 + n},
                ]
            },
        )
        for n in range(999)
    ]
    patterns = Patterns.of([*one_each, published(999, {"field": "match_score", "op": "lt", "value": 0.2})])
    tried: list[str] = []
    counting = [_counted(each, tried) for each in patterns.patterns]
    event = transaction(device=Device(sdk_version="v7"), liveness_score=0.4)
    assert [each.published.pattern_id for each in Patterns(counting).matches(event)] == ["p-007"]
    assert tried == ["p-007", "p-999"]


def _counted(pattern: Pattern, tried: list[str]) -> Pattern:
    def test(event: Transaction) -> bool:
        tried.append(pattern.published.pattern_id)
        return pattern.test(event)

    return Pattern(pattern.published, pattern.node, test, pattern.numbers)


def test_none_in_force_is_false_and_matches_nothing() -> None:
    """The hot path looks no further."""
    assert not Patterns()
    assert Patterns().matches(transaction()) == ()


def test_a_predicate_that_cannot_be_used_is_refused_when_it_is_compiled() -> None:
    """Never on a transaction."""
    with pytest.raises(InvalidPredicate, match="subject_ref"):
        Patterns.of([published(1, {"field": "subject_ref", "op": "eq", "value": "x"})])
