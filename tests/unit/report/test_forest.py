"""Rates on one scale: what is drawn is what the numbers say, and small groups of people are not shown."""

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.figures import Figure, rate
from proofwatch.report.forest import SPAN, forest, single

COUNTS = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda each: (min(each), max(each)))


def drawn(counts: dict[str, tuple[int, int]], most: int = 100) -> dict[str, tuple[int, int]]:
    found = forest("", "", figures(counts), limit=0.01, most=most)
    return {row.name: counts[row.name] for row in found.rows}


def figures(counts: dict[str, tuple[int, int]]) -> dict[str, Figure]:
    return {name: rate(k, n, 0.01) for name, (k, n) in counts.items()}


def test_the_highest_rate_is_first_and_of_equal_rates_the_fewer_trials() -> None:
    """Fewer trials prove less."""
    assert list(drawn({"a": (1, 100), "b": (2, 100), "c": (2, 200)})) == ["b", "a", "c"]


@given(counts=st.dictionaries(st.sampled_from("abcdef"), COUNTS, min_size=1), overall=COUNTS)
def test_every_place_is_within_the_scale_and_in_the_order_of_the_numbers(
    counts: dict[str, tuple[int, int]], overall: tuple[int, int]
) -> None:
    """Low, rate, high; one scale, so places of rates compare as the rates do."""
    found = forest("", "", figures(counts), limit=0.01, overall=rate(*overall), min_trials=30)
    bars = [(row.bar, row.figure) for row in found.rows if row.bar]
    assert len(bars) == sum(n > 0 for _, n in counts.values())
    for bar, figure in bars:
        assert 0 <= bar.low <= bar.at <= bar.high <= SPAN
        assert bar.limit is not None, "the limit is always on the scale"
        if figure.value is not None and figure.value <= found.top:
            assert abs(bar.at - SPAN * figure.value / found.top) <= 0.05 + 1e-9  # rounded to a tenth
        assert bar.few == ((figure.n or 0) < 30)


def test_an_interval_that_leaves_the_scale_says_so() -> None:
    """A value with few trials does not squeeze all others together."""
    found = forest("", "", figures({"few": (1, 3), "many": (10, 1000)}), limit=0.01, min_trials=30)
    assert found.top < 0.03
    assert [row.bar.beyond for row in found.rows if row.bar] == [True, False]


@given(counts=st.dictionaries(st.text(max_size=3), st.tuples(st.just(0), st.integers(0, 40)), min_size=1))
def test_no_small_group_can_be_had_by_subtraction(counts: dict[str, tuple[int, int]]) -> None:
    """What is kept back is nobody, or at least two groups that have ten trials together, or all there is."""
    found = forest("", "", figures(counts), limit=None, small_cell=10)
    shown = {row.name for row in found.rows}
    back = [n for name, (_, n) in counts.items() if name not in shown]
    assert all(counts[name][1] >= 10 for name in shown)
    assert (found.kept_back, found.kept_back_trials) == (len(back), sum(back))
    assert not back or not shown or (len(back) >= 2 and sum(back) >= 10)


def test_of_many_values_those_with_the_most_trials_are_shown() -> None:
    """And how many are not."""
    counts = {f"v{number}": (number % 3, 10 + number) for number in range(200)}
    found = forest("", "", figures(counts), limit=None, most=50)
    assert {row.name for row in found.rows} == {f"v{number}" for number in range(150, 200)}
    assert found.left_out == 150


def test_a_rate_without_trials_has_no_bar() -> None:
    """There is nothing to draw; a rate with its own scale ends above its limit."""
    assert single("x", rate(0, 0, 0.01), 0.01).bar is None
    bar = single("x", rate(0, 10_000, 0.01), 0.01).bar
    assert bar is not None
    assert bar.limit is not None
    assert SPAN / 2 < bar.limit < SPAN
