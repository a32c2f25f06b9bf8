"""A release that hurts one handset is told as that handset with that release, by its failed checks: one incident."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.findings import WHOLE, Panel, Slice, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, gathered, regrouped, take
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly

IPHONE: Final[Slice] = ("device_model", "iphone-12")
IOS: Final[Slice] = ("os", "ios-17")
HANDSET: Final[Slice] = ("device_model", "galaxy-a14")
SDK: Final[Slice] = ("sdk_version", "7.4.0")
_DAY_S: Final = 86_400
_HALF_PAST_MIDNIGHT: Final = 30
_LIVENESS: Final = "liveness_fail_rate"


def release(metric: str = _LIVENESS, *, k: int = 42, n: int = 800, **more: Any) -> Anomaly:
    """Return what a comparison found of the release since half past midnight: 42 of 800, where 1.5 % are usual."""
    fields: dict[str, Any] = {"direction": "up", "baseline": 0.015, "length_s": 36 * 3600}
    fields["minute"] = _HALF_PAST_MIDNIGHT
    return anomaly(SDK, metric, rule="version_change", k=k, n=n, **(fields | more))


def day(metric: str = _LIVENESS, *, k: int = 18, n: int = 95, days: int = 0, where: Slice = HANDSET) -> Anomaly:
    """Return what a day found of the handset."""
    return anomaly(where, metric, k=k, n=n, baseline=0.015, minute=1440 * days, length_s=_DAY_S, direction="up")


def chart(metric: str, since: int, k: int, n: int) -> Anomaly:
    """Return what the handset's chart was sure of on the third day; since when is known to a day and a half."""
    around = {f"since_{side}": MIDNIGHT + timedelta(minutes=since + by) for side, by in (("low", -900), ("high", 900))}
    fields: dict[str, Any] = {"baseline": 0.045, "length_s": 60 * (4000 - since), "direction": "up"}
    fields["known_at"] = MIDNIGHT + timedelta(minutes=4000)
    since_at = MIDNIGHT + timedelta(minutes=since)
    return anomaly(HANDSET, metric, rule="cusum", k=k, n=n, minute=since, since=since_at, **around, **fields)


def tables_of(*days: Anomaly, whole: tuple[int, int] = (24, 530)) -> dict[Panel, dict[Slice, tuple[int, int]]]:
    """Return the counts of these days, in which everybody else fails as usual."""
    return {
        panel_of(finding_of(each)): {WHOLE: whole, (each.segment_name, each.segment_value): (each.k, each.n)}
        for each in days
    }


def found(*anomalies: Anomaly, tables: dict[Panel, dict[Slice, tuple[int, int]]]) -> list[Incident]:
    return gathered({each.anomaly_id: finding_of(each) for each in anomalies}, tables)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_it_is_one_incident_of_the_handset_with_the_release(order: tuple[int, ...]) -> None:
    """Both hold nearly all of what is too much, so both together do; failed checks lead, not what follows from them."""
    of_day, again = day(), chart("retry_rate", -600, 59, 257)
    everything = [release(), release("fta_rate", k=40), of_day, again]
    tables = tables_of(of_day) | {panel_of(finding_of(again)): {WHOLE: (120, 1600), HANDSET: (59, 257)}}
    tables[panel_of(finding_of(release()))] = {WHOLE: (43, 810)}
    state = Incidents(tables=tables)
    for each in order:
        state, _ = regrouped(take(state, [everything[each]]))
    (one,) = (each for each in state.incidents.values() if each.state != "merged")
    assert (one.root.where, one.version, one.lead.metric) == (HANDSET, SDK, _LIVENESS)
    assert one.since == release().window_start, "the handset's chart allows for when the release began"
    said = incident_sentence(one)
    assert said.startswith("Too many failed liveness checks at handset galaxy-a14 with SDK 7.4.0 of bank since")
    assert "Next: hold the roll-out, or roll it back" in said
    assert "handset galaxy-a14 with SDK 7.4.0 of bank" in event_of(one, None).notice_title
    assert "Handset galaxy-a14 of bank, whatever its SDK, had " in said, "its counts are of any version"


def test_a_release_that_hurts_everybody_is_not_one_handsets() -> None:
    """The handset holds a third of what the release did."""
    of_day = day()
    tables = tables_of(of_day, whole=(62, 530))
    assert {each.root.where for each in found(release(k=120), of_day, tables=tables)} >= {SDK}
    assert all(each.version is None for each in found(release(k=120), of_day, tables=tables))


def test_a_handset_that_was_hard_before_the_release_came_is_a_cause_of_its_own() -> None:
    """Its chart says that it began a day before, or sooner."""
    before = chart(_LIVENESS, -2800, 59, 257)
    tables = {panel_of(finding_of(before)): {WHOLE: (70, 1600), HANDSET: (59, 257)}}
    assert {each.root.where for each in found(release(), before, tables=tables)} == {SDK, HANDSET}


def test_fewer_failed_matches_of_those_who_never_reached_the_match_are_no_news() -> None:
    """Of a release the comparison saw fewer failed matches alone; as many people failed liveness on one handset."""
    side, of_day = release("match_fail_rate", k=8, baseline=0.03, direction="down", affected=16.0), day()
    (one,) = found(side, of_day, tables=tables_of(of_day))
    assert (one.root.where, one.version, one.lead.metric) == (HANDSET, SDK, _LIVENESS)
    many = release("match_fail_rate", k=8, baseline=0.1, direction="down", affected=72.0)
    assert {each.root.where for each in found(many, of_day, tables=tables_of(of_day))} == {SDK, HANDSET}


def test_a_handset_of_a_small_tenant_is_its_own_cause_though_the_rest_expects_few_failures() -> None:
    """Sixteen of its 84 failed, 7 of the other 419: these would be 19 were it spread evenly, 2.9 deviations fewer."""
    handset, tenant = day(k=16, n=84), day(k=23, n=503, where=WHOLE)
    (one,) = found(handset, tenant, tables=tables_of(handset, whole=(23, 503)))
    assert (one.root.where, one.lead.metric) == (HANDSET, _LIVENESS)


def one_system() -> tuple[list[Anomaly], dict[Panel, dict[Slice, tuple[int, int]]]]:
    """Return what two days and a comparison found of a release that fails on one system, and the counts of the days.

    Of the first day a handset that runs it holds nearly all, though only the system is sure; of the second the system
    does, and the handset less than four fifths.
    """
    usual: dict[str, Any] = {"baseline": 0.0057, "length_s": _DAY_S, "direction": "up"}
    low = usual | {"severity": "low_evidence", "p_value": 1e-4}
    known = MIDNIGHT + timedelta(minutes=1765)
    wandering: dict[str, Any] = {"direction": "up", "baseline": 0.009, "length_s": 621_900, "rule": "cusum"}
    wandering |= {"since": MIDNIGHT - timedelta(days=6), "known_at": known, "severity": "low_evidence"}
    anomalies = [
        anomaly(IPHONE, k=11, n=48, minute=0, **low),
        anomaly(IOS, k=13, n=72, minute=0, **usual),
        anomaly(k=25, n=1166, minute=-8600, **wandering),
        release(k=24, n=401, baseline=0.0093, minute=570, length_s=101_100),
        anomaly(IPHONE, k=12, n=68, minute=1440, **usual),
        anomaly(IOS, k=15, n=98, minute=1440, **(usual | {"p_value": 1e-8})),
    ]
    counted = [
        {WHOLE: (15, 334), IPHONE: (11, 48), IOS: (13, 72), SDK: (14, 239)},
        {WHOLE: (17, 381), IPHONE: (12, 68), IOS: (15, 98), SDK: (17, 321)},
    ]
    days = [Panel(_LIVENESS, _DAY_S, ms_of(MIDNIGHT + timedelta(days=each))) for each in (0, 1)]
    return anomalies, dict(zip(days, counted, strict=True))


@pytest.mark.parametrize("order", [range(6), (5, 4, 3, 2, 1, 0), (3, 0, 1, 4, 5, 2)])
def test_a_release_that_fails_on_one_system_is_one_incident_of_it(order: Sequence[int]) -> None:
    """Handset and system share nearly the same failures, and which holds four fifths of a day differs by day."""
    everything, tables = one_system()
    state = Incidents(tables=tables)
    for each in order:
        state, _ = regrouped(take(state, [everything[each]]))
    (one,) = (each for each in state.incidents.values() if each.state != "merged" and each.evidence == "strong")
    assert (one.root.where, one.version, one.lead.metric) == (IOS, SDK, _LIVENESS)
    assert one.since == MIDNIGHT + timedelta(minutes=570), "the day began before the version, and is no begin"


def test_that_a_release_turned_out_to_be_the_cause_is_told() -> None:
    """People were told of the handset, and by now may hold the roll-out; that it is the system changes nothing."""
    everything, tables = one_system()
    state, told = Incidents(tables=tables), []
    for some in (everything[:3], everything[3:4], everything[4:]):
        before = state.incidents
        state, changes = regrouped(take(state, some))
        told += [event_of(each, before.get(each.incident_id)) for each in changes if each.evidence == "strong"]
    assert [each.change for each in told] == ["began", "traced", "changed"]
    assert told[1].notice_title.startswith(
        "It came with a new version: Too many failed liveness checks at handset iphone-12 with SDK 7.4.0 of bank since"
    )


def test_an_attack_that_comes_long_after_a_release_is_no_part_of_it() -> None:
    """All traffic has the release by then, which did a little to everybody, and so holds all of the excess."""
    later = anomaly(IPHONE, k=70, n=90, minute=14_400, baseline=0.02, length_s=_DAY_S, direction="up")
    whole, version = (90, 530), release(k=42, n=800)
    tables = tables_of(later, whole=whole)
    tables[panel_of(finding_of(later))][SDK] = whole
    tables[panel_of(finding_of(version))] = {WHOLE: (43, 810)}
    assert {each.root.where for each in found(version, later, tables=tables)} == {SDK, IPHONE}


def test_a_slice_that_fails_with_the_rest_of_a_release_is_not_told_beside_it() -> None:
    """A third of what the release did, on a handset that stands out by itself."""
    of_day = day()
    tables = tables_of(of_day, whole=(62, 530))
    tables[panel_of(finding_of(of_day))][SDK] = (60, 520)
    tables[panel_of(finding_of(release()))] = {WHOLE: (121, 810)}
    (one,) = found(release(k=120), of_day, tables=tables)
    assert (one.root.where, one.version) == (SDK, None)
