"""A slice that stands all day explains no other slice that goes wrong meanwhile: what it did is too little for that."""

from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, finding_of, panel_of
from proofwatch.detection.incidents import Incidents, regrouped, take
from proofwatch.events.types import Anomaly
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

MODEL: Final = ("device_model", "A-1801")
RELEASE: Final = ("sdk_version", "11.1.4")
COUNTRY: Final = ("country", "IN")


def chart(where: Slice, since: int, until: int, k: int, n: int, metric: str = "liveness_fail_rate") -> Anomaly:
    """Return what a chart was sure of at minute `until`: k of n since minute `since`, where 2 % are usual."""
    of_time: dict[str, Any] = {"length_s": 60 * (until - since), "known_at": MIDNIGHT + timedelta(minutes=until)}
    around: dict[str, Any] = {"since": MIDNIGHT + timedelta(minutes=since)}
    around |= {f"since_{side}": MIDNIGHT + timedelta(minutes=since + by) for side, by in (("low", -20), ("high", 20))}
    return anomaly(where, metric, rule="cusum", minute=since, k=k, n=n, **of_time, **around)


def roots_of(anomalies: list[Anomaly], tables: dict[Panel, dict[Slice, tuple[int, int]]]) -> set[Slice]:
    """Return the roots of the strong incidents that come of them, one after another."""
    state = Incidents(tables=tables)
    for each in anomalies:
        state, _ = regrouped(take(state, [each]))
    return {
        each.root.where for each in state.incidents.values() if each.state != "merged" and each.evidence == "strong"
    }


@pytest.mark.parametrize("other", [RELEASE, COUNTRY])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_release_that_fails_is_not_the_handset_that_is_hard_all_day(other: Slice, order: tuple[int, ...]) -> None:
    """The handset's failures of ten hours are two in these 25 minutes, though its windows are too small to tell."""
    tenant, release = chart(WHOLE, 600, 625, 61, 677), chart(other, 600, 625, 50, 225)
    handset = chart(MODEL, 70, 660, 65, 790)
    panel = panel_of(finding_of(tenant))
    tables = {panel: {WHOLE: (61, 677), other: (50, 225)}, panel_of(finding_of(handset)): {WHOLE: (140, 7000)}}
    found = [tenant, release, handset]
    assert roots_of([found[each] for each in order], tables) == {other, MODEL}
    ended = [within(each, 780) for each in (tenant, release)]
    assert roots_of([*(found[each] for each in order), *ended], tables) == {other, MODEL}


def test_a_handset_that_may_hold_all_of_it_is_the_cause_though_its_windows_are_not_published() -> None:
    """A wave: 40 failures of the handset in these 25 minutes, of which windows know nothing; a country shows some."""
    tenant, country = chart(WHOLE, 600, 625, 61, 677), chart(COUNTRY, 600, 625, 50, 225)
    handset = chart(MODEL, 600, 625, 40, 60)
    tables = {panel_of(finding_of(tenant)): {WHOLE: (61, 677), COUNTRY: (50, 225)}}
    assert roots_of([tenant, country, handset], tables) == {MODEL}
