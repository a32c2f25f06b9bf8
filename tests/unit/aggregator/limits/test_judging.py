"""What is found of a tenant's promised limits, and when: a function of what is logged, not of how it comes."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.limits.judging import TenantLimits
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.times import DAY_MS
from tests.unit.aggregator.limits.tenant import GRACE_MS, MONDAY, PROMISED, Counts, Tenant, counted, final

START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=MONDAY)


def test_a_limit_in_breach_is_a_finding_with_its_numbers() -> None:
    """BPCER of 900 in 50,000 against 1 %: proven on its day, with counts, bound, limit, harm, action and log time."""
    (event,) = Tenant().evaluate({counted("bpcer", 0): (900, 50_000)})
    assert ANOMALY.decode(ANOMALY.encode(event)) == event
    assert (event.rule, event.cadence, event.state, event.severity) == ("limit_breach", "at_once", "firing", "high")
    assert (event.metric, event.k, event.n, event.rate) == ("bpcer", 900, 50_000, 0.018)
    assert event.action == "audit_and_threshold_proposal"
    assert event.threshold == event.baseline_rate == 0.01
    assert event.statistic is not None
    assert 0.01 < event.statistic < event.low < event.rate < event.high
    assert event.affected == pytest.approx(400)
    assert event.since is None, "all labels are of one day: since when it is so, nobody knows"
    assert (event.window_start, event.window_end) == (START, START + timedelta(days=1)), "before it nobody labelled"
    assert event.known_at == instant_of((MONDAY + 1) * DAY_MS + GRACE_MS)
    assert event.p_value < 1e-9
    assert not event.backfill


def test_the_28_days_are_the_tenants() -> None:
    """In Berlin 671 hours where the clocks went forward; it is known a grace after midnight there."""
    days = TenantDays([(0, Calendar("Europe/Berlin"))])
    sunday = (datetime(2026, 3, 29, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    limits = TenantLimits("bank", {}, PROMISED, GRACE_MS, days)
    first = Counted("bank", "", "", "fnmr", "", sunday - 40, sunday)
    (event,) = limits.judge({first: (0, 9), first._replace(metric="bpcer", day=sunday): (900, 50_000)}, sunday)
    assert event.window_end == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert event.window_end - event.window_start == timedelta(hours=28 * 24 - 1)
    assert event.window_start == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert event.known_at == event.window_end + timedelta(milliseconds=GRACE_MS)


def test_the_headline_of_apcer_names_its_species_and_asks_for_step_up() -> None:
    """The one in breach leads, not the small one with the higher rate that proves nothing; `unknown` is none."""
    (event,) = Tenant().evaluate(
        {
            counted("apcer", 0, species="replay"): (100, 5_000),
            counted("apcer", 0, species="mask"): (1, 30),
            counted("apcer", 0, species="print"): (5, 5_000),
            counted("apcer", 0, species="unknown"): (20, 40),
        }
    )
    assert (event.metric, event.species, event.k, event.n) == ("apcer", ("replay",), 100, 5_000)
    assert event.action == "step_up_mfa"
    assert event.affected == pytest.approx(75)


def test_small_species_are_tested_as_one() -> None:
    """Something in a mixture that is above the limit is so itself."""
    few = {counted("apcer", 0, species=f"s{n}"): (2, 20) for n in range(6)}
    (event,) = Tenant().evaluate(few)
    assert (event.k, event.n, event.species) == (12, 120, None)


@pytest.mark.parametrize(("k", "n"), [(4, 40), (300, 10_000), (310, 10_000)])
def test_what_is_not_proven_is_no_finding_of_the_limit(k: int, n: int) -> None:
    """Fewer than five errors, a rate at the limit, or one that only straddles it."""
    assert not [event for event in Tenant().evaluate({counted("fnmr", 0): (k, n)}) if event.severity == "high"]


def test_a_missed_target_is_of_lower_severity_and_rises_with_the_limit() -> None:
    """FNMR above 1 %: low evidence, with the trials it would take; above 3 %: the same finding, escalated."""
    tenant = Tenant()
    (low,) = tenant.evaluate({counted("fnmr", 0): (160, 5_000)})
    assert (low.severity, low.threshold) == ("low_evidence", 0.01)
    assert low.trials_needed is not None
    assert 5_000 < low.trials_needed < 100_000
    (high,) = tenant.evaluate({counted("fnmr", 1): (600, 10_000)})
    assert (high.anomaly_id, high.revision, high.severity, high.threshold) == (low.anomaly_id, 2, "high", 0.03)
    assert high.trials_needed is None


def test_a_finding_ends_when_28_days_keep_the_limit_and_not_before() -> None:
    """Hysteresis: what is no longer proven still fires; the id stays, the revision counts on; a new one is another."""
    tenant = Tenant()
    days: Counts = {counted("bpcer", day): (50, 1_000) if day < 3 else (2, 1_000) for day in range(40)}
    days |= {counted("bpcer", day): (160, 1_000) for day in range(40, 43)}
    told = tenant.day_by_day(days, 43)
    began = [each for each in told if each.revision == 1]
    assert len(began) == 2
    (ended,) = [each for each in told if each.state == "resolved"]
    first = [each for each in told if each.anomaly_id == began[0].anomaly_id]
    assert [each.revision for each in first] == list(range(1, len(first) + 1))
    assert (first[-1], began[1] in first) == (ended, False)
    assert ended.resolution is None
    assert ended.rate <= 0.01
    assert told[0].window_end == START + timedelta(days=1)
    assert START + timedelta(days=15) < ended.window_end < START + timedelta(days=32)


def test_a_finding_of_which_no_trials_come_ends_in_words_of_its_own() -> None:
    """28 days without labels; dated by the evaluation that this is true of, however long it took to come."""
    tenant = Tenant()
    tenant.evaluate({counted("bpcer", 0): (50, 1_000)})
    assert [each.state for each in tenant.evaluate({}, 27)] == ["firing"], "its counts are settled"
    (ended,) = tenant.evaluate({}, 60)
    assert (ended.state, ended.resolution, ended.k, ended.n) == ("resolved", "no_traffic", 0, 0)
    assert ended.known_at == instant_of((MONDAY + 29) * DAY_MS + GRACE_MS)
    assert ended.window_start == START + timedelta(days=1)


def test_what_ended_for_want_of_trials_is_not_told_again_by_a_late_label_of_then() -> None:
    """The same 28 days still prove it: it was told."""
    tenant = Tenant()
    tenant.evaluate({counted("bpcer", 0): (50, 1_000)})
    ended = tenant.evaluate({}, 40)[-1]
    assert ended.resolution == "no_traffic"
    assert tenant.evaluate({counted("bpcer", 0, late=50): (1, 10)}) == []


@pytest.mark.parametrize("late", [4, 20])
def test_labels_that_come_late_prove_the_same_at_another_time(late: int) -> None:
    """The finding is what it would have been in time, revision by revision; only when it became known differs."""

    def days(late: int) -> Counts:
        found: Counts = {}
        for day in range(70):
            found[counted("apcer", day, late=late, species="mask")] = (2 if 10 <= day < 20 else 0, 60)
            found[counted("fnmr", day, late=late)] = (50 if 12 <= day < 30 else 3, 500)
        return found

    punctual, tardy = Tenant().day_by_day(days(0), 70), Tenant().day_by_day(days(late), 70 + late)
    assert {event.metric for event in punctual} == {"apcer", "fnmr"}
    assert final(tardy) == final(punctual)
    for one, other in zip(punctual, tardy, strict=True):
        assert one.known_at is not None
        assert other.known_at == one.known_at + timedelta(days=late)
        assert (one.k, one.n, one.since, one.window_end) == (other.k, other.n, other.since, other.window_end)


def test_a_breach_that_is_over_when_its_labels_come_is_told_all_the_same() -> None:
    """Three weeks later, among good days: found, and ended at once by the days since."""
    tenant = Tenant()
    good: Counts = {counted("bpcer", day): (2, 1_000) for day in range(60) if day not in (3, 4)}
    assert tenant.day_by_day(good, 59) == []
    fired, ended = tenant.day_by_day(
        {counted("bpcer", 3, late=57): (80, 500), counted("bpcer", 4, late=57): (80, 500)}
        | {counted("bpcer", 61): (2, 1_000)},
        61,
    )
    assert (fired.state, ended.state) == ("firing", "resolved")
    assert fired.since == fired.since_low == START + timedelta(days=3)
    assert fired.since_high == START + timedelta(days=4)
    assert fired.known_at == instant_of((MONDAY + 61) * DAY_MS + GRACE_MS)


def test_what_is_told_does_not_depend_on_how_evaluations_are_cut() -> None:
    """Day by day, all at once, or in between with a restart: the same events."""
    random = Random(5)
    days: Counts = {}
    for day in range(80):
        for late in (0, 1, 3, 9, 30):
            bad = 20 <= day < 35
            n = random.randrange(20, 200)
            days[counted("bpcer", day, late=late)] = (int(n * (0.05 if bad else 0.004)), n)
            n = random.randrange(5, 30)
            days[counted("apcer", day, late=late, species="mask")] = (int(n * (0.2 if bad else 0)), n)
    one = Tenant()
    one.day_by_day(days, 110)
    assert len(one.told) >= 4
    for cuts in ((110,), (25, 26, 70, 110), (1, 40, 41, 110)):
        other, begin = Tenant(), -1
        for cut in cuts:
            part = {k: n for k, n in days.items() if begin < k.effective - MONDAY <= cut}
            other.evaluate(part, cut)
            begin = cut
        assert other.told == one.told


def test_labels_that_are_taken_back_end_it_and_may_bring_it_back() -> None:
    """A restatement within the limit resolves; restated again it is the same finding, one revision on."""
    tenant = Tenant()
    told = [
        *tenant.evaluate({counted("fmr", 0): (20, 1_000)}),
        *tenant.evaluate({counted("fmr", 0, late=1): (-20, 0)}),
        *tenant.evaluate({counted("fmr", 0, late=2): (20, 0)}),
    ]
    assert [(e.state, e.revision) for e in told] == [("firing", 1), ("resolved", 2), ("firing", 3)]
    assert len({e.anomaly_id for e in told}) == 1


def test_a_breach_of_the_whole_tenant_lists_its_segments_and_tells_none() -> None:
    """One cause is one finding; a segment that alone breaks the limit is told by itself."""
    both: Counts = {
        counted("bpcer", 0): (60, 1_000),
        counted("bpcer", 0, segment=("os", "ios")): (30, 500),
        counted("bpcer", 0, segment=("os", "android")): (30, 500),
    }
    (event,) = Tenant().evaluate(both)
    assert (event.segment_name, event.segments) == (None, ("os=android", "os=ios"))
    alone: Counts = {
        counted("bpcer", 0): (60, 10_000),
        counted("bpcer", 0, segment=("os", "ios")): (60, 500),
        counted("bpcer", 0, segment=("os", "android")): (0, 9_500),
    }
    (event,) = Tenant().evaluate(alone)
    assert (event.segment_name, event.segment_value, event.segments) == ("os", "ios", None)


def test_segments_are_tested_at_a_confidence_for_their_number() -> None:
    """What would be proven of one value is not, of one among fifty."""
    mine = counted("fmr", 0, segment=("os", "ios"))
    one = Tenant().evaluate({mine: (6, 1_500)})
    others: Counts = {counted("fmr", 0, segment=("os", str(n))): (0, 3_000) for n in range(50)}
    assert [event.segment_value for event in one] == ["ios"]
    assert Tenant().evaluate({mine: (6, 1_500)} | others) == []


def test_what_becomes_known_of_a_day_too_long_ago_changes_nothing() -> None:
    """Days are kept for 120, the last 28 of which are needed to judge: a stated end."""
    assert Tenant().evaluate({counted("bpcer", 0, late=91): (90, 1_000)})
    assert Tenant().evaluate({counted("bpcer", 0, late=92): (90, 1_000)}) == []
