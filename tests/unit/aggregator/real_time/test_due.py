"""Who is due is found without looking at the others."""

from services.aggregator.core.real_time.due import DueTimes


def test_tenants_come_in_the_order_of_their_times() -> None:
    """Until they are noted anew."""
    due = DueTimes({"a": 30, "b": 10, "c": 20})
    assert due.by(None) == []
    assert due.by(9) == []
    assert due.by(20) == ["b", "c"]
    assert due.by(20) == ["b", "c"]
    due.note("b", 40)
    due.note("c", None)
    assert due.by(39) == ["a"]
    assert due.by(40) == ["a", "b"]


def test_a_time_that_was_replaced_and_comes_back_counts_once() -> None:
    """An entry of the heap that is out of date names nobody a second time."""
    due = DueTimes({"a": 10})
    due.note("a", 20)
    due.note("a", 10)
    assert due.by(30) == ["a"]
