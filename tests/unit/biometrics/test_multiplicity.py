"""p values corrected for their number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from proofwatch.biometrics.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

some_p = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.05])), min_size=1, max_size=30)


@cases("multiplicity")
def test_corrected_p_values_are_the_published_ones(case: Case) -> None:
    """Holm, Benjamini-Hochberg, Benjamini-Yekutieli, with a tie."""
    p = case.input["p_values"]
    case.holds({"holm": holm(p), "bh": benjamini_hochberg(p), "by": benjamini_yekutieli(p)})


def test_holm_corrects_step_by_step() -> None:
    """The smallest p by all tests, the next by one fewer, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == benjamini_hochberg([]) == benjamini_yekutieli([]) == []


@many_examples
@given(some_p)
def test_step_up_agrees_with_an_independent_implementation(p: list[float]) -> None:
    """scipy's false discovery control, both methods."""
    assert benjamini_hochberg(p) == pytest.approx(list(false_discovery_control(p, method="bh")))
    assert benjamini_yekutieli(p) == pytest.approx(list(false_discovery_control(p, method="by")))


@many_examples
@given(some_p)
def test_corrections_keep_the_order_and_are_ordered_themselves(p: list[float]) -> None:
    """p <= BH <= Holm <= Bonferroni and BH <= BY; ranks stay."""
    for raw, bh, by, step_down in zip(p, benjamini_hochberg(p), benjamini_yekutieli(p), holm(p), strict=True):
        assert raw <= bh + 1e-12
        assert bh <= step_down + 1e-12
        assert bh <= by + 1e-12
        assert step_down <= min(1.0, raw * len(p)) + 1e-12
    for corrected in (holm(p), benjamini_hochberg(p), benjamini_yekutieli(p)):
        in_order = [corrected[i] for i in sorted(range(len(p)), key=lambda i: p[i])]
        assert in_order == sorted(in_order)


@pytest.mark.parametrize("wrong", [[1.1], [-0.1], [float("nan")]])
def test_what_is_no_p_value_is_refused(wrong: list[float]) -> None:
    """The message says what would be right."""
    for correct in (holm, benjamini_hochberg, benjamini_yekutieli):
        with pytest.raises(ValueError, match=r"within 0\.\.1"):
            correct(wrong)
