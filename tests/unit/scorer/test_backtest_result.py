"""A backtest's figures are those that one gets by hand, and depend on the log and the policies alone."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.biometrics.figures import Status
from proofwatch.biometrics.rates import UNKNOWN_SPECIES
from services.scorer.backtest.arrivals import Arrival, Period, Truth
from services.scorer.backtest.changes import Change
from services.scorer.backtest.page import page
from services.scorer.backtest.result import CohortResult, to_json
from tests.unit.scorer.backtests import GENUINE, NEW, OLD, START, arrivals, played, small_log, transaction


def counted(change: Change) -> tuple[int | None, int | None, int | None, int, int]:
    """k under the old and the new policy, n, and the discordant ones."""
    assert change.old.n == change.new.n
    return change.old.k, change.new.k, change.new.n, change.newly, change.no_longer


async def test_the_small_log_gives_the_figures_worked_out_by_hand() -> None:
    """Thresholds from 0.85 to 0.9 and from 0.995 to 0.99; what each transaction does is in `small_log`."""
    total = (await played(small_log())).result.total
    assert (total.n, total.judged, total.changed) == (18, 17, 7)
    moves = {(m.old_decision, m.new_decision): 0 for m in total.moves}
    for m in total.moves:
        moves[m.old_decision, m.new_decision] += m.n
    assert moves == {
        ("accept", "accept"): 10,
        ("accept", "retry"): 4,  # 11, 12, 15, 16
        ("accept", "refer"): 1,  # 17, the third failure of z
        ("retry", "accept"): 2,  # 13, 14
        ("deduplicated", "deduplicated"): 1,
    }
    assert counted(total.decisions["retakes"]) == (2, 4, 17, 4, 2)
    assert counted(total.decisions["manual_reviews"]) == (0, 1, 17, 1, 0)
    assert counted(total.decisions["kyc_reviews"]) == (0, 1, 17, 1, 0)
    assert counted(total.decisions["fraud_reviews"]) == (0, 0, 17, 0, 0)
    assert counted(total.errors["fnmr"]) == (0, 1, 11, 1, 0)
    assert counted(total.errors["fmr"]) == (1, 0, 1, 0, 1)
    assert counted(total.errors["bpcer"]) == (1, 0, 11, 0, 1)
    assert total.apcer is not None
    assert counted(total.apcer.pooled) == counted(total.apcer.species["mask"]) == (0, 1, 1, 1, 0)
    assert (total.apcer.old.worst_species, total.apcer.new.value) == (None, None)  # one presentation is no headline
    assert total.errors["bpcer"].delta == pytest.approx(-1 / 11)
    assert total.errors["bpcer"].p == 1.0
    assert total.decisions["retakes"].p == pytest.approx(0.6875)  # 2 · P(X ≤ 2 | 6, ½) = 2 · 22/64


events = st.lists(
    st.builds(
        lambda number, subject, at_s, match, liveness, truth: (
            transaction(number, f"s{subject}", at_s * 600.0, match_score=match, liveness_score=liveness),
            truth,
        ),
        st.integers(0, 30),
        st.integers(0, 4),
        st.integers(0, 200),
        st.sampled_from([0.5, 0.86, 0.92, 0.99, None]),
        st.sampled_from([0.4, 0.992, 0.999, None]),
        st.sampled_from([None, GENUINE, Truth("impostor", "attack:mask"), Truth(None, f"attack:{UNKNOWN_SPECIES}")]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(events)
async def test_a_policy_against_itself_changes_nothing(drawn: list[tuple[Any, Truth | None]]) -> None:
    """Not one decision, not one error, in any cohort; every p is 1."""
    result = (await played(arrivals(drawn), OLD, OLD)).result
    assert result.differences == []
    for cohort in (result.total, *result.cohorts):
        assert cohort.changed == 0
        assert all((m.old_decision, m.old_action) == (m.new_decision, m.new_action) for m in cohort.moves)
        for change in (*cohort.decisions.values(), *cohort.errors.values()):
            assert (change.newly, change.no_longer, change.p or 1.0) == (0, 0, 1.0)


@settings(max_examples=60, deadline=None)
@given(events, st.integers(1, 60))
async def test_the_cut_into_batches_does_not_show(drawn: list[tuple[Any, Truth | None]], size: int) -> None:
    """Also where times do not ascend, subjects come back after days and ids repeat."""
    log = arrivals(drawn)
    assert to_json((await played(log, size=size)).result) == to_json((await played(log, size=1_000)).result)


async def test_the_same_log_gives_the_same_bytes() -> None:
    """JSON and page, twice, in batches of another size."""
    first, second = await played(large_log(), size=3), await played(large_log(), size=1_000)
    assert to_json(first.result) == to_json(second.result)
    assert page(*first) == page(*second)


async def test_only_the_period_counts_but_attempts_before_it_do() -> None:
    """The third failure is a referral, though the first two lie before the period."""
    period = Period(since=START.replace(hour=8, minute=17), until=START.replace(hour=8, minute=18))
    result = (await played(small_log(), period=period)).result
    assert result.outside_period == 16
    assert [(m.old_decision, m.new_decision, m.n) for m in result.total.moves] == [
        ("accept", "refer", 1),
        ("deduplicated", "deduplicated", 1),
    ]
    assert result.first == result.last == period.since


def large_log() -> list[Arrival]:
    """Two tenants and three segment values, one of them small; a worst species that changes."""
    events = []
    for n in range(400):
        mask = n % 4 == 0
        truth = Truth("genuine" if n % 2 else "impostor", "attack:mask" if mask else "attack:print")
        score = (0.992 if n % 40 == 0 else 0.1) if mask else 0.999 if n % 50 == 1 else 0.1
        segments = {"country": "small" if n % 100 == 7 else "KE" if n % 3 else "IN"}
        tenant = "acme" if n < 300 else "birch"
        events.append((transaction(n, at_s=n, tenant=tenant, liveness_score=score, segments=segments), truth))
    return arrivals(events)


def cohort(cohorts: Sequence[CohortResult], *name: str | None) -> CohortResult:
    return next(each for each in cohorts if (each.tenant, each.segment, each.value) == name)


async def test_cohorts_are_tenants_and_segment_values_and_small_ones_are_kept_back() -> None:
    """Tenants always show; a value with fewer than ten transactions does not, and rates of fewer trials neither."""
    result = (await played(large_log())).result
    assert [(c.tenant, c.value) for c in result.cohorts] == [
        ("acme", None), ("acme", "IN"), ("acme", "KE"), ("birch", None), ("birch", "IN"), ("birch", "KE"),
    ]  # fmt: skip
    assert result.suppressed == 2
    assert cohort(result.cohorts, "acme", None, None).n + cohort(result.cohorts, "birch", None, None).n == 400
    few = [(transaction(n, segments={"country": "IN"}), GENUINE if n < 9 else None) for n in range(20)]
    shown = (await played(arrivals(few))).result
    assert shown.total.errors.keys() == {"fnmr", "bpcer"}
    assert cohort(shown.cohorts, "acme", "country", "IN").too_few == ["fnmr", "bpcer"]
    assert cohort(shown.cohorts, "acme", "country", "IN").errors == {}


async def test_the_worst_species_may_be_another_one_under_the_new_policy() -> None:
    """Then its difference has no paired interval; each species and the pooled rate have theirs."""
    apcer = (await played(large_log())).result.total.apcer
    assert apcer is not None
    assert (apcer.old.worst_species, apcer.old.k, apcer.old.n) == ("print", 8, 300)
    assert (apcer.new.worst_species, apcer.new.k, apcer.new.n) == ("mask", 10, 100)
    assert (apcer.old.status, apcer.new.status) == (Status.BREACH, Status.BREACH)
    assert apcer.delta == pytest.approx(10 / 100 - 8 / 300)
    assert counted(apcer.species["mask"]) == (0, 10, 100, 10, 0)
    assert counted(apcer.pooled) == (8, 18, 400, 10, 0)


async def test_p_values_are_corrected_for_all_tests() -> None:
    """Holm over everybody, tenants and segment values together: never below p, at most 1, in the same order."""
    result = (await played(large_log())).result
    tested = [
        change
        for each in (result.total, *result.cohorts)
        for change in (
            *each.decisions.values(),
            *each.errors.values(),
            *([each.apcer.pooled, *each.apcer.species.values()] if each.apcer else []),
        )
        if change.p is not None
    ]
    assert len(tested) == result.tests
    best = min(tested, key=lambda change: change.p or 0)
    assert best.p_holm == pytest.approx(min(1.0, (best.p or 0) * result.tests))
    assert all((change.p_holm or 0) >= (change.p or 0) for change in tested)


async def test_what_differs_between_the_policies_is_named() -> None:
    """Key by key, with both values."""
    result = (await played([])).result
    assert [(d.key, d.old, d.new) for d in result.differences] == [
        ("liveness.threshold", 0.995, 0.99),
        ("match.marginal_below", 0.9, NEW.match.marginal_below),
        ("match.threshold", 0.85, 0.9),
    ]
    assert (result.total.n, result.first, result.cohorts) == (0, None, [])
