"""The e-detector: evidence of a rate above its limit at any time, with a promised run to a false alarm."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.e_detector import ALTERNATIVES, State, averaged, cluster_step, evidence, start, step
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

LIMIT = 0.005
states = st.tuples(*[st.floats(0, 1e6)] * 4)
batches = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, min(n, 12)), st.just(n)))


@cases("e_sr")
def test_it_is_the_published_statistic(case: Case) -> None:
    """Trial by trial: M at the stated places and the first alarm."""
    i = case.input
    state, seen = start(i["alternatives"]), []
    for trial in range(1, i["n"] + 1):
        state = step(state, int(trial in i["errors_at"]), 1, limit=i["p0"], alternatives=i["alternatives"])
        seen.append(evidence(state))
    alarm = next(place for place, m in enumerate(seen, 1) if m >= i["arl"])
    case.holds({"at": {str(place): seen[place - 1] for place in i["at"]}, "first_alarm": alarm})


@many_examples
@given(states, batches)
def test_a_batch_is_its_trials_with_the_errors_first(state: State, batch: tuple[int, int]) -> None:
    """The closed form equals the recursion in the stated order."""
    k, n = batch
    one_by_one = state
    for error in [1] * k + [0] * (n - k):
        one_by_one = step(one_by_one, error, 1, limit=LIMIT)
    assert step(state, k, n, limit=LIMIT) == pytest.approx(one_by_one, rel=1e-9)


@given(st.integers(0, 3), st.integers(0, 3))
def test_no_order_gives_less_than_errors_first(k: int, others: int) -> None:
    """So a batch never alarms where the true order would not have."""
    batch = step(start(), k, k + others, limit=LIMIT)
    for order in set(permutations([1] * k + [0] * others)):
        state = start()
        for error in order:
            state = step(state, error, 1, limit=LIMIT)
        assert all(b <= s * (1 + 1e-12) for b, s in zip(batch, state, strict=True))


@many_examples
@given(states, batches)
def test_it_grows_with_errors_and_with_what_was_known(state: State, batch: tuple[int, int]) -> None:
    """Monotone in k and in the state; a batch of nothing changes nothing."""
    k, n = batch
    assert step(state, 0, 0, limit=LIMIT) == state
    here = step(state, k, n, limit=LIMIT)
    more = step(tuple(r + 1 for r in state), k, n, limit=LIMIT)
    assert all(a <= b for a, b in zip(here, more, strict=True))
    if k < n:
        assert evidence(step(state, k + 1, n, limit=LIMIT)) >= evidence(here)


def test_the_mean_at_the_limit_is_the_number_of_trials() -> None:
    """E[(R + 1) LR] = R + 1 at the limit and less below it: that is where the promise comes from."""
    for rate, at_most in ((LIMIT, 7.0), (LIMIT / 2, 6.999)):
        state = (6.0,) * 4
        after = [
            rate * error + (1 - rate) * none
            for error, none in zip(step(state, 1, 1, limit=LIMIT), step(state, 0, 1, limit=LIMIT), strict=True)
        ]
        assert all(value <= at_most + 1e-9 for value in after)
        assert rate != LIMIT or after == pytest.approx([7.0] * 4)


def test_false_alarms_are_as_rare_as_promised() -> None:
    """400 series at exactly the limit, A = 500: the mean run to an alarm is at least 500 trials."""
    rng, runs = np.random.default_rng(3), []
    for _ in range(400):
        state, trial = start(), 0
        while evidence(state) < 500:
            n = int(rng.geometric(LIMIT))  # n - 1 trials without an error, then one
            state = step(step(state, 0, n - 1, limit=LIMIT), 1, 1, limit=LIMIT)
            trial += n
        runs.append(trial)
    assert np.mean(runs) - 3 * np.std(runs) / 20 > 500


def test_a_cluster_counts_as_one_trial() -> None:
    """Ten passes of one artefact are as much evidence as one pass; a cluster of one is a trial."""
    assert cluster_step(start(), 10, 10, limit=LIMIT) == pytest.approx(step(start(), 1, 1, limit=LIMIT))
    assert cluster_step((3.0,) * 4, 0, 1, limit=LIMIT) == pytest.approx(step((3.0,) * 4, 0, 1, limit=LIMIT))
    half = cluster_step(start(), 1, 2, limit=LIMIT)
    both = zip(step(start(), 1, 1, limit=LIMIT), step(start(), 0, 1, limit=LIMIT), strict=True)
    assert half == pytest.approx([(a + b) / 2 for a, b in both])


def test_species_are_averaged() -> None:
    """One species among three gives a third of its evidence; without species there is none."""
    loud = step(start(), 5, 50, limit=LIMIT)
    assert averaged([loud, start(), start()]) == pytest.approx(evidence(loud) / 3)
    assert averaged([]) == 0.0


def test_overwhelming_evidence_stays_a_number() -> None:
    """A thousand errors do not end in infinity, from which nothing comes back."""
    state = step(start(), 1000, 1000, limit=LIMIT)
    assert evidence(state) <= 1e300
    assert evidence(step(state, 0, 200_000, limit=LIMIT)) < 1e4


@pytest.mark.parametrize(
    ("k", "n", "limit", "state", "says"),
    [
        (2, 1, LIMIT, start(), "0 <= errors <= trials"),
        (0, 1, 0.02, start(), "between the limit"),
        (0, 1, 0.0, start(), "between the limit"),
        (0, 1, LIMIT, (0.0,), "as many finite"),
        (0, 1, LIMIT, (-1.0,) * 4, "as many finite"),
    ],
)
def test_impossible_input_is_refused(k: int, n: int, limit: float, state: State, says: str) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=says):
        step(state, k, n, limit=limit, alternatives=ALTERNATIVES)
    with pytest.raises(ValueError, match="at least one"):
        cluster_step(start(), 0, 0, limit=LIMIT)
