"""The proof sees every way of being wrong."""

import pytest

from tests.faults.judge import judge

WANTED = {"a": [b"1", b"2", b"3"], "b": [b"4"]}


def test_all_once_and_in_order_is_exact() -> None:
    """Nothing to count."""
    verdict = judge(WANTED, {"a": [b"1", b"2", b"3"], "b": [b"4"]})
    assert verdict.exact
    assert (verdict.wanted, verdict.seen) == (4, 4)
    assert (verdict.lost, verdict.twice, verdict.strange, verdict.disordered) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        ({"a": [b"1", b"3"], "b": [b"4"]}, (1, 0, 0, 0)),
        ({"a": [b"1", b"2", b"3"]}, (1, 0, 0, 0)),
        ({"a": [b"1", b"2", b"2", b"3"], "b": [b"4"]}, (0, 1, 0, 0)),
        ({"a": [b"1", b"3", b"2"], "b": [b"4"]}, (0, 0, 0, 1)),
        ({"a": [b"1", b"2", b"3"], "b": [b"5"]}, (1, 0, 1, 0)),
        ({"a": [b"1", b"2", b"3", b"4"]}, (1, 0, 1, 0)),
        ({"a": [b"1", b"2", b"3"], "b": [b"4"], "c": [b"5"]}, (0, 0, 1, 0)),
    ],
)
def test_what_is_lost_doubled_strange_or_late_is_counted(
    seen: dict[str, list[bytes]], counts: tuple[int, int, int, int]
) -> None:
    """Also what came out under another key, which is lost here and strange there."""
    verdict = judge(WANTED, seen)
    assert not verdict.exact
    assert (verdict.lost, verdict.twice, verdict.strange, verdict.disordered) == counts
