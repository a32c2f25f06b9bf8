"""When labelled days close, and what the daily watch says of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts
from proofwatch.events.types import Anomaly, Window
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.baselines import Baselines
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.labelled import WindowKey
from services.aggregator.core.labelled_days import Closed, Schedule, least_progress, slot_of_day, watched, window_of_day
from services.aggregator.core.labelled_windows import Labelled, window_event
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.watch import Watch

POLICY = load_policy()
MONDAY = 20_458  # 2026-01-05


def day(number: int, failed: int, *, revision: int = 1, backfill: bool = False) -> Window:
    counts = ClassCounts(1000 - failed, failed, 0, Sketch.from_wire("score-v1", (), {"1": 1000}))
    key = WindowKey(number, "bank", "", "")
    return window_event(Labelled(key, revision, backfill, {"genuine": counts}, (1000, 0), {}), POLICY, UTC_DAYS)


def run(windows: list[Window]) -> list[list[Anomaly]]:
    baselines: Baselines = {}
    watch = Watch(POLICY.monitoring, baselines, {}, days_of=utc_days)
    results = []
    for window in windows:
        baselines.setdefault(slot_of_day(window, utc_days), {})
        results.append(list(watch.judge_window(slot_of_day(window, utc_days), window_of_day(window), watched(window))))
    return results


def test_a_day_closes_when_its_end_and_the_grace_are_passed() -> None:
    """The last closed day, to the millisecond."""
    schedule = Schedule(grace_hours=24, alert_horizon_hours=48)
    due = (MONDAY + 1) * DAY_MS + 24 * HOUR_MS
    assert schedule.last_closed(due, UTC_DAYS) == MONDAY
    assert schedule.last_closed(due - 1, UTC_DAYS) == MONDAY - 1


def test_backfill_is_what_could_have_closed_before_the_alert_horizon() -> None:
    """Counted from the moment the day could close, so that a day closing in time is never backfill."""
    schedule = Schedule(grace_hours=72, alert_horizon_hours=48)
    due = (MONDAY + 1) * DAY_MS + 72 * HOUR_MS
    assert not schedule.backfill(MONDAY, due + 48 * HOUR_MS, UTC_DAYS)
    assert schedule.backfill(MONDAY, due + 48 * HOUR_MS + 1, UTC_DAYS)


def test_a_tenants_day_closes_by_its_own_midnight() -> None:
    """Of 23 hours in Berlin; New York's is open for five hours more, and what comes then is known on that day."""
    berlin, new_york = (TenantDays([(0, Calendar(zone))]) for zone in ("Europe/Berlin", "America/New_York"))
    sunday = (date(2026, 3, 29) - date(1970, 1, 1)).days
    schedule = Schedule(grace_hours=24, alert_horizon_hours=48)
    end = ms_of(datetime(2026, 3, 29, 22, tzinfo=UTC)) + 24 * HOUR_MS
    assert [schedule.last_closed(at, berlin) for at in (end - 1, end)] == [sunday - 1, sunday]
    assert schedule.closes_next(end - 1, berlin) == end
    assert schedule.closes_next(end, berlin) == end + 24 * HOUR_MS
    assert schedule.last_closed(end, new_york) == sunday - 1
    assert (schedule.known_on(end, berlin), schedule.known_on(end, new_york)) == (sunday + 1, sunday)
    horizon = end + 48 * HOUR_MS
    assert not schedule.backfill(sunday, horizon, berlin)
    assert schedule.backfill(sunday, horizon + 1, berlin)
    assert not schedule.backfill(sunday, horizon + 1, UTC_DAYS)
    closed = Closed(sunday, {"us": sunday - 1})
    assert (closed.of("us"), closed.of("eu")) == (sunday - 1, sunday)


def test_progress_is_unknown_while_one_lane_is() -> None:
    """The least of all lanes; a lane without progress holds every day open."""
    assert least_progress([5, 3, 9]) == 3
    assert least_progress([5, None]) is None
    assert least_progress([]) is None


def test_a_worsening_rate_fires_against_its_earlier_days_and_resolves() -> None:
    """Eight working days at 2 %, one at 8 %, one at 2 %: firing high, then resolved."""
    weekdays = [MONDAY + n for n in range(12) if (MONDAY + n + 3) % 7 < 5]
    results = run([day(number, 80 if number == weekdays[-2] else 20) for number in weekdays])
    (fired,), (resolved,) = results[-2], results[-1]
    assert (fired.metric, fired.state, fired.severity, fired.cadence) == ("fnmr", "firing", "high", "daily")
    assert (fired.k, fired.n, fired.baseline_k, fired.baseline_n) == (80, 1000, 160, 8000)
    assert fired.window_start == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=weekdays[-2])
    assert (resolved.anomaly_id, resolved.state, resolved.revision) == (fired.anomaly_id, "resolved", 2)


def test_a_restated_day_can_take_its_anomaly_back() -> None:
    """Labels that are corrected afterwards resolve what the first revision fired."""
    first, second = run([day(MONDAY, 60), day(MONDAY, 1, revision=2)])
    assert [event.state for event in (*first, *second)] == ["firing", "resolved"]


def test_a_backfilled_day_is_never_an_anomaly() -> None:
    """History that is read in late must not page anybody."""
    (result,) = run([day(MONDAY, 60, backfill=True)])
    assert result == []


def test_rates_without_an_expected_value_are_not_judged() -> None:
    """Species by species rates are shown; the headline is what is watched."""
    counts: Any = ClassCounts(500, 0, 0, Sketch.from_wire("score-v1", (), {"700": 500}))
    key = WindowKey(MONDAY, "bank", "", "")
    window = window_event(Labelled(key, 1, False, {"attack:mask": counts}, (0, 500), {}), POLICY, UTC_DAYS)
    (result,) = run([window])
    assert [event.metric for event in result] == ["apcer"]
