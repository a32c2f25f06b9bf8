"""Handsets are ranked by how many people they harm, beside the rest of their tenant; single people are not shown."""

import pytest

from services.aggregator.core.handsets import handsets
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.span import Counted


def of(n: int, missing: int) -> Counted:
    """Return n transactions, some of which brought no liveness score and were not accepted."""
    return Counted(
        {
            "transactions": n,
            "decision.accept": n - missing,
            "decision.retry": missing,
            "match.pass": n,
            "liveness.pass": n - missing,
            "liveness.missing": missing,
        }
    )


FOUND: dict[Segment, Counted] = {
    WHOLE: of(11_019, 523),
    ("device_model", "big"): of(10_000, 500),
    ("device_model", "odd"): of(10, 3),
    ("device_model", "fine"): of(1_000, 20),
    ("device_model", "rare"): of(9, 0),
}


def test_harm_comes_before_ratio() -> None:
    """3 of 10 is the worst rate; 500 of 10,000 are more people."""
    found = handsets(FOUND, names=("device_model",), small_cell=10)
    assert [row.segment[1] for row in found.rows] == ["big", "odd", "fine"]
    big = found.rows[0]
    assert (big.failure.k, big.failure.n) == (500, 20_000)
    assert (big.failure_rest.k, big.failure_rest.n) == (23, 2_038)
    assert big.excess_failures == pytest.approx(500 - 20_000 * 23 / 2_038)
    assert (big.response.k, big.response.n) == (9_500, 10_000)
    assert big.excess_rejections == pytest.approx(500 - 10_000 * 23 / 1_019)


def test_a_small_cell_is_kept_back_and_counted() -> None:
    """Nine transactions are single people."""
    found = handsets(FOUND, names=("device_model",), small_cell=10)
    assert (found.small_values, found.small_transactions) == (1, 9)


def test_where_there_is_no_rest_nothing_is_in_excess_of_it() -> None:
    """A tenant with one device model."""
    one = {WHOLE: of(100, 5), ("os", "android"): of(100, 5)}
    (row,) = handsets(one, names=("os",), small_cell=10).rows
    assert row.excess_failures is None
    assert row.failure_rest.n == 0
