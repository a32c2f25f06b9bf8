"""Tests of incidents: one cause, one finding."""

import random
from collections.abc import Iterable, Sequence

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice
from proofwatch.detection.incident import Incident
from proofwatch.detection.incidents import LABELS_MS, Incidents, count, forget, observe, regrouped
from proofwatch.detection.runs import GAP_MS
from proofwatch.detection.urgency import urgency
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import anomaly, within

_GAP = GAP_MS // 60_000
_METRICS = ("rejection_rate", "retry_rate", "liveness_fail_rate", "fta_rate")
_HANDSET = ("device_model", "A-1801")
_SHARES: dict[Slice, float] = {
    ("device_model", "A-1801"): 0.25, ("os", "android"): 0.6, ("sdk_version", "11.2.0"): 0.7,
    ("sdk_version", "11.1.4"): 0.3, ("country", "IN"): 0.55, ("country", "ID"): 0.45, ("sex", "female"): 0.5,
    ("sex", "male"): 0.5, ("age_band", "25-34"): 1.0,
}  # fmt: skip


def _all(anomalies: Iterable[Anomaly]) -> Incidents:
    state = Incidents()
    for each in anomalies:
        state = observe(state, [each]).state
    return state


def _found(anomalies: Iterable[Anomaly]) -> list[Incident]:
    return sorted((each for each in _all(anomalies).incidents.values() if each.state != "merged"), key=urgency)


def _attack(handset: tuple[str, str] = _HANDSET, minute: int = 840, n: int = 1000) -> list[Anomaly]:
    """One handset's failures: they are its own, its OS's, and by their share everybody's."""
    failed = 150
    series = [(WHOLE, n, failed + 15), (handset, n // 4, failed + 4), (("os", "android"), n * 6 // 10, failed + 9)]
    series += [
        (where, round(n * share), round((failed + 15) * share))
        for where, share in _SHARES.items()
        if where[0] not in {"device_model", "os"}
    ]
    return [anomaly(where, metric, k=k, n=trials, minute=minute) for where, trials, k in series for metric in _METRICS]


def _outage(minute: int = 840) -> list[Anomaly]:
    """Every slice fails alike."""
    series: dict[Slice, float] = {WHOLE: 1.0, **_SHARES}
    return [
        anomaly(where, metric, k=round(900 * s), n=round(1000 * s), minute=minute)
        for where, s in series.items()
        for metric in _METRICS
    ]


def test_one_handset_under_attack_is_one_incident_at_the_handset() -> None:
    """40 series fire; one thing is wrong."""
    fired = _attack()
    assert len(fired) == 40
    (incident,) = _found(fired)
    assert incident.root.where == _HANDSET
    assert len(incident.children) == 39
    assert incident.metrics == tuple(sorted(_METRICS))
    assert incident.root.share == pytest.approx(1.0, abs=0.02)
    rest = incident.root.rest
    assert rest is not None
    assert (rest.k, rest.n) == (165 - 154, 1000 - 250)


def test_a_check_that_is_down_is_one_incident_of_the_tenant() -> None:
    """Every segment fires, none more than another."""
    (incident,) = _found(_outage())
    assert incident.root.where == WHOLE
    assert incident.root.share == 1.0


@pytest.mark.parametrize("rule", ["collapse", "saturation", "few_values", "missing_scores", "score_shift"])
def test_a_check_that_fails_open_is_not_hidden_by_a_handset_that_had_been_hard_for_hours(rule: str) -> None:
    """It is told by itself; a handset whose failures began in the same hour may explain it."""
    handset = _attack(minute=300)
    fail_open = anomaly(WHOLE, "liveness_score", rule=rule, k=500, n=500, minute=840, affected=500.0)
    assert [each.root.where for each in _found([*handset, fail_open])] == [WHOLE, _HANDSET]
    soon = anomaly(WHOLE, "liveness_score", rule=rule, k=500, n=500, minute=310, affected=500.0)
    assert [each.root.where for each in _found([*handset, soon])] == [_HANDSET]


def test_two_causes_at_once_in_two_handsets_are_two_incidents() -> None:
    """Both are Android; the OS holds all of the excess, but the two handsets are the smaller explanation."""
    fired = [
        anomaly(WHOLE, k=320, n=1000),
        anomaly(("device_model", "A-1801"), k=150, n=200),
        anomaly(("device_model", "B-77"), k=150, n=200),
        anomaly(("os", "android"), k=310, n=700),
        anomaly(("sex", "female"), k=160, n=500),
    ]
    assert {each.root.where for each in _found(fired)} == {("device_model", "A-1801"), ("device_model", "B-77")}


def test_slices_that_cannot_be_told_apart_are_named_together() -> None:
    """A model that has an SDK to itself: the root is one of them, and says that it may be the other."""
    fired = [
        anomaly(WHOLE, k=170, n=1000),
        anomaly(("device_model", "A-1801"), k=150, n=250),
        anomaly(("sdk_version", "9.9"), k=151, n=252),
    ]
    (incident,) = _found(fired)
    assert incident.root.where == ("device_model", "A-1801")
    assert incident.root.confounded == (("sdk_version", "9.9"),)


def test_people_by_what_they_are_are_no_root_where_another_slice_explains_as_much() -> None:
    """All who were attacked were of one age; the handset is the root although it has more trials."""
    fired = [
        anomaly(WHOLE, k=170, n=1000),
        anomaly(("age_band", "55+"), k=150, n=180),
        anomaly(("device_model", "A-1801"), k=150, n=250),
    ]
    (incident,) = _found(fired)
    assert incident.root.where == ("device_model", "A-1801")
    assert ("age_band", "55+") in incident.described


def test_lengths_of_one_series_are_one_incident_that_began_when_the_shortest_says() -> None:
    """A day's window only knows the day."""
    fired = [anomaly(_HANDSET, length_s=s, minute=m) for s, m in ((60, 842), (300, 840), (86_400, 0))]
    (incident,) = _found(fired)
    assert incident.since == fired[1].window_start


def test_the_counts_of_windows_tell_what_did_not_fire_itself() -> None:
    """A segment of people fires alone; the handset that fires since earlier has all of its failures by the counts."""
    handset, child = anomaly(_HANDSET, k=90, n=120), anomaly(("age_band", "55+"), "refer_rate", minute=855, k=6, n=12)
    panel = Panel("refer_rate", 300, ms_of(child.window_start))
    state = Incidents()
    for where, k, n in ((WHOLE, 40, 200), (_HANDSET, 39, 110), (("age_band", "55+"), 6, 12)):
        state = count(state, panel, where, k, n)
    for each in (handset, child):
        state = observe(state, [each]).state
    (incident,) = state.incidents.values()
    assert incident.root.where == _HANDSET


def test_another_value_of_the_same_attribute_is_never_explained_by_the_first() -> None:
    """No transaction is of two handsets."""
    fired = [anomaly(_HANDSET, k=90, n=120), anomaly(("device_model", "B-77"), minute=850, k=20, n=90)]
    assert len(_found(fired)) == 2


def test_errors_of_matching_are_not_explained_by_liveness() -> None:
    """A wave of masks and a worn-out matcher are two causes, even at once."""
    wave = [anomaly(WHOLE, k=100, n=1000), anomaly(_HANDSET, k=90, n=120)]
    assert len(_found([*wave, anomaly(("country", "IN"), "match_fail_rate", k=20, n=200)])) == 2
    assert len(_found([*wave, anomaly(("country", "IN"), "rejection_rate", k=20, n=200)])) == 1


def test_a_slice_that_holds_half_of_the_excess_is_not_the_root_of_all() -> None:
    """What it does not explain is somebody else's."""
    fired = [anomaly(WHOLE, k=420, n=1000), anomaly(_HANDSET, k=200, n=250), anomaly(("country", "IN"), k=210, n=300)]
    (incident,) = _found(fired)
    assert incident.root.where == WHOLE


@pytest.mark.parametrize(("pause", "expected"), [(_GAP - 5, 1), (_GAP + 10, 2)])
def test_what_comes_back_within_the_gap_is_the_same_incident(pause: int, expected: int) -> None:
    """Its id stays, and it fires again."""
    first = anomaly(_HANDSET, minute=600)
    ended = within(first, 610)
    state = _all([first, ended])
    (before,) = state.incidents.values()
    assert (before.state, before.ended_by) == ("ended", "within")
    again = observe(state, [anomaly(_HANDSET, minute=610 + pause)]).state
    assert len(again.incidents) == expected
    assert again.incidents[before.incident_id].state == ("firing" if expected == 1 else "ended")


def test_an_incident_whose_traffic_ended_says_so() -> None:
    """Nothing got better."""
    fired = anomaly(_HANDSET)
    (incident,) = _found([fired, within(fired, 900, resolution="no_traffic", k=0, n=0)])
    assert (incident.state, incident.ended_by) == ("ended", "no_traffic")


@pytest.mark.parametrize("seed", range(5))
def test_in_the_end_the_order_of_arrival_is_nothing(seed: int) -> None:
    """Ids too."""
    order = random.Random(seed)
    early, late = _attack(minute=600), _attack(("device_model", "B-77"), minute=900)
    events: list[Anomaly] = [*early, *(within(each, 630) for each in early), *late, *_outage(1200)]
    expected = [each._replace(revision=1) for each in _found(events)]
    order.shuffle(events)
    assert [each._replace(revision=1) for each in _found(events)] == expected


def test_an_incident_that_turns_out_to_be_part_of_another_says_of_which() -> None:
    """Two that the end of a third joins: the later one is told as merged, once."""
    one, other = anomaly(_HANDSET, minute=600), anomaly(_HANDSET, minute=800)
    state = _all([one, within(one, 605), other])
    assert len(state.incidents) == 2
    bridge = anomaly(_HANDSET, "rejection_rate", minute=610)
    after, changes = observe(state, [bridge])
    assert sorted(each.state for each in changes) == ["firing", "merged"]
    merged = next(each for each in changes if each.state == "merged")
    assert merged.merged_into in after.incidents
    assert observe(after, [within(bridge, 700)]).state.incidents[merged.incident_id].state in {"merged", "firing"}


def test_an_event_that_comes_again_changes_nothing() -> None:
    """A handler may see a batch twice."""
    fired = anomaly(_HANDSET)
    state = _all([fired])
    assert observe(state, [fired]) == (state, ())


def test_revisions_count_what_changed_only() -> None:
    """1, 2, 3, without holes."""
    fired = anomaly(_HANDSET)
    state, revisions = Incidents(), []
    for each in (fired, anomaly(_HANDSET, "rejection_rate", minute=845), within(fired, 860)):
        state, changes = observe(state, [each])
        revisions += [change.revision for change in changes]
    assert revisions == list(range(1, len(revisions) + 1))


def test_what_chance_makes_of_so_many_looks_is_weak() -> None:
    """p < 0.001 in a window of five minutes is daily news, p < 1e-12 is not; other rules have a budget of their own."""
    grades = [
        _found([anomaly(p_value=0.0005)])[0].evidence,
        _found([anomaly(p_value=1e-12)])[0].evidence,
        _found([anomaly(p_value=0.4, rule="cusum")])[0].evidence,
    ]
    assert grades == ["weak", "strong", "strong"]


def test_the_worst_come_first_by_evidence_and_people_not_by_ratio() -> None:
    """A small window may have any ratio."""
    few = anomaly(("device_model", "B-77"), k=8, n=8)
    many = anomaly(("device_model", "A-1801"), k=500, n=5000, minute=0)
    chance = anomaly(("device_model", "K-12"), k=900, n=1000, minute=400, p_value=0.001)
    found = _found([few, within(few, 845), many, within(many, 5), chance, within(chance, 405)])
    assert [each.root.where[1] for each in found] == ["A-1801", "B-77", "K-12"]


def test_people_are_counted_once_whatever_fired_for_them() -> None:
    """A rejection and its liveness failure are one person; an attack that passed is another harm."""
    fired: Sequence[Anomaly] = [
        anomaly(_HANDSET, k=62, n=100),
        anomaly(_HANDSET, "rejection_rate", k=62, n=100),
        anomaly(_HANDSET, "apcer", k=10, n=100, baseline=0.01),
    ]
    (incident,) = _found(fired)
    assert incident.rejected == pytest.approx(60)
    assert incident.accepted == pytest.approx(9)


def test_incidents_that_are_over_are_forgotten_with_their_findings() -> None:
    """What still fires stays; an incident that people were told of stays by itself until no label can come."""
    old = anomaly(_HANDSET, minute=100)
    state = _all([old, within(old, 110), anomaly(_HANDSET, minute=900)])
    before_ms = ms_of(anomaly(minute=500).window_start)
    left = forget(state, before_ms)
    assert len(left.findings) == 1
    assert len(left.incidents) == 2
    assert regrouped(left).changes == ()
    assert observe(left, [within(old, 120)]).changes == ()  # of what is forgotten only the end comes again
    assert len(forget(left, before_ms + LABELS_MS).incidents) == 1


def test_the_id_of_an_incident_lasts_while_others_join() -> None:
    """More metrics of its window, and the day's window, which began before all of them and is told after them."""
    day = [anomaly(_HANDSET, metric, length_s=86_400, minute=0) for metric in _METRICS]
    state = observe(Incidents(), _attack()).state
    (one,) = state.incidents
    assert set(observe(state, day).state.incidents) == {one}


def test_what_a_comparison_of_versions_found_is_an_incident_of_the_version() -> None:
    """It names its root itself, whatever else fires at the same time and explains as much."""
    attack = [anomaly(("device_model", "A"), k=90, n=100), anomaly(k=92, n=400)]
    version = anomaly(("sdk_version", "8"), k=20, n=100, rule="version_change")
    found = _found([*attack, version])
    assert {each.root.where for each in found} == {("device_model", "A"), ("sdk_version", "8")}
    (of_it,) = [each for each in found if each.root.where == ("sdk_version", "8")]
    assert (of_it.lead.anomaly_id, of_it.children) == (version.anomaly_id, ())
    assert all(version.anomaly_id not in each.children for each in found)
