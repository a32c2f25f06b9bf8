"""Simulated traffic: what it claims to be is what is counted."""

import numpy as np
import pytest

from proofwatch.detection.findings import PEOPLE_REFERRED
from tests.scenarios.effects import SLICES, Effect
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.windows import METRICS, Day

FLAT = Tenant(daily=False, weekend=(), hours_differ=0.0)


def drawn(tenant: Tenant, number: int, *effects: Effect, seed: int = 3) -> list[Day]:
    return list(days(np.random.default_rng(seed), tenant, number, effects))


def test_one_seed_is_one_sequence_of_days() -> None:
    one, other = drawn(Tenant(), 2), drawn(Tenant(), 2)
    assert all(
        (a.k[m] == b.k[m]).all() and (a.n[m] == b.n[m]).all() for a, b in zip(one, other, strict=True) for m in METRICS
    )
    assert (one[0].k["retry_rate"] != drawn(Tenant(), 2, seed=4)[0].k["retry_rate"]).any()


def test_slices_of_an_attribute_add_up_to_the_tenant_and_no_failure_lacks_its_trial() -> None:
    day = drawn(Tenant(), 1)[0]
    for metric in METRICS:
        assert (day.k[metric] <= day.n[metric]).all()
        for name in {each[0] for each in SLICES[1:]}:
            rows = [i for i, each in enumerate(SLICES) if each[0] == name]
            assert (day.k[metric][rows].sum(axis=0) == day.k[metric][0]).all()
            assert (day.n[metric][rows].sum(axis=0) == day.n[metric][0]).all()


def test_who_is_referred_counts_once_however_often_they_come_again() -> None:
    """Three failures refer; the fourth is of somebody who is referred already, and no trial of people."""
    day = drawn(FLAT._replace(again=0.9, rates=(0.0, 0.05, 0.0)), 1)[0]
    once, trials = day.k[PEOPLE_REFERRED], day.n[PEOPLE_REFERRED]
    again = day.k["refer_rate"] - once
    assert once.sum() > 0
    assert (again >= 0).all()
    assert again[0].sum() == pytest.approx(0.9 * once[0].sum(), rel=0.1)
    assert (trials + again == day.n["refer_rate"]).all()


def test_minutes_are_the_windows_of_the_whole_tenant_cut_smaller() -> None:
    day = drawn(Tenant(), 1)[0]
    for minutes, windows in (("transactions", day.n["rejection_rate"]), ("failed", day.k["liveness_fail_rate"])):
        assert (day.minutes[minutes].reshape(288, 5).sum(axis=1) == windows[0]).all()


@pytest.mark.parametrize("again", [0.0, 0.28, 0.6])
def test_the_rate_is_that_of_all_transactions_and_retries_cluster_by_subject(again: float) -> None:
    """By hours the dispersion of failures is (1 + c) / (1 − c) for geometric runs; four attempts cut them short."""
    found = drawn(FLAT._replace(again=again, rates=(0.0, 0.02, 0.0)), 30)
    k = np.concatenate([day.k["liveness_fail_rate"][0].reshape(24, 12).sum(axis=1) for day in found])
    n = sum(int(day.n["liveness_fail_rate"][0].sum()) for day in found)
    assert k.sum() / n == pytest.approx(0.02, rel=0.06)
    sizes = np.array([again**i * (1 - (again if i < 3 else 0)) for i in range(4)])
    runs = np.arange(1, 5)
    dispersion = (sizes * runs**2).sum() / (sizes * runs).sum()
    assert k.var() / k.mean() == pytest.approx(dispersion, rel=0.25)


def test_an_effect_holds_where_and_while_it_is_said_to() -> None:
    where = ("device_model", "b")
    effect = Effect(6 * 3_600, 12 * 3_600, where, factor=10.0)
    day = drawn(FLAT, 1, effect)[0]
    rate = day.k["liveness_fail_rate"].reshape(21, 24, 12).sum(axis=2) / day.n["liveness_fail_rate"].reshape(
        21, 24, 12
    ).sum(axis=2)
    place = SLICES.index(where)
    assert rate[place, 6:12].mean() > 0.06
    assert rate[place, 13:].mean() < 0.02
    assert rate[SLICES.index(("device_model", "a"))].mean() < 0.02


def test_days_of_rest_and_outages_are_of_the_calendar_that_is_given() -> None:
    gulf = Tenant(weekend=(4, 5), zone="Asia/Dubai", weekend_volume=0.1)
    volumes = [int(day.minutes["transactions"].sum()) for day in drawn(gulf, 7)]
    assert sorted(np.argsort(volumes)[:2].tolist()) == [4, 5]
    day = drawn(FLAT, 1, Effect(7_200, 10_800, volume=0.0))[0]
    assert day.minutes["transactions"][123:180].sum() < 30 < day.minutes["transactions"][60:119].sum()


def test_a_day_of_fewer_attributes_is_the_same_day_with_fewer_slices() -> None:
    day = drawn(Tenant(), 1)[0]
    less = day.of(2)
    assert {each[0] for each in SLICES[: len(less.k["fta_rate"])]} == {None, "device_model", "sdk_version"}
    assert (less.k["fta_rate"] == day.k["fta_rate"][:9]).all()
