"""A predicate is read whole or refused with place and remedy; it sees no personal field and means what it says."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.events.types import Device, Timings, Transaction
from proofwatch.governance.predicate import FIELDS, InvalidPredicate, compile_predicate, parse


def transaction(**fields: Any) -> Transaction:
    values: dict[str, Any] = {
        "schema_version": 1,
        "tenant": "acme",
        "transaction_id": "t1",
        "subject_ref": "s1",
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "match_score": 0.9,
        "liveness_score": 0.5,
        "device": Device(model="Pixel 3", os="android", sdk_version="4.1.0"),
        "timings": Timings(capture_ms=1200.0),
        "segments": {"source": "emulator", "sex": "f"},
    } | fields
    return Transaction(**values)


def holds(predicate: Any, **fields: Any) -> bool:
    return compile_predicate(parse(json.dumps(predicate)))(transaction(**fields))


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (leaf("device.model", "eq", "Pixel 3"), True),
        (leaf("device.model", "ne", "Pixel 3"), False),
        (leaf("device.model", "in", ["Pixel 3", "Pixel 4"]), True),
        (leaf("device.sdk_version", "prefix", "4.1"), True),
        (leaf("device.sdk_version", "prefix", "4.2"), False),
        (leaf("liveness_score", "lt", 0.5), False),
        (leaf("liveness_score", "le", 0.5), True),
        (leaf("liveness_score", "gt", 0.5), False),
        (leaf("liveness_score", "ge", 0.5), True),
        (leaf("timings.capture_ms", "eq", 1200), True),
        (leaf("timings.capture_ms", "in", [1, 1200]), True),
        (leaf("segments.source", "eq", "emulator"), True),
        (leaf("checks", "eq", ["liveness", "match"]), True),
        (leaf("checks", "ne", ["liveness"]), True),
        (leaf("checks", "in", ["liveness"]), True),
        ({"field": "device.os_version", "op": "missing"}, True),
        ({"field": "device.os", "op": "missing"}, False),
        (leaf("device.os_version", "ne", "12"), False),
        ({"not": leaf("device.os_version", "eq", "12")}, True),
        ({"all": [leaf("device.os", "eq", "android"), leaf("match_score", "gt", 0.8)]}, True),
        ({"all": [leaf("device.os", "eq", "android"), leaf("match_score", "gt", 0.95)]}, False),
        ({"any": [leaf("device.os", "eq", "ios"), leaf("match_score", "gt", 0.8)]}, True),
        ({"any": [leaf("device.os", "eq", "ios"), leaf("match_score", "gt", 0.95)]}, False),
    ],
)
def test_a_predicate_means_what_it_says(predicate: Any, expected: bool) -> None:
    """Every operation, on the same transaction."""
    assert holds(predicate) is expected


def test_nothing_is_compared_with_what_is_missing() -> None:
    """A transaction without device, timings, segments and scores: comparisons are false, none raises."""
    bare = {"device": None, "timings": None, "segments": None, "match_score": None, "liveness_score": None}
    for name, field in FIELDS.items():
        if field.kind != "set":
            value: Any = "x" if field.kind == "text" else 0
            assert not holds(leaf(name, "ne", value), **bare)
            assert holds({"field": name, "op": "missing"}, **bare)


def test_checks_are_a_set() -> None:
    """The order of the requested checks says nothing."""
    assert not holds(leaf("checks", "eq", ["match", "liveness"]), checks=("match",))
    assert not holds(leaf("checks", "in", ["liveness"]), checks=("match",))


@pytest.mark.parametrize(
    "name", ["subject_ref", "transaction_id", "tenant", "device.ref", "segments.sex", "segments.country", "imagery_ref"]
)
def test_personal_fields_cannot_be_named(name: str) -> None:
    """The whitelist is the rule: what is not on it is refused by name."""
    with pytest.raises(InvalidPredicate, match="may not be used; right is one of match_score"):
        parse(json.dumps(leaf(name, "eq", "x")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON at character"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[]", "must be an object"),
        ("{}", "has no key"),
        ('{"all": [], "any": []}', "has 'all', 'any'"),
        ('{"all": []}', r"\$\.all: must be a list of at least one part; found an empty one"),
        ('{"any": [{"not": 3}]}', r"\$\.any\[0\]\.not: must be an object .* found a number"),
        ('{"field": "match_score", "op": "prefix", "value": "0"}', "'prefix' does not fit match_score, a number"),
        ('{"field": "device.os", "op": "lt", "value": "1"}', "'lt' does not fit device.os, a text"),
        ('{"field": "device.os", "op": ["eq"], "value": "1"}', "does not fit"),
        ('{"field": ["x"], "op": "eq", "value": "1"}', "may not be used"),
        ('{"field": "device.os", "op": "eq"}', "value: is missing"),
        ('{"field": "device.os", "op": "missing", "value": 1}', "leave it out"),
        ('{"field": "device.os", "op": "eq", "value": ""}', "not empty; found an empty one"),
        ('{"field": "match_score", "op": "eq", "value": true}', "must be a number such as 0.25; found true or false"),
        ('{"field": "match_score", "op": "lt", "value": NaN}', "NaN is not a number of JSON"),
        ('{"field": "match_score", "op": "lt", "value": 1e999}', "must be a number"),
        ('{"field": "match_score", "op": "lt", "value": 1' + "0" * 400 + "}", "must be a number"),
        ('{"field": "match_score", "op": "lt", "value": 1' + "0" * 5000 + "}", "is not JSON"),
        ('{"field": "match_score", "op": "in", "value": 1}', "list of 1 to 10000"),
        ('{"field": "checks", "op": "eq", "value": ["face"]}', "must be match or liveness"),
        ('{"field": "device.os", "op": "eq", "value": "a", "value": "b"}', "key 'value' is given twice"),
        ('{"not": ' * 40 + '{"field": "device.os", "op": "missing"}' + "}" * 40, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"any": [' + ",".join(['{"field": "device.os", "op": "missing"}'] * 1_000) + "]}", "too many parts"),
    ],
)
def test_what_cannot_be_used_is_refused_with_place_and_remedy(text: str | bytes, said: str) -> None:
    """Never another exception than `InvalidPredicate`."""
    with pytest.raises(InvalidPredicate, match=said):
        parse(text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["eq", "in", "checks", "device.os", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_json)
def test_any_json_is_either_a_predicate_or_refused(document: Any) -> None:
    """What parses also runs."""
    try:
        node = parse(json.dumps(document))
    except InvalidPredicate:
        return
    assert compile_predicate(node)(transaction()) in (True, False)
