"""How well a score tells two classes apart, and whether that has decayed."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import mannwhitneyu

from proofwatch.biometrics.discrimination import discrimination, gini_decay
from proofwatch.biometrics.drift import kolmogorov_smirnov
from tests.unit.biometrics.samples import many_examples, some_scores
from tests.unit.biometrics.vectors import Case, cases


@cases("gini")
def test_every_figure_is_the_reference_packages(case: Case) -> None:
    """AUC, Gini, DeLong's error and KS of both periods, and the z of the decay."""
    one, two = (discrimination(**case.input[name]) for name in ("development", "later"))
    decay = gini_decay(one, two)
    figures = {
        name: {key: getattr(found, key) for key in ("auc", "gini", "auc_se_delong", "ks")}
        for name, found in (("development", one), ("later", two))
    }
    case.holds({**figures, "gini_decay": decay.gini_decay, "z": decay.z})


@many_examples
@given(some_scores, some_scores)
def test_figures_agree_with_an_independent_implementation(high: list[float], low: list[float]) -> None:
    """scipy's U statistic, the KS distance of `drift`, and DeLong's error by its definition over all pairs."""
    found = discrimination([*high, *low], [1] * len(high) + [0] * len(low))
    u = mannwhitneyu(high, low).statistic
    assert found.auc == pytest.approx(u / (len(high) * len(low)))
    assert found.gini == pytest.approx(2 * found.auc - 1)
    assert found.ks == pytest.approx(kolmogorov_smirnov(high, low).distance)
    if len(high) < 2 or len(low) < 2:
        assert found.auc_se_delong is None
        return
    wins = np.array([(a > b) + 0.5 * (a == b) for a, b in product(high, low)]).reshape(len(high), len(low))
    variance = wins.mean(axis=1).var(ddof=1) / len(high) + wins.mean(axis=0).var(ddof=1) / len(low)
    assert found.auc_se_delong == pytest.approx(variance**0.5, abs=1e-12)


@given(some_scores, some_scores)
def test_exchanging_the_classes_turns_auc_around(high: list[float], low: list[float]) -> None:
    """AUC becomes 1 - AUC, KS and the error stay."""
    there = discrimination([*high, *low], [1] * len(high) + [0] * len(low))
    back = discrimination([*high, *low], [0] * len(high) + [1] * len(low))
    assert back.auc == pytest.approx(1 - there.auc)
    assert back.ks == pytest.approx(there.ks)
    assert back.auc_se_delong == pytest.approx(there.auc_se_delong)


def test_periods_without_decay_are_rejected_as_often_as_promised() -> None:
    """400 pairs of the same distribution: about 5 % of the p below 5 %."""
    rng, low = np.random.default_rng(17), 0
    for _ in range(400):
        periods = [
            discrimination(np.concatenate((rng.normal(1, 1, 40), rng.normal(0, 1, 80))), [1] * 40 + [0] * 80)
            for _ in range(2)
        ]
        p = gini_decay(*periods).p_value
        low += p is not None and p < 0.05
    assert low <= 34


def test_perfect_separation_has_no_error_to_test_with() -> None:
    """z is null, not infinite."""
    perfect = discrimination([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    assert (perfect.auc, perfect.ks, perfect.auc_se_delong) == (1.0, 1.0, 0.0)
    assert gini_decay(perfect, perfect).z is None


@pytest.mark.parametrize(
    ("s", "y"), [([0.5], [1]), ([0.5, 0.6], [0, 2]), ([0.5], [0, 1]), ([float("nan"), 0.5], [0, 1])]
)
def test_impossible_input_is_refused(s: list[float], y: list[int]) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=r"needs both|as many finite"):
        discrimination(s, y)
