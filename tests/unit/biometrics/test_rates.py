"""Match and liveness rates from counts."""

import pytest

from proofwatch.biometrics.figures import Status
from proofwatch.biometrics.rates import (
    Limits,
    LivenessCounts,
    LivenessRates,
    MatchCounts,
    SpeciesCounts,
    liveness_rates,
    match_rates,
)

LIMITS = Limits(fmr=0.001, fnmr=0.03, apcer=0.005, bpcer=0.01)


def liveness(species: dict[str, tuple[int, int]], min_trials: int = 30) -> LivenessRates:
    counts = {name: SpeciesCounts(n, apce) for name, (apce, n) in species.items()}
    return liveness_rates(LivenessCounts(counts, 200, 3, 4, 5), LIMITS, min_trials)


def test_match_rates_follow_iso_19795_1() -> None:
    """FAR = FMR (1 - FTA), FRR = FTA + FNMR (1 - FTA), HTER their mean; FTA over all attempts."""
    rates = match_rates(MatchCounts(n_genuine=80, n_impostor=100, false_non_match=4, false_match=5, fta=20), LIMITS)
    assert [(f.k, f.n) for f in (rates.fta, rates.fmr, rates.fnmr)] == [(20, 200), (5, 100), (4, 80)]
    assert rates.far.value == pytest.approx(0.05 * 0.9)
    assert rates.frr.value == pytest.approx(0.1 + 0.05 * 0.9)
    assert rates.hter.value == pytest.approx((0.045 + 0.145) / 2)
    assert rates.fmr.status is Status.BREACH
    assert rates.far == type(rates.far)(None, None, rates.far.value, None, None, None)


def test_a_composed_rate_is_null_when_a_part_is() -> None:
    """Without impostors there is no FMR, hence no FAR and no HTER; FRR stands."""
    rates = match_rates(MatchCounts(n_genuine=10, n_impostor=0, false_non_match=1, false_match=0, fta=0), LIMITS)
    assert (rates.fmr.value, rates.far.value, rates.hter.value) == (None, None, None)
    assert rates.frr.value == pytest.approx(0.1)


def test_the_headline_is_the_worst_species_with_enough_trials() -> None:
    """Small species without errors enough, and `unknown`, are listed and pooled, but never the headline."""
    rates = liveness({"print": (3, 300), "mask": (2, 100), "rare": (4, 29), "unknown": (90, 100)})
    assert (rates.apcer.worst_species, rates.apcer.k, rates.apcer.n) == ("mask", 2, 100)
    assert list(rates.apcer_by_species) == ["mask", "print", "rare", "unknown"]
    assert (rates.apcer_pooled.k, rates.apcer_pooled.n) == (99, 529)


def test_min_trials_is_inclusive() -> None:
    """A species with exactly that many trials counts; five errors count among fewer."""
    assert liveness({"rare": (4, 30)}).apcer.worst_species == "rare"
    assert liveness({"rare": (4, 30)}, min_trials=31).apcer.worst_species is None
    assert liveness({"rare": (5, 30)}, min_trials=31).apcer.worst_species == "rare"


def test_of_equal_rates_the_least_proven_species_leads() -> None:
    """0 of 40 says less than 0 of 4,000, so its status is the honest one."""
    apcer = liveness({"easy": (0, 4000), "scarce": (0, 40)}).apcer
    assert (apcer.worst_species, apcer.status) == ("scarce", Status.INSUFFICIENT)


def test_without_a_headline_species_apcer_is_null_and_proves_nothing() -> None:
    """No attack of a known species says neither pass nor breach."""
    apcer = liveness({"unknown": (0, 5000)}).apcer
    assert (apcer.k, apcer.n, apcer.value, apcer.status) == (None, None, None, Status.INSUFFICIENT)


def test_the_pooled_rate_is_not_judged() -> None:
    """The limit holds per species; a pooled rate can hide a species that breaks it."""
    assert liveness({"print": (0, 5000)}).apcer_pooled.status is None


def test_non_responses_are_kept_apart_from_errors() -> None:
    """They have their own rates over all presentations, and are in no N of an error rate."""
    rates = liveness({"print": (1, 96)})
    assert (rates.bpcer.k, rates.bpcer.n) == (3, 200)
    assert (rates.apnrr.k, rates.apnrr.n) == (4, 100)
    assert (rates.bpnrr.k, rates.bpnrr.n) == (5, 205)
