"""The one-shot e-process: evidence against "the rate is at most its limit", and only against that."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln
from scipy.stats import beta

from proofwatch.biometrics.e_process import Prior, log_e, rejects, tuned_prior
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

LIMIT = 0.005
counts = st.integers(0, 4000).flatmap(lambda n: st.tuples(st.integers(0, min(n, 60)), st.just(n)))


@cases("eprocess")
def test_it_is_the_published_mixture(case: Case) -> None:
    """The tuned prior, log E at the stated places, its maximum and the first crossings."""
    i = case.input
    prior = tuned_prior(i["p0"], variance=i["v_opt"], alpha=i["alpha_opt"])
    errors, seen = 0, []
    for trial in range(1, i["n"] + 1):
        errors += trial in i["errors_at"]
        seen.append(log_e(errors, trial, i["p0"], prior))
    first = {str(a): next(t for t, value in enumerate(seen, 1) if value >= log(1 / a)) for a in i["alphas"]}
    case.holds(
        {
            "prior_beta": list(prior),
            "log_e_at": {str(place): seen[place - 1] for place in i["at"]},
            "max_log_e": max(seen),
            "first_crossing": first,
        }
    )


@cases("eprocess_good")
def test_a_system_that_is_better_than_its_limit_is_never_accused(case: Case) -> None:
    """No error in 3,000 trials is evidence *for* the limit. An untruncated prior would call it e^7 against."""
    i, prior = case.input, Prior(*case.input["prior_beta"])
    untruncated = float(betaln(prior.a + i["k"], prior.b + i["n"] - i["k"]) - betaln(prior.a, prior.b))
    untruncated -= i["k"] * log(i["p0"]) + (i["n"] - i["k"]) * log(1 - i["p0"])
    case.holds(
        {"log_e_truncated": log_e(i["k"], i["n"], i["p0"], prior), "log_e_untruncated_WRONG": untruncated},
    )
    assert not rejects(0, 3000, LIMIT, 0.05)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 200), (12, 900), (0, 3000), (40, 4000)])
def test_it_is_the_integral_that_it_says(k: int, n: int) -> None:
    """Numerical integration of the likelihood ratio over the prior above the limit."""
    prior = Prior(0.5, 20.0)
    above = beta.sf(LIMIT, *prior)

    def integrand(q: float) -> float:
        ratio = k * log(q / LIMIT) + (n - k) * (np.log1p(-q) - np.log1p(-LIMIT))
        return float(np.exp(ratio) * beta.pdf(q, *prior) / above)

    integral = sum(quad(integrand, a, b, limit=200)[0] for a, b in ((LIMIT, 0.02), (0.02, 0.1), (0.1, 1 - 1e-12)))
    assert log_e(k, n, LIMIT, prior) == pytest.approx(log(integral), abs=1e-6)


@many_examples
@given(counts, st.floats(0.001, 0.2))
def test_it_is_a_martingale_at_the_limit_and_less_below(k_n: tuple[int, int], below: float) -> None:
    """The mean of E after the next trial is E at the limit, and at most E at any lower rate."""
    (k, n), prior = k_n, tuned_prior(LIMIT)
    now, error, none = (log_e(*c, LIMIT, prior) for c in ((k, n), (k + 1, n + 1), (k, n + 1)))
    for rate in (LIMIT, LIMIT * below):
        mean = rate * np.exp(error - now) + (1 - rate) * np.exp(none - now)
        assert mean <= 1 + 1e-9
        assert rate != LIMIT or mean == pytest.approx(1, rel=1e-8)


def test_errors_speak_against_and_their_absence_for_the_limit() -> None:
    """Monotone in both; no trial says nothing."""
    prior = tuned_prior(LIMIT)
    assert log_e(0, 0, LIMIT, prior) == pytest.approx(0.0, abs=1e-12)
    series = [log_e(k, 500, LIMIT, prior) for k in range(20)]
    assert series == sorted(series)
    assert log_e(0, 501, LIMIT, prior) < log_e(0, 500, LIMIT, prior)


def test_it_stays_a_number_where_tails_underflow() -> None:
    """A million trials far below the limit: about 1 / n of the prior is close enough to the limit to count."""
    found = log_e(0, 1_000_000, LIMIT, Prior(1.0, 1.0))
    # The integral of (1 - q)^n from the limit on is (1 - limit)^(n + 1) / (n + 1), the prior above it 1 - limit.
    assert found == pytest.approx(-log(1_000_001), abs=1e-6)
    # With k errors the likelihood ratio falls from the limit on at the slope of its logarithm.
    slope = (1_000_000 - 3_000) / (1 - LIMIT) - 3_000 / LIMIT
    assert log_e(3_000, 1_000_000, LIMIT, Prior(1.0, 1.0)) == pytest.approx(-log(slope), abs=0.01)


def test_repeated_looks_keep_their_promise() -> None:
    """1,000 systems at the limit, looked at after each of 2,000 trials: fewer than 5 % are ever accused."""
    rng, prior, accused = np.random.default_rng(5), tuned_prior(LIMIT), 0
    for _ in range(1000):
        errors = np.flatnonzero(rng.random(2000) < LIMIT) + 1
        # E peaks at an error, so it suffices to look there.
        accused += any(log_e(k, int(at), LIMIT, prior) >= log(20) for k, at in enumerate(errors, 1))
    assert accused <= 50


@pytest.mark.parametrize(
    ("k", "n", "limit", "prior"),
    [(2, 1, LIMIT, Prior(1, 1)), (0, 1, 0.0, Prior(1, 1)), (0, 1, LIMIT, Prior(0, 1))],
)
def test_impossible_input_is_refused(k: int, n: int, limit: float, prior: Prior) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=r"must hold|must lie"):
        log_e(k, n, limit, prior)
    with pytest.raises(ValueError, match="must lie"):
        tuned_prior(1.0)
