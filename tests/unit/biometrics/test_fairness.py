"""The published summary measures of how unequally groups are treated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.fairness import (
    Counts,
    differential,
    fairness_discrepancy_rate,
    garbe,
    gini,
    inequity_rate,
)
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
groups = st.dictionaries(st.sampled_from("abcdef"), counts, min_size=1)


@cases("fairness")
def test_every_measure_is_the_published_one(case: Case) -> None:
    """Worst group, ratios, difference, Gini, FDR, GARBE and the inequity rate of four groups."""
    metrics = {
        metric: {name: tuple(both[metric]) for name, both in case.input["groups"].items()} for metric in ("fmr", "fnmr")
    }
    fmr, fnmr, alpha = metrics["fmr"], metrics["fnmr"], case.input["alpha"]
    found: dict[str, object] = {
        metric: {name: getattr(differential(by_group), name) for name in case.expected[metric]}
        for metric, by_group in metrics.items()
    }
    found |= {
        "fdr": fairness_discrepancy_rate(fmr, fnmr, alpha),
        "garbe": garbe(fmr, fnmr, alpha),
        "ir": inequity_rate(fmr, fnmr, alpha),
    }
    case.holds(found)


@many_examples
@given(groups)
def test_measures_are_within_their_bounds(by_group: dict[str, Counts]) -> None:
    """Ratios from 1, the rest within 0..1, and null only where undefined."""
    found = differential(by_group)
    rates = [k / n for k, n in by_group.values()]
    assert (found.max_over_min is None) == (min(rates) == 0) == (found.max_over_geomean is None)
    assert found.max_over_min is None or found.max_over_min >= found.max_over_geomean * (1 - 1e-9) >= 1 - 2e-9  # type: ignore[operator]
    assert found.max_over_geomean_half >= 1 - 1e-9
    assert 0 <= found.max_minus_min <= 1
    assert (found.gini is None) == (len(rates) < 2 or sum(rates) == 0)
    assert found.gini is None or -1e-9 <= found.gini <= 1 + 1e-9
    assert 0 <= fairness_discrepancy_rate(by_group, by_group) <= 1


def test_equal_groups_and_one_group_with_everything_are_the_ends() -> None:
    """Equality: ratio 1, difference and Gini 0, FDR 1. One group has all errors: Gini 1, ratio undefined."""
    equal = {"a": (5, 100), "b": (10, 200), "c": (50, 1000)}
    found = differential(equal)
    assert (found.max_over_min, found.max_minus_min, found.gini) == (1.0, 0.0, 0.0)
    assert (fairness_discrepancy_rate(equal, equal), garbe(equal, equal), inequity_rate(equal, equal)) == (
        1.0,
        0.0,
        1.0,
    )
    one = {"a": (50, 100), "b": (0, 200), "c": (0, 1000)}
    assert (differential(one).gini, differential(one).max_over_min, garbe(one, one)) == (1.0, None, 1.0)
    assert inequity_rate(one, one) is None
    assert gini([0.3]) is gini([0.0, 0.0]) is garbe({"a": (1, 2)}, {"a": (1, 2)}) is None


def test_of_equal_worst_groups_the_first_name_leads() -> None:
    """So the same counts always name the same group."""
    assert differential({"b": (1, 10), "a": (2, 20), "c": (0, 5)}).worst_group == "a"


def test_impossible_input_is_refused() -> None:
    """The message names the group and what would be right."""
    with pytest.raises(ValueError, match="no group"):
        differential({})
    with pytest.raises(ValueError, match="a: 2 errors in 1"):
        differential({"a": (2, 1)})
    with pytest.raises(ValueError, match=r"only one has \['b'\]"):
        garbe({"a": (0, 1)}, {"a": (0, 1), "b": (0, 1)})
    with pytest.raises(ValueError, match="weight"):
        fairness_discrepancy_rate({"a": (0, 1)}, {"a": (0, 1)}, 1.5)
