"""The 2 × rule of days where failures come in clusters: who fails tries again, and may fail again."""

import numpy as np
import pytest

from services.aggregator.core.detectors.clusters import design_effect, design_effects
from tests.unit.aggregator.null_days import SIZES, false_highs, false_highs_undivided

UNKNOWN = 1.8


@pytest.mark.parametrize(("again", "effect"), [(0.0, 1.0), (0.28, 1.78), (0.6, 4.0)])
def test_the_design_effect_is_that_of_geometric_clusters(again: float, effect: float) -> None:
    """A sum of clusters varies (1 + q) / (1 - q) times as much as independent failures do."""
    sizes = np.random.default_rng(1).geometric(1 - again, 200_000)
    assert design_effect(int(sizes.sum()), len(sizes), UNKNOWN) == pytest.approx(effect, rel=0.02)
    assert float((sizes**2).sum() / sizes.sum()) == pytest.approx(effect, rel=0.02)


def test_few_failures_have_the_dispersion_of_what_is_unknown() -> None:
    """A window with hardly a failure does not tell how long clusters are."""
    assert design_effect(0, 0, UNKNOWN) == pytest.approx(UNKNOWN)
    assert design_effect(0, 0, 1.0) == 1.0
    assert design_effect(1, 3, 1.0) == 1.0, "failures of further attempts are never fewer than none"


def test_rates_that_first_attempts_do_not_tell_have_the_clusters_of_rejections() -> None:
    """Retries and referrals are what becomes of who was rejected."""
    attempts = {"rejection_rate": (250, 10_000), "retry_rate": (200, 10_000), "fta_rate": (0, 10_000)}
    effects = design_effects(attempts, {"rejection_rate": (100, 9_000), "fta_rate": (0, 9_000)}, UNKNOWN)
    assert effects["retry_rate"] == effects["rejection_rate"] == pytest.approx(3.9, abs=0.1)
    assert effects["fta_rate"] == pytest.approx(UNKNOWN)
    assert design_effects(attempts, None, UNKNOWN) == dict.fromkeys(attempts, UNKNOWN)


@pytest.mark.parametrize("again", [0.28, 0.6])
def test_days_in_which_nothing_happens_keep_the_budget(again: float) -> None:
    """Sizes from one failure a day up; the rule as it was, which took retries for independent trials, is far beyond."""
    chance = np.random.default_rng(7)
    highs = [false_highs(chance, again, size, days=20_000) for size in SIZES]
    assert sum(highs) == 0
    assert false_highs_undivided(chance, 0.6, 10, days=20_000) > 50
