"""What the store gave against what was opened: nothing on either side goes without its counterpart."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.imagery.core.reconcile import InvalidAccessLog, Opened, Read, reads, reconciled

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SKEW = timedelta(seconds=2)


def line(second: int, key: str = "kestrel/tx-1", operation: str = "REST.GET.OBJECT", status: str = "200") -> str:
    at = (BEGIN + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'owner imagery [{at}] 127.0.0.1 broker 3E57427F3EXAMPLE {operation} {key} "GET /imagery/{key} HTTP/1.1" '
        f'{status} - 113 113 7 - "-" "proofwatch" - hostid SigV4 - AuthHeader 127.0.0.1 - -\n'
    )


def view(name: str, second: int, last: int | None = None, key: str = "kestrel/tx-1", fetched: bool = True) -> Opened:
    ended = None if last is None else BEGIN + timedelta(seconds=last)
    return Opened(name, "imagery", key, BEGIN + timedelta(seconds=second), ended, fetched)


def test_each_read_has_its_view_and_each_view_its_read() -> None:
    found = reconciled(reads([line(1), line(40)]), [view("a", 0, 2), view("b", 39, 41)], SKEW)
    assert (found.matched, found.unexplained, found.missing) == (2, (), ())


def test_a_read_past_the_broker_is_named() -> None:
    past = reads([line(1), line(1), line(30), line(1, "kestrel/tx-2")])
    found = reconciled(past, [view("a", 0, 2)], SKEW)
    assert [(each.line, each.key) for each in found.unexplained] == [
        (2, "kestrel/tx-1"), (4, "kestrel/tx-2"), (3, "kestrel/tx-1"),
    ]  # fmt: skip


def test_a_view_without_a_read_is_named_and_one_that_was_withheld_needs_none() -> None:
    found = reconciled([], [view("a", 0, 2), view("b", 5, 6, fetched=False), view("c", 7)], SKEW)
    assert [each.view_id for each in found.missing] == ["a", "c"]


def test_overlapping_views_share_no_read() -> None:
    """The one that ends first takes it: the other has the later one."""
    found = reconciled(reads([line(3), line(20)]), [view("long", 0, 30), view("short", 2, 4)], SKEW)
    assert (found.matched, found.unexplained, found.missing) == (2, (), ())


def test_what_gives_no_bytes_is_no_read() -> None:
    lines = [line(1, status="403"), line(2, operation="REST.PUT.OBJECT"), line(3, operation="REST.GET.BUCKET"), "\n"]
    assert reads(lines) == []
    assert [each.key for each in reads([line(1, "kestrel/a%2Bb"), line(1, operation="REST.COPY.OBJECT_GET")])] == [
        "kestrel/a+b", "kestrel/tx-1",
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", ["nonsense", line(1).replace("Mar", "März"), line(1)[:40]])
def test_a_line_that_is_none_is_said(wrong: str) -> None:
    with pytest.raises(InvalidAccessLog, match="line 2"):
        reads([line(0), wrong])


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("xy")), max_size=12), st.data())
def test_nothing_is_counted_twice(seconds: list[tuple[int, str]], data: st.DataObject) -> None:
    times = [(BEGIN + timedelta(seconds=second), key) for second, key in seconds]
    found = [Read(n, at, "imagery", key, "broker") for n, (at, key) in enumerate(times)]
    drawn = data.draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from("xy")), max_size=12))
    views = [view(str(n), begin, begin + width, key) for n, (begin, width, key) in enumerate(drawn)]
    result = reconciled(found, views, SKEW)
    assert result.matched + len(result.unexplained) == len(found)
    assert result.matched + len(result.missing) == len(views)
