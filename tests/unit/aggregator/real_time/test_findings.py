"""What the detectors of minutes tell: each fault once, since when it is, and its end."""

import random
from datetime import UTC, datetime

import pytest

from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import UTC_DAYS
from proofwatch.instants import instant_of
from services.aggregator.core.real_time.detector import Reading
from services.aggregator.core.real_time.findings import publish
from services.aggregator.core.real_time.life import Change
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState
from services.aggregator.core.real_time.volume import STOPS
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, MONDAY, Told, minute, steady

WATCH = MinuteWatch(RealTimeRule())
TEN_HOURS = steady(MONDAY, 600)
AFTER = MONDAY + 600 * MINUTE


def after_ten_hours() -> Told:
    told = Told(WATCH).feed(TEN_HOURS)
    assert told.published == []
    return told


def many(n: int, failed: int = 0, **liveness: float) -> list[Minute]:
    return [minute(AFTER + i * MINUTE, 20, failed, **liveness) for i in range(n)]


def test_fail_open_is_told_within_five_minutes_and_once() -> None:
    """Every liveness score is 1.0: saturation is told; that nobody fails any more and all are alike is held back."""
    told = after_ten_hours().feed(many(300, at_one=20, alike=1.0))
    assert told.said() == [("saturation", "liveness_score", "up", "firing")]
    event = told.published[0].event
    assert told.published[0].at_ms <= AFTER + 5 * MINUTE
    assert event.since == datetime.fromtimestamp(AFTER / 1000, UTC)
    assert (event.statistic, event.threshold, event.affected) == (1.0, 0.5, 20.0)
    assert (event.action, event.cadence, event.severity) == ("incident_review", "real_time", "high")


def test_it_ends_by_evidence() -> None:
    """Five minutes that are within end it, one revision on."""
    told = after_ten_hours().feed(many(30, at_one=20, alike=1.0)).feed(steady(AFTER + 30 * MINUTE, 30))
    assert [state for *_, state in told.said()] == ["firing", "resolved"]
    events = [each.event for each in told.published]
    assert len({each.anomaly_id for each in events}) == 1
    assert [each.revision for each in events] == list(range(1, len(events) + 1))
    assert told.published[-1].at_ms == AFTER + 35 * MINUTE


def test_no_failure_where_twenty_were_expected_is_a_collapse() -> None:
    """Nobody fails any more, though scores differ as ever."""
    told = after_ten_hours().feed(many(180))
    assert told.said() == [("collapse", "liveness_fail_rate", "down", "firing")]
    event = told.published[0].event
    assert event.k == 0
    assert event.statistic is not None
    assert event.statistic >= 20
    assert event.n * 0.025 >= 20


def test_every_transaction_rejected_is_told_upwards() -> None:
    """Fail-closed: twenty were expected to pass, and none did."""
    told = after_ten_hours().feed(many(10, failed=20))
    assert told.said() == [("collapse", "liveness_fail_rate", "up", "firing")]
    assert told.published[0].at_ms <= AFTER + 2 * MINUTE


def test_few_values() -> None:
    """All scores alike, and at no bound."""
    told = after_ten_hours().feed(many(10, failed=1, alike=1.0))
    assert told.said() == [("few_values", "liveness_score", "down", "firing")]
    assert told.published[0].at_ms <= AFTER + 5 * MINUTE


def test_one_minute_in_which_scores_happen_to_be_alike_is_none() -> None:
    """Ten of twenty in one bin happen several times a year, where usually one in eight is in it."""
    minutes = many(10, failed=1)
    by_chance = many(10, failed=1, alike=0.28)[4]
    told = after_ten_hours().feed([*minutes[:4], by_chance, *minutes[5:]])
    assert told.said() == []


def test_missing_scores() -> None:
    """Scores that do not come: all of them at once, or a tenth within some minutes."""
    for missing, within in ((20, 2), (4, 15)):
        told = after_ten_hours().feed(many(40, failed=1 if missing < 20 else 0, missing=missing))
        assert ("missing_scores", "liveness_missing_rate", "up", "firing") in told.said()
        assert told.published[0].at_ms <= AFTER + within * MINUTE


def test_silence_is_told_once_and_ended_once() -> None:
    """Two hours without traffic: told by the absence of minutes, without anyone looking each minute; then the end."""
    told = after_ten_hours()
    due = WATCH.due_ms(told.state, UTC_DAYS)
    assert due == AFTER + 2 * MINUTE + MINUTE  # half of 20 a minute are expected on a first day
    told.pass_until(AFTER + 2 * HOUR)
    assert told.said() == [("volume", "transactions", "down", "firing")]
    told.feed(steady(AFTER + 2 * HOUR, 60))
    assert told.said() == [("volume", "transactions", "down", "firing"), ("volume", "transactions", "down", "resolved")]


def test_absence_is_told_alike_whether_it_was_waited_for_or_not() -> None:
    """A log that comes at once says what it says minute by minute."""
    waited = after_ten_hours().pass_until(AFTER + 2 * HOUR).feed(steady(AFTER + 2 * HOUR, 60))
    at_once = after_ten_hours().feed(steady(AFTER + 2 * HOUR, 60))
    assert waited.published == at_once.published
    assert waited.state == at_once.state


def test_quiet_by_habit_raises_none() -> None:
    """A tenant that sleeps from ten to six: only its first evening may be told of."""
    told = Told(WATCH)
    for day in range(10):
        told.feed(steady(MONDAY + day * DAY + 6 * HOUR, 16 * 60)).pass_until(MONDAY + (day + 1) * DAY + 6 * HOUR)
    assert len({each.event.anomaly_id for each in told.published}) <= 1


def test_bursts_are_a_habit_too() -> None:
    """Ten minutes of each hour: what is told of are at most the first quiet minutes, not every hour."""
    told = Told(WATCH)
    for hour in range(24 * 12):
        told.feed(steady(MONDAY + hour * HOUR, 10, n=60)).pass_until(MONDAY + (hour + 1) * HOUR)
    assert len({each.event.anomaly_id for each in told.published}) <= 1


def test_a_few_transactions_an_hour_raise_nothing() -> None:
    """What is sparse is quiet by nature."""
    told = Told(WATCH)
    for hour in range(24 * 20):
        told.feed([minute(MONDAY + hour * HOUR + 7 * MINUTE, 1)]).pass_until(MONDAY + (hour + 1) * HOUR)
    told.pass_until(MONDAY + 60 * DAY)
    assert told.published == []


def test_a_surge() -> None:
    """More than three times what five minutes of this hour had on eight dates."""
    told = Told(WATCH)
    for day in range(14):
        told.feed(steady(MONDAY + day * DAY, 4 * 60, n=5))
    before = len(told.said())
    told.feed(steady(MONDAY + 14 * DAY + HOUR, 6, n=50)).feed(steady(MONDAY + 14 * DAY + HOUR + 6 * MINUTE, 60, n=5))
    said = told.said()[before:]
    assert [each for each in said if each[2] == "up"] == [
        ("volume", "transactions", "up", "firing"),
        ("volume", "transactions", "up", "resolved"),
    ]


def test_after_an_incident_its_end_is_none() -> None:
    """A release fails for an hour and is withdrawn: that nobody fails, as before, is no finding."""
    good = [minute(MONDAY + i * MINUTE, 20, 0) for i in range(600)]
    bad = [minute(AFTER + i * MINUTE, 20, 8) for i in range(60)]
    again = [minute(AFTER + (60 + i) * MINUTE, 20, 0) for i in range(600)]
    assert Told(WATCH).feed([*good, *bad, *again]).published == []


def firing(told: Told) -> set[str]:
    return {name for name, each in told.state.told.items() if each.firing}


@pytest.mark.parametrize("seed", range(6))
def test_order_of_arrival_decides_nothing(seed: int) -> None:
    """Minutes that close late, within the hour, leave the state that they leave in order."""
    rng = random.Random(seed)
    minutes = [*TEN_HOURS, *many(40, at_one=20, alike=1.0), *steady(AFTER + 50 * MINUTE, 120)]
    late = sorted(range(len(minutes)), key=lambda place: place + rng.choice((0, 0, 0, 3, 30)))
    straight, mixed = Told(WATCH).feed(minutes), Told(WATCH).feed(minutes[place] for place in late)
    assert mixed.state.after == straight.state.after
    assert mixed.state.before == straight.state.before
    assert mixed.state.reference == straight.state.reference
    assert firing(mixed) == firing(straight) == set()
    assert ("saturation", "liveness_score", "up", "firing") in mixed.said()


def test_late_data_take_back_what_was_told() -> None:
    """A minute whose scores were 1.0 only until the rest of it came."""
    told = after_ten_hours().feed(many(1, at_one=20))
    assert [state for *_, state in told.said()] == ["firing"]
    told.feed([minute(AFTER, 100, 2, at_one=20)])
    assert [state for *_, state in told.said()] == ["firing", "resolved"]
    assert told.published[0].event.anomaly_id == told.published[1].event.anomaly_id


def test_a_late_minute_within_a_silence_leaves_it_told() -> None:
    """What came late belongs before the silence, which goes on."""
    told = after_ten_hours().pass_until(AFTER + HOUR)
    told.feed([minute(AFTER - 5 * MINUTE, 20, 1)])
    assert [state for *_, state in told.said()] == ["firing"]
    assert WATCH.due_ms(told.state, UTC_DAYS) is None


def test_where_traffic_ends_for_good_a_finding_ends_in_words_of_its_own() -> None:
    """Saturation can end by no score; after three days it ends for want of traffic, silence goes on."""
    told = after_ten_hours().feed(many(30, at_one=20, alike=1.0)).pass_until(AFTER + 10 * DAY)
    assert told.said() == [
        ("saturation", "liveness_score", "up", "firing"),
        ("volume", "transactions", "down", "firing"),
        ("saturation", "liveness_score", "up", "resolved"),
    ]
    assert told.published[-1].event.resolution == "no_traffic"


@pytest.mark.parametrize(("habit", "severity"), [(True, "low_evidence"), (False, "high")])
def test_what_may_be_a_habit_is_of_low_evidence_to_its_end(*, habit: bool, severity: str) -> None:
    """A first evening, weekend or holiday without traffic is none to wake anybody for; its end says no more."""
    begun = Change(AFTER, Reading("beyond", AFTER, 0, 60, 0, 0, 5.0, habit=habit), AFTER, AFTER + MINUTE)
    over = Change(None, Reading("within"), AFTER + HOUR, AFTER + HOUR + MINUTE)
    state = TenantState()
    for change in (begun, over):
        state, (found,) = publish("bank", state, {STOPS.name: change}, {}, [STOPS])
        assert found.event.severity == severity


def _one_a_minute(first: int, scores_at_one: list[int]) -> list[Minute]:
    return [minute(AFTER + (first + i) * MINUTE, 1, at_one=each) for i, each in enumerate(scores_at_one)]


SPARSE = [minute(MONDAY + i * MINUTE, 1, failed=int(i % 40 == 0)) for i in range(600)]


def test_scores_at_the_bound_began_with_the_first_of_them_though_a_block_lay_across() -> None:
    """A tenant of one score a minute: a block of 20 that is half full of ordinary scores says nothing by itself."""
    told = Told(WATCH).feed([*SPARSE, *_one_a_minute(0, [0] * 12 + [1] * 30)])
    (first, *_) = [each.event for each in told.published]
    assert (first.rule, first.direction) == ("saturation", "up")
    assert first.since == instant_of(AFTER + 12 * MINUTE)
    assert first.k == first.n == 28
    assert first.affected == pytest.approx(28.0, abs=0.1)


def test_scores_at_the_bound_that_are_usual_begin_nothing() -> None:
    """Some scores are 1.0 by themselves: ordinary ones that follow outweigh them."""
    told = Told(WATCH).feed([*SPARSE, *_one_a_minute(0, [1] * 2 + [0] * 18 + [1] * 30)])
    (first, *_) = [each.event for each in told.published]
    assert first.since == instant_of(AFTER + 20 * MINUTE)
