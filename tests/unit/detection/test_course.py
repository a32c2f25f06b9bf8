"""How an incident goes on: how exactly its begin is known, and what rises while it stands."""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from itertools import permutations
from typing import Any, Final

import pytest

from proofwatch.detection.begin import begin_of
from proofwatch.detection.course_words import course
from proofwatch.detection.findings import WHOLE, FindingHistory, panel_of
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import change_of, event_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.revisions import finding_of, merged
from proofwatch.events.codec import INCIDENT
from proofwatch.events.types import Anomaly, Step
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_HANDSET: Final = ("device_model", "A-1801")


def _at(minute: int) -> Any:
    return MIDNIGHT + timedelta(minutes=minute)


def _chart(metric: str = "liveness_fail_rate", *, since: int, until: int, around: int = 0, **more: Any) -> Anomaly:
    """Return what a chart of the handset found; `around`: its begin is known to so many minutes."""
    told = {"since_low": _at(since - around), "since_high": _at(since + around)} if around else {}
    fields = {"k": 80, "n": 1000, "length_s": 60 * (until - since), "direction": "up", "affected": 60.0, **told, **more}
    where = fields.pop("where", _HANDSET)
    return anomaly(where, metric, rule="cusum", minute=since, since=_at(since), known_at=_at(until), **fields)


def _step(since: int, known: int, *, up: bool = True, told: bool = True, metric: str = "liveness_fail_rate") -> Step:
    levels = (0.08, 0.2) if up else (0.2, 0.08)
    return Step(
        metric=metric,
        since=_at(since),
        known_at=_at(known),
        direction="up" if up else "down",
        told=told,
        from_rate=levels[0],
        to_rate=levels[1],
        k=round(500 * levels[1]),
        n=500,
    )


def _stepped(chart: Anomaly, step: Step, revision: int) -> Anomaly:
    """Return the revision of a chart's finding that tells of a step."""
    fields = {name: getattr(chart, name) for name in chart.__struct_fields__}
    return Anomaly(**(fields | {"revision": revision, "window_end": step.known_at, "step": step}))


def _version(*, since: int, until: int) -> Anomaly:
    """Return what a comparison of a new matcher with the one before it found."""
    fields: dict[str, Any] = {"k": 80, "n": 1000, "length_s": 60 * (until - since), "direction": "up", "affected": 60.0}
    where, metric, times = ("matcher_version", "fm-7.2"), "match_fail_rate", {"known_at": _at(until)}
    return anomaly(where, metric, rule="version_change", minute=since, since=_at(since), **times, **fields)


def test_what_a_new_version_did_began_with_the_version() -> None:
    """A chart of the same slice guesses an evening of the day before; the comparison knows when the version came."""
    guess = _chart("match_fail_rate", since=-880, until=720, around=600, where=("matcher_version", "fm-7.2"))
    found = _one([guess, _version(since=540, until=1005)])
    assert found.since == _at(540)
    assert (found.since_low, found.since_high) == (None, None)


def _one(anomalies: Iterable[Anomaly]) -> Incident:
    state = Incidents()
    for each in anomalies:
        state = observe(state, [each]).state
    (incident,) = (each for each in state.incidents.values() if each.state != "merged")
    return incident


def test_a_further_rise_is_told_once_whatever_rates_show_it() -> None:
    """Liveness shows it first; rejections, which stood as well, follow: one incident, one message."""
    charts = [_chart(since=300, until=480), _chart("rejection_rate", since=310, until=520)]
    first = _stepped(charts[0], _step(840, 860), 2)
    echo = _stepped(charts[1], _step(845, 880, metric="rejection_rate"), 2)
    before, risen, after = (_one([*charts, *more]) for more in ((), (first,), (first, echo)))
    assert before.incident_id == risen.incident_id == after.incident_id
    assert [change_of(risen, before), change_of(after, risen)] == ["rose_again", "changed"]
    event = event_of(risen, before)
    assert event.title.startswith("Rose again since 2026-03-02 14:00 UTC: Too many failed liveness checks")
    assert "from 8 % to 20 % (100 of 500), 60 more by then" in event.sentence
    assert "handset A-1801" in event.notice_title
    assert INCIDENT.decode(INCIDENT.encode(event)) == event


def test_a_second_rise_is_told_again_and_order_is_nothing() -> None:
    """Each told rise of one chart is one; the same findings in any order come to the same."""
    chart = _chart(since=300, until=480)
    news = [chart, _stepped(chart, _step(840, 860), 2), _stepped(chart, _step(1200, 1230), 3)]
    for order in permutations(news):
        assert [each.told for each in _one(order).steps] == [True, True]
    assert change_of(_one(news), _one(news[:2])) == "rose_again"


def test_back_at_the_level_before_is_history_and_no_end() -> None:
    """Nobody is told, and the incident holds."""
    chart = _chart(since=300, until=480)
    rise = _stepped(chart, _step(840, 860), 2)
    fall = _stepped(chart, _step(960, 990, up=False, told=False), 3)
    before, after = _one([chart, rise]), _one([chart, rise, fall])
    assert change_of(after, before) == "fell_back"
    assert after.state == "firing"
    assert "It fell back since 2026-03-02 16:00 UTC, to 8 %" in course(after)


def test_a_rise_that_the_root_does_not_show_is_not_told() -> None:
    """What the whole tenant's chart sees of the handset's attack is in its numbers."""
    tenant = _chart(since=300, until=480, where=WHOLE, baseline=0.02, k=160, n=4000)
    handset = _chart(since=300, until=480, k=130, n=1000, affected=110.0)
    assert _one([handset, tenant]).root.where == _HANDSET
    assert _one([handset, tenant, _stepped(tenant, _step(840, 860), 2)]).steps == ()


def test_the_minute_of_a_collapse_beats_the_guess_of_a_chart() -> None:
    """A chart that had wandered for a day supplies no begin, and is no cause of its own."""
    minute = anomaly(WHOLE, "liveness_fail_rate", rule="collapse", k=500, n=500, minute=840, affected=480.0)
    wandered = _chart(since=-500, until=845, where=WHOLE, k=600, n=9000)
    incident = _one([minute, wandered])
    assert incident.since == _at(840)
    assert course(incident) == "When it began is known roughly only."
    assert incident.since_low is None


def test_no_begin_is_said_to_be_known_to_the_minute() -> None:
    """A run without failures begins with the last failure, a chart of odds where it was last at zero."""
    for rule, metric in (("missing_scores", "liveness_missing_rate"), ("few_values", "liveness_score")):
        found = _one([anomaly(WHOLE, metric, rule=rule, k=76, n=1038, minute=840, since=_at(840), affected=50.0)])
        assert course(found) == "When it began is known roughly only."
    bound = _one([anomaly(WHOLE, "liveness_score", rule="saturation", k=35, n=35, minute=840, since=_at(840))])
    assert course(bound) == "That is the first minute that shows it."


def test_of_charts_the_first_that_was_sure_says_when_it_began() -> None:
    """With the interval in which it did; a chart that is sure later moves nothing."""
    first, later = _chart(since=600, until=660, around=20), _chart("rejection_rate", since=320, until=900, around=200)
    for order in permutations((first, later)):
        incident = _one(order)
        assert (incident.since, incident.since_low, incident.since_high) == (_at(600), _at(580), _at(620))
    assert "It began between 2026-03-02 09:40 UTC and 2026-03-02 10:20 UTC (90 % sure)." in course(incident)


def test_a_begin_that_moves_says_from_when() -> None:
    """The incident is the same one."""
    chart = _chart(since=300, until=340, around=60, where=WHOLE)
    scores = anomaly(WHOLE, "liveness_score", rule="saturation", k=500, n=500, minute=336, affected=500.0)
    before, after = _one([chart]), _one([chart, scores])
    assert before.incident_id == after.incident_id
    assert event_of(after, before).since_moved_from == _at(300)
    assert event_of(after, after).since_moved_from is None


@pytest.mark.parametrize("count", [40])
def test_of_many_steps_those_that_were_told_stay(count: int) -> None:
    """And the newest of the rest: a finding that flaps for weeks stays small."""
    chart = _chart(since=300, until=480)
    told = [_stepped(chart, _step(500, 520), 2)]
    more = [_stepped(chart, _step(600 + 10 * i, 605 + 10 * i, told=False), 3 + i) for i in range(count)]
    steps = _one([chart, *told, *more]).steps
    assert len(steps) < count
    assert steps[0].told


def _grown(chart: Anomaly, revision: int, minute: int, affected: float) -> Anomaly:
    """Return the revision of a chart's finding that says how many it concerns by then."""
    fields = {name: getattr(chart, name) for name in chart.__struct_fields__}
    more = {"revision": revision, "window_end": _at(minute), "k": round(affected) + 20, "affected": affected}
    return Anomaly(**(fields | more))


def test_how_many_by_now_is_said_and_is_no_news() -> None:
    """People follow, and by when; the window that names the root, and what the id is of, stay. In any order."""
    chart = _chart(since=840, until=860, affected=20.0)
    later = [_grown(chart, 2, 900, 64.5), _grown(chart, 3, 990, 300.2)]
    before = _one([chart])
    for order in permutations((chart, *later)):
        found = _one(order)
        assert (found.incident_id, found.root, found.since) == (before.incident_id, before.root, before.since)
        assert (found.rejected, found.lead.revision) == (300.2, 3)
    assert change_of(found._replace(revision=2), before) == "changed"
    event = event_of(found, before)
    assert "About 300 rejected beyond what was to be expected, so far (by 2026-03-02 16:30 UTC)" in event.sentence
    assert "320 of 1,000" in event.sentence
    assert event.lead_revision == 3


def test_what_is_over_says_what_it_came_to() -> None:
    """The end of a chart has its final count; "so far" is said of nothing that ended."""
    chart = _chart(since=840, until=860, affected=20.0)
    grown = _grown(chart, 2, 990, 130.0)
    ended = within(grown, 1020, revision=3, affected=151.6)
    for order in permutations((chart, grown, ended)):
        found = _one(order)
        assert (found.state, found.rejected) == ("ended", 151.6)
    event = event_of(found, _one([chart, grown]))
    assert event.change == "ended"
    assert "About 152 rejected beyond what was to be expected:" in event.sentence
    assert _one([chart, grown, within(grown, 1020, revision=3, affected=None)]).rejected == 130.0


def test_what_was_before_is_said_and_is_no_news() -> None:
    """A wave behind a drift: the incident began with the wave, and the drift is a sentence."""
    drift = _step(300, 860, told=False)
    chart = _chart(since=840, until=860, around=10, step=drift)
    later = _grown(chart, 2, 990, 300.0)
    later = Anomaly(**({name: getattr(later, name) for name in later.__struct_fields__} | {"step": None}))
    for order in permutations((chart, later)):
        found = _one(order)
        assert found.since == _at(840)
        assert (found.lead.revision, found.rejected, found.steps) == (2, 300.0, (drift,))
        assert panel_of(_finding(order)).length_s == 60 * 20
    told = course(found)
    assert "It began between 2026-03-02 13:50 UTC and 2026-03-02 14:10 UTC" in told
    assert (
        "Before, they were higher than usual already since 2026-03-02 05:00 UTC: 20 % (100 of 500) in place of 8 %."
        in told
    )
    assert "rose again" not in told
    assert change_of(found, None) == "began"


def _finding(anomalies: Iterable[Anomaly]) -> FindingHistory:
    return reduce(merged, map(finding_of, anomalies))


def test_steps_are_kept_when_the_root_becomes_clear() -> None:
    """What the whole tenant showed was told; the handset that turns out to be the root does not take it back."""
    tenant = _chart(since=300, until=480, where=WHOLE, k=90, n=4000)
    risen = _stepped(tenant, _step(840, 860), 2)
    found = _chart(since=300, until=480, k=85, n=1000, affected=65.0)
    handset = Anomaly(**({name: getattr(found, name) for name in found.__struct_fields__} | {"known_at": _at(900)}))
    before, after = _one([tenant, risen]), _one([tenant, risen, handset])
    assert (before.root.where, after.root.where) == (WHOLE, _HANDSET)
    assert before.steps == after.steps == (_step(840, 860),)
    assert "rose again since 2026-03-02 14:00" in course(after)
    late = _stepped(tenant, _step(1000, 1010), 3)
    assert _one([tenant, risen, handset, late]).steps == (_step(840, 860),)


@pytest.mark.parametrize(
    ("slices", "told"),
    [
        ({"since": 500, "around": 900}, (1000, 1400)),  # days, with the tenant's hours within them
        ({"since": 1210, "around": 20}, (1190, 1230)),  # closer than the tenant's
        ({"since": 300, "around": 250}, (50, 550)),  # of another time
    ],
)
def test_what_the_tenants_chart_knew_closer_is_not_taken_back_by_the_slices(
    slices: dict[str, Any], told: tuple[int, int]
) -> None:
    """The slice's chart is sure hours later, and of few trials it knows within days what was known within hours."""
    tenant = finding_of(_chart("rejection_rate", since=1200, until=1240, around=200, where=WHOLE))
    begin = begin_of([finding_of(_chart(until=1800, **slices))], [tenant], _HANDSET)
    assert begin
    assert (begin.low, begin.high) == (_at(told[0]), _at(told[1]))
