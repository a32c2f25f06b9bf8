"""Rows of a form and the predicate that they are, there and back."""

import orjson
import pytest

from proofwatch.web.problems import Problem
from services.console.pages.conditions import MOST, Row, given, offered, predicate_of, rows_of, shown
from services.triage.api.lookback_bodies import SharedBy

ROWS = [
    Row("device.model", "eq", "A-1801"),
    Row("device.os", "in", "android, ios"),
    Row("timings.capture_ms", "le", "100.5"),
    Row("device.sdk_version", "missing", ""),
]


def test_rows_come_back_as_they_were() -> None:
    """All of them, or any; a single one stands alone."""
    for how in ("all", "any"):
        assert rows_of(orjson.dumps(predicate_of(how, ROWS)).decode()) == (how, ROWS)
    assert predicate_of("all", ROWS[:1]) == {"field": "device.model", "op": "eq", "value": "A-1801"}
    assert rows_of(orjson.dumps(predicate_of("all", ROWS[:1])).decode()) == ("all", ROWS[:1])


def test_what_is_nested_has_no_rows() -> None:
    """It is kept as JSON."""
    leaf = {"field": "device.os", "op": "eq", "value": "ios"}
    assert rows_of(orjson.dumps({"not": leaf}).decode()) is None
    assert rows_of(orjson.dumps({"all": [leaf, {"any": [leaf, leaf]}]}).decode()) is None


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        (Row("", "eq", "x"), "field-0", "choose what is compared"),
        (Row("subject_ref", "eq", "x"), "field-0", "choose what is compared"),
        (Row("device.model", "eq", ""), "value-0", "handset model is compared with is missing"),
        (Row("timings.capture_ms", "le", "slow"), "value-0", "a number such as 0.25"),
        (Row("device.model", "lt", "A"), "value-0", "a number such as 0.25"),
    ],
)
def test_what_is_wrong_says_in_which_row(row: Row, field: str, said: str) -> None:
    """In words of the form, not of JSON."""
    with pytest.raises(Problem) as found:
        predicate_of("all", [row])
    assert found.value.members["field"] == field
    assert said in str(found.value)


def test_empty_rows_count_for_nothing_and_there_is_always_one_more() -> None:
    """As many as a form has, at most."""
    sent = [(f"{name}-{n}", each) for n, row in enumerate([Row(), ROWS[0]]) for name, each in row._asdict().items()]
    assert given(sent) == [ROWS[0]]
    assert shown([ROWS[0]])[0] == ROWS[0]
    assert not any(each.field for each in shown([ROWS[0]])[1:])
    assert len(shown([ROWS[0]] * MOST)) == MOST
    with pytest.raises(Problem):
        predicate_of("all", [])


def test_what_is_offered_becomes_conditions() -> None:
    """Values as they are; numbers from the least to the greatest, without losing a digit of them."""
    of = {"members": 5, "of_members": 5, "others": 0, "of_others": 9}
    model = SharedBy(field="device.model", value="A-1801", low=None, high=None, offered=True, **of)
    capture = SharedBy(field="timings.capture_ms", value=None, low=100.125, high=101.0, offered=True, **of)
    other = SharedBy(field="device.os", value="ios", low=None, high=None, offered=False, **of)
    assert offered([model, capture, other]) == [
        ROWS[0],
        Row("timings.capture_ms", "ge", "100.125"),
        Row("timings.capture_ms", "le", "101"),
    ]
