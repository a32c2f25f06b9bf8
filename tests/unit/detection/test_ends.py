"""An incident ends by evidence of the time after it; a day that remembers it neither holds it open nor opens it."""

from proofwatch.detection.course_words import course
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import change_of
from proofwatch.detection.incidents import Incidents, observe
from proofwatch.events.types import Anomaly
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


def test_what_labels_prove_of_a_day_is_no_memory() -> None:
    """It became known days after the chart came back, and nobody had been told of it."""
    fired, proven = chart(520), anomaly(_HANDSET, "bpcer", k=900, n=9_000, minute=0, length_s=86_400)
    assert told(fired, within(fired, 720), proven)[-1][1].state == "firing"
