"""Handsets in rows: beside the rest, as people say how many more, and how long as far as it is known."""

from typing import Any

from services.aggregator.api.bodies import Durations, Handset, Share
from services.console.pages.handset_rows import TIMINGS, WIDTH, dimensions

NONE = (None, None)


def share(k: int, n: int, rest: float | None = 0.01) -> Share:
    return Share(k=k, n=n, value=k / n if n else None, low=0.5 * k / n if n else None, high=min(1, 2 * k / n)
                 if n else None, rest=rest)  # fmt: skip


def durations(
    p95: tuple[float | None, float | None], rest: tuple[float | None, float | None], n: int = 50
) -> Durations:
    return Durations(n=n, mean=None, p50=p95, p95=p95, p99=p95, rest_p95=rest)


def handset(name: str, value: str, **given: Any) -> Handset:
    usual: dict[str, Any] = {
        "transactions": 1_234, "failure": share(30, 1_000), "excess_failures": 20.2, "rejection": share(0, 0, None),
        "excess_rejections": None, "response": share(9, 10),
        "durations": dict.fromkeys(TIMINGS, durations((1_200.0, 1_310.0), (800.0, 900.0))),
    }  # fmt: skip
    return Handset(segment_name=name, segment_value=value, **{**usual, **given})


def test_how_many_more_is_said_in_words() -> None:
    rows = dimensions(
        [
            handset("os", "ios"),
            handset("os", "a", excess_failures=-3.7),
            handset("os", "b", excess_failures=0.2),
            handset("device_model", "X", failure=share(0, 0, None), excess_failures=None),
        ]
    )
    assert [(each.name, each.title, [row.name for row in each.rows]) for each in rows] == [
        ("os", "Operating systems", ["ios", "a", "b"]), ("device_model", "Device models", ["X"]),
    ]  # fmt: skip
    assert [row.failure.more for each in rows for row in each.rows] == [
        "20 more than at that rate", "4 fewer than at that rate", "as many as at that rate", "nothing to compare with",
    ]  # fmt: skip
    first = rows[0].rows[0]
    assert (first.failure.of, first.rejection.of, first.rejection.rate) == ("30 of 1,000", "none", "–")
    assert first.failure.bar is not None
    assert 0 <= first.failure.bar.low <= first.failure.bar.at <= first.failure.bar.high <= WIDTH
    assert rows[1].rows[0].failure.bar is None


def test_a_duration_is_told_as_far_as_it_is_known() -> None:
    """The edges between which it lies; longer than elsewhere only where no edge says otherwise."""
    given = {
        (250.0, 273.0): ("250 to 273 ms", False), (1_200.0, 1_310.0): ("1.2 to 1.31 s", True),
        (None, 120.0): ("below 120 ms", False), (60_000.0, None): ("beyond 60 s", True), NONE: ("–", False),
        (850.0, 950.0): ("850 to 950 ms", False),
    }  # fmt: skip
    for p95, (said, longer) in given.items():
        n = 0 if p95 == NONE else 50
        (dimension,) = dimensions(
            [handset("os", "a", durations=dict.fromkeys(TIMINGS, durations(p95, (800.0, 900.0), n)))]
        )
        took = dimension.rows[0].took[0]
        assert (took.p95, took.longer) == (said, longer)
        assert (took.bar is None) == (n == 0)
        if took.bar:
            assert 0 <= took.bar.low <= took.bar.at <= took.bar.high <= WIDTH
