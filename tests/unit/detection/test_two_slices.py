"""A slice that stands all day explains no other slice that goes wrong meanwhile: what it did is too little for that."""

from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, panel_of
from proofwatch.detection.incidents import Incidents, regrouped, take
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.root_slice import Counts, single
from proofwatch.detection.runs import Placed
from proofwatch.detection.wide import of_smaller
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


_DAY_S: Final = 86_400


def day(where: Slice, metric: str, k: int, n: int, baseline: float, days: int = 0) -> Anomaly:
    """Return what a day found, by the policy's rate."""
    return anomaly(where, metric, k=k, n=n, baseline=baseline, minute=1440 * days, length_s=_DAY_S)


def counted(*found: Anomaly) -> dict[Panel, dict[Slice, tuple[int, int]]]:
    """Return the windows by which findings were judged, as these say it."""
    tables: dict[Panel, dict[Slice, tuple[int, int]]] = {}
    for each in found:
        tables.setdefault(panel_of(finding_of(each)), {})[each.segment_name, each.segment_value] = (each.k, each.n)
    return tables


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_wave_of_one_country_and_one_release_is_one_incident(order: tuple[int, ...]) -> None:
    """Of its few failed matches the counts single out the country, of the rest the release: they are the same people.

    The release leads, with the check that failed most.
    """
    found = [
        day(WHOLE, "liveness_fail_rate", 71, 622, 0.02),
        day(RELEASE, "liveness_fail_rate", 61, 265, 0.02),
        day(COUNTRY, "liveness_fail_rate", 59, 105, 0.02),
        day(COUNTRY, "match_fail_rate", 20, 105, 0.03),
    ]
    tables = counted(
        *found, day(WHOLE, "match_fail_rate", 27, 626, 0.03), day(RELEASE, "match_fail_rate", 17, 267, 0.03)
    )
    state = Incidents(tables=tables)
    for each in order:
        state, _ = regrouped(take(state, [found[each]]))
    (only,) = (each for each in state.incidents.values() if each.state != "merged")
    assert (only.root.where, only.lead.metric, only.described) == (RELEASE, "liveness_fail_rate", (COUNTRY,))


def test_a_release_that_nearly_everybody_runs_is_not_the_cause_of_what_a_country_does() -> None:
    """All counts are known: four in five run the release, and one in ten come from the country."""
    found = [
        day(WHOLE, "liveness_fail_rate", 71, 622, 0.02),
        day(RELEASE, "liveness_fail_rate", 69, 490, 0.02),
        day(COUNTRY, "liveness_fail_rate", 59, 105, 0.02),
    ]
    assert roots_of(found, counted(*found)) == {COUNTRY}
    few = [*found[:2], day(COUNTRY, "liveness_fail_rate", 64, 300, 0.02)]
    assert roots_of(few, counted(*few)) == {RELEASE}, "with not half as many it is about as few"


def test_a_release_that_nearly_everybody_runs_is_not_it_where_windows_know_the_country_in_part() -> None:
    """The second night of an attack goes on: its country has too few in five minutes to publish, its chart has all."""
    release, country = chart(RELEASE, 600, 2400, 75, 353), chart(COUNTRY, 560, 2390, 59, 122)
    tables: dict[Panel, dict[Slice, tuple[int, int]]] = {
        panel_of(finding_of(release)): {WHOLE: (78, 419), RELEASE: (75, 353), COUNTRY: (28, 69)},
        panel_of(finding_of(country)): {WHOLE: (75, 491), RELEASE: (37, 264), COUNTRY: (28, 69)},
    }
    for order in permutations([release, country]):
        assert roots_of(list(order), tables) == {COUNTRY}
    more = chart(RELEASE, 600, 2400, 150, 353)
    tables[panel_of(finding_of(more))] = {WHOLE: (153, 419), RELEASE: (150, 353), COUNTRY: (28, 69)}
    assert RELEASE in roots_of([more, country], tables)


@pytest.mark.parametrize(("metric", "roots"), [("rejection_rate", {COUNTRY}), ("match_fail_rate", {COUNTRY, RELEASE})])
def test_what_a_wide_slice_shows_of_a_related_rate_is_compared(metric: str, roots: set[Slice]) -> None:
    """Who fails liveness is rejected; errors of the other check are another matter."""
    release, country = chart(RELEASE, 600, 2400, 75, 353, metric), chart(COUNTRY, 560, 2390, 59, 122)
    counts = {WHOLE: Counts(78, 419, 0.02), RELEASE: Counts(75, 353, 0.02), COUNTRY: Counts(59, 122, 0.02)}
    placed = [
        Placed(finding_of(each), single(counts, (each.segment_name, each.segment_value))) for each in (release, country)
    ]
    tables = {panel_of(finding_of(country)): {WHOLE: (75, 491)}}
    assert {each.root.where for each in of_smaller(placed, tables)} == roots


def test_failures_of_a_country_that_the_release_has_no_part_in_are_another_cause() -> None:
    """The same day, another check, and other people."""
    found = [
        day(WHOLE, "liveness_fail_rate", 71, 622, 0.02),
        day(RELEASE, "liveness_fail_rate", 61, 265, 0.02),
        day(COUNTRY, "match_fail_rate", 20, 105, 0.03),
    ]
    tables = counted(
        *found, day(WHOLE, "match_fail_rate", 27, 626, 0.03), day(RELEASE, "match_fail_rate", 3, 267, 0.03)
    )
    assert roots_of(found, tables) == {RELEASE, COUNTRY}


def test_a_release_that_stands_does_not_hide_a_handset_whose_days_are_counted_whole() -> None:
    """The chart of the release still fires, from windows too small to publish; the days count all of its trials."""
    standing = chart(RELEASE, 120, 495, 69, 129, "retry_rate")
    handset = day(MODEL, "fta_rate", 33, 186, 0.01, days=2)
    tables = counted(
        handset, day(WHOLE, "fta_rate", 35, 1202, 0.01, days=2), day(RELEASE, "fta_rate", 11, 396, 0.01, days=2)
    )
    tables[panel_of(finding_of(handset))] |= {("sdk_version", "11.0.9"): (24, 806)}
    tables[panel_of(finding_of(standing))] = {WHOLE: (74, 208)}
    assert roots_of([standing, handset], tables) == {RELEASE, MODEL}
