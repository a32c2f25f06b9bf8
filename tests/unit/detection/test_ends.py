"""An incident ends by evidence of the time after it; a day that remembers it neither holds it open nor opens it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from proofwatch.detection.course_words import course
from proofwatch.detection.findings import WHOLE, Slice, Tables, panel_of
from proofwatch.detection.incident import Incident, LogEnd
from proofwatch.detection.incident_event import change_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.detection.revisions import finding_of
from proofwatch.detection.sentences import incident_sentence
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly, Step
from proofwatch.instants import instant_of, ms_of
from tests.unit.detection.anomalies import MIDNIGHT, anomaly, within

_DAY = 1440
_HANDSET = ("device_model", "A-1801")


def chart(minute: int) -> Anomaly:
    """A chart that was sure at that minute."""
    return anomaly(_HANDSET, minute=minute, rule="cusum")


def day(number: int, days: int = 1) -> Anomaly:
    """The 2 × rule of the days up to that one."""
    return anomaly(_HANDSET, k=900, n=9_000, minute=(number + 1 - days) * _DAY, length_s=86_400 * days)


def told(*closings: Anomaly) -> list[tuple[str, Incident]]:
    """Return what each closing changes of incidents."""
    state, news = Incidents(), []
    for each in closings:
        before = state.incidents
        state, changes = observe(state, [each])
        news += [(str(change_of(one, before.get(one.incident_id))), one) for one in changes]
    return news


def test_a_day_neither_holds_open_nor_reopens_what_was_rolled_back_on_it() -> None:
    """The chart came back at noon; the day and three days fire at midnight, and the next day is within: no notice."""
    fired = chart(520)
    bad = day(0)
    news = told(fired, within(fired, 720), bad, day(0, days=3), within(bad, _DAY))
    assert [change for change, _ in news[:2]] == ["began", "ended"]
    assert {change for change, _ in news[2:]} <= {"changed"}
    assert {one.until for _, one in news[1:]} == {instant_of(ms_of(MIDNIGHT) + 720 * 60_000)}
    assert len({one.incident_id for _, one in news}) == 1
    assert "It ended 2026-03-02 12:00 UTC: within what is expected again. Known 2026-03-02 12:05" in course(news[1][1])


def test_a_second_release_on_the_same_or_the_next_day_is_told() -> None:
    """While the day's finding still fires the second one is an incident of its own, and stays it when the day ends."""
    for again in (900, _DAY + 540):
        first, second, bad = chart(520), chart(again), day(0)
        ended = within(first, 720)
        order = (bad, second) if again > _DAY else (second, bad)
        news = told(first, ended, *order, within(second, again + 60), within(bad, _DAY))
        changes = [change for change, _ in news if change != "changed"]
        assert changes == ["began", "ended", "began", "ended"], again


def test_what_days_alone_found_goes_on_until_a_day_is_within() -> None:
    """A chart of low evidence, which chance makes thrice a day, ends nothing."""
    bad, low = day(0), anomaly(_HANDSET, minute=520, rule="cusum", severity="low_evidence")
    news = told(low, within(low, 560), bad)
    assert [one.state for _, one in news][-1] == "firing"
    assert told(low, within(low, 560), bad, within(bad, _DAY))[-1][1].state == "ended"


@pytest.mark.parametrize("metric", ["bpcer", "fnmr"])
@pytest.mark.parametrize(("day", "state"), [(0, "ended"), (1, "firing")])
def test_what_labels_prove_of_the_day_on_which_it_was_over_says_that_it_was(metric: str, day: int, state: str) -> None:
    """They come days after the chart came back: of that day they are no news, of the next day they are."""
    fired = chart(520) if metric == "bpcer" else anomaly(_HANDSET, "match_fail_rate", minute=520, rule="cusum")
    proven = anomaly(_HANDSET, metric, k=900, n=9_000, minute=_DAY * day, length_s=86_400)
    news = told(fired, within(fired, 720), proven)
    assert news[-1][1].state == state
    changes = [change for change, _ in news if change != "changed"]
    assert changes == (["began", "ended"] if state == "ended" else ["began", "ended", "began"])


def told_by(tables: Tables, *closings: Anomaly) -> Incident:
    """Return the incident that all closings are of in the end, by the counts of their windows."""
    state = Incidents(tables=tables)
    for each in closings:
        state, _ = observe(state, [each])
    (one,) = (each for each in state.incidents.values() if each.evidence == "strong" and each.state != "merged")
    return one


def _slow(rate: float = 0.33) -> Anomaly:
    """A chart of few that was sure at eight in the morning, and does not come back."""
    return anomaly(_HANDSET, minute=470, rule="cusum", k=round(230 * rate), n=230, baseline=0.05, length_s=600)


def test_a_day_within_ends_what_a_chart_of_few_is_slow_to_take_back() -> None:
    """At its midnight, known at the next one; the other findings of the cause had ended before."""
    fired, bad = _slow(), day(0)
    news = told(fired, bad, within(bad, _DAY, k=8, n=83, baseline_rate=0.05))
    (_, last) = news[-1]
    assert (last.state, last.ended_by) == ("ended", "within")
    assert "It ended 2026-03-03 00:00 UTC: within what is expected again. Known 2026-03-04 00:00 UTC." in course(last)
    end = within(bad, _DAY, k=8, n=83, baseline_rate=0.05)
    counted = {"revision": 2, "window_end": MIDNIGHT + timedelta(days=2, hours=9)}
    assert told(fired, bad, end, replace(fired, **counted, k=160, n=500))[-1][0] == "again"
    more = replace(fired, **counted, k=fired.k + 50, n=fired.n + 900)  # as many as usual: it only counts on
    assert told(fired, bad, end, more)[-1][1].state == "ended"
    assert told(fired, bad, end, more, within(more, 5 * _DAY))[-1][1].until == MIDNIGHT + timedelta(days=1)
    rose = Step(
        metric="liveness_fail_rate",
        since=MIDNIGHT + timedelta(days=2),
        known_at=MIDNIGHT + timedelta(days=2, hours=9),
        direction="up",
        told=True,
        from_rate=0.33,
        to_rate=0.5,
        k=50,
        n=100,
    )
    assert told(fired, bad, end, replace(more, step=rose))[-1][1].state == "firing"


def test_a_later_day_that_fires_opens_it_again() -> None:
    """A second wave two days later, while the chart of the first one still fires."""
    fired, bad, again = _slow(), day(0), day(2)
    news = told(fired, bad, within(bad, _DAY, k=8, n=83, baseline_rate=0.05), again)
    assert "firing" in {one.state for _, one in news[-2:]}


def test_a_day_that_may_be_half_as_bad_ends_nothing() -> None:
    """1.9 times the usual is within by the rule of days, and no return of what was twice of it."""
    for rate, k in ((0.10, 8), (0.33, 14)):
        fired, bad = _slow(rate), day(0)
        news = told(fired, bad, within(bad, _DAY, k=k, n=83, baseline_rate=0.05))
        assert news[-1][1].state == "firing", rate
    fired, bad = _slow(), day(0)
    gone = within(bad, _DAY, k=0, n=0, baseline_rate=0.05, resolution="no_traffic")
    assert told(fired, bad, gone)[-1][1].state == "firing"
    other = replace(day(0), metric="fta_rate", anomaly_id=derived_id("test", "other"))
    assert told(fired, other, within(other, _DAY, k=0, n=83))[-1][1].state == "firing"


def test_what_was_never_sure_holds_nothing_open() -> None:
    """A chart of low evidence, of which nobody was told, goes on after the day that was sure is within."""
    low, bad = anomaly(_HANDSET, minute=520, rule="cusum", severity="low_evidence"), day(0)
    assert told(low, bad, within(bad, _DAY))[-1][1].state == "ended"


def _low(where: Slice, minute: int, **more: Any) -> Anomaly:
    """A day of a slice that nobody was told of: 12 of 55, where 2 % are usual."""
    return anomaly(where, k=12, n=55, minute=minute, length_s=86_400, severity="low_evidence", p_value=0.01, **more)


def _week() -> Anomaly:
    """Seven days of the whole tenant, the first one of them the handset's first."""
    return anomaly(k=81, n=1_767, length_s=7 * 86_400, minute=0)


def test_a_week_of_the_whole_tenant_that_slides_under_its_limit_ends_nothing_of_a_handset() -> None:
    """The handset fails on: nobody was told of its own day, but that it still fires says more than a diluted week."""
    week, own = _week(), _low(_HANDSET, 0)
    tables = {panel_of(finding_of(week)): {WHOLE: (81, 1_767), _HANDSET: (56, 298)}}
    slid = within(week, _DAY, k=76, n=1_721)
    state = told_by(tables, own, week, slid)
    assert (state.root.where, state.state) == (_HANDSET, "firing")
    over = told_by(tables, own, week, slid, within(own, 11 * _DAY))
    assert (over.state, over.until) == ("ended", MIDNIGHT + timedelta(days=11))
    assert over.until_known == MIDNIGHT + timedelta(days=12)


def test_a_day_of_the_whole_tenant_that_is_within_ends_nothing_of_a_handset_either() -> None:
    """A day dilutes as a week does."""
    bad, own = anomaly(k=17, n=250, length_s=86_400, minute=0), _low(_HANDSET, 0)
    tables = {panel_of(finding_of(bad)): {WHOLE: (17, 250), _HANDSET: (12, 55)}}
    assert told_by(tables, own, bad, within(bad, _DAY, k=8, n=251)).state == "firing"


@pytest.mark.parametrize(("k", "state"), [(70, "firing"), (21, "ended")])
def test_a_week_that_may_be_half_as_bad_ends_nothing_while_what_is_shorter_goes_on(k: int, state: str) -> None:
    """3.7 % where 1.5 % are usual, then 3.5 % where 1.8 % are by then: the chart of the tenant has not come back."""
    week = anomaly(k=76, n=2_047, baseline=0.0148, length_s=7 * 86_400, minute=0)
    low = anomaly(minute=700, rule="cusum", severity="low_evidence", k=27, n=710, baseline=0.0152, length_s=170_000)
    slid = within(week, 3 * _DAY, k=k, n=1_976, baseline_rate=0.0184)
    assert told_by({}, low, week, slid).state == state
    day_ = _low(WHOLE, 8 * _DAY, baseline=0.02)
    ended = told_by({}, low, week, slid, day_, within(day_, 9 * _DAY, k=3, n=300))
    assert ended.state == "ended"


def test_what_stands_when_a_log_ends_says_since_when_nothing_more_was_counted() -> None:
    """Too few came to say that it is over; of what grew on the last day nothing is to be said."""
    ((_, one),) = told(_slow())
    late = LogEnd(MIDNIGHT + timedelta(days=3), "file")
    assert "Nothing more of it was counted since 2026-03-02 08:00 UTC, and too few" in course(
        one._replace(log_end=late)
    )
    soon = LogEnd(MIDNIGHT + timedelta(hours=12), "file")
    assert course(one._replace(log_end=soon)).endswith("what became of it after that is not known.")


_SDK = ("sdk_version", "7.4.0")


def release(minute: int) -> Anomaly:
    """A comparison that found a new version of the SDK to fail more."""
    return anomaly(_SDK, k=99, n=800, minute=minute, rule="version_change", since=MIDNIGHT + timedelta(minutes=minute))


def of_release(minute: int) -> Anomaly:
    """The chart of the same version."""
    return anomaly(_SDK, k=80, n=400, minute=minute, rule="cusum")


def rolled_back(fired: Anomaly, minute: int) -> Anomaly:
    """The end of a comparison: nothing runs on the version since that minute, known two hours later."""
    at = MIDNIGHT + timedelta(minutes=minute)
    gone = within(fired, minute, k=0, n=0, rate=0.0, resolution="no_traffic")
    return replace(gone, window_end=at + timedelta(hours=2))


def test_a_release_that_was_rolled_back_is_over_by_then() -> None:
    """Neither its chart, which takes days to come back, nor the week that remembers it holds it open."""
    fired, chart_ = release(600), of_release(660)
    week = anomaly(_SDK, k=141, n=4_330, minute=-4 * _DAY, length_s=7 * 86_400)
    news = told(fired, chart_, rolled_back(fired, 2 * _DAY), week, within(chart_, 5 * _DAY))
    assert [change for change, _ in news if change != "changed"] == ["began", "ended"]
    last = news[-1][1]
    assert (last.until, last.until_known) == (
        MIDNIGHT + timedelta(days=2),
        MIDNIGHT + timedelta(days=2, hours=2),
    )
    said = course(last)
    assert "It ended 2026-03-04 00:00 UTC: no traffic of the new version any more, as after a roll-back." in said
    assert "Known 2026-03-04 02:00" in said
    assert "Next: let it run nowhere again before it is mended" in incident_sentence(last)


def test_what_goes_on_after_a_roll_back_is_not_over() -> None:
    """The chart fires by what came since, so that was not the release's doing alone."""
    fired, chart_ = release(600), of_release(660)
    later = replace(chart_, revision=2, window_end=MIDNIGHT + timedelta(days=2, hours=6), k=300, n=900)
    assert told(fired, chart_, rolled_back(fired, 2 * _DAY), later)[-1][1].state == "firing"
