"""Attacks that pass a little too often: found at any time by an e-detector, and told once."""

from random import Random

import pytest

from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.limits import attacks
from services.aggregator.core.limits.state import KEPT_DAYS, SpeciesEvidence
from services.aggregator.core.times import DAY_MS
from tests.unit.aggregator.limits.tenant import MONDAY, Counts, Tenant, counted

LIMIT = 0.005


def fed(*batches: tuple[int, int], species: str = "mask") -> dict[str, SpeciesEvidence]:
    known: dict[str, SpeciesEvidence] = {}
    for at, counts in enumerate(batches):
        attacks.feed(known, at, {species: counts}, LIMIT)
    return known


def test_a_slow_rise_is_found_by_the_sequential_test_before_28_days_prove_it() -> None:
    """Twenty attacks a day, 2 % of which pass: fewer than five errors a fortnight, but evidence adds up."""
    tenant = Tenant()
    days: Counts = {counted("apcer", day, species="mask"): (int(day % 3 == 0), 20) for day in range(40)}
    events = tenant.day_by_day(days, 39)
    first, *more = (event for event in events if event.state == "firing")
    assert {event.anomaly_id for event in more} == {first.anomaly_id}, "the same finding, with what came since"
    assert first.metric == "apcer"
    assert first.action == "step_up_mfa"
    assert first.species == ("mask",)


def test_a_sequential_finding_carries_its_evidence() -> None:
    """M against ten thousand, the rolling counts of the species with most evidence, when it became known."""
    tenant = Tenant()
    few: Counts = {counted("apcer", 0, species="mask"): (4, 4)}  # too few errors for the limit's own test
    (event,) = tenant.evaluate(few)
    assert (event.rule, event.metric, event.severity, event.cadence) == ("sequential_limit", "apcer", "high", "at_once")
    assert (event.threshold, event.baseline_rate, event.k, event.n) == (10_000, LIMIT, 4, 4)
    assert event.statistic is not None
    assert event.statistic >= 10_000
    assert event.known_at == instant_of((MONDAY + 2) * DAY_MS)


def test_one_cause_is_told_by_one_of_the_two_rules() -> None:
    """Whichever proves it first tells of it; when that has ended, the other may."""
    (event,) = Tenant().evaluate({counted("apcer", 0, species="mask"): (180, 20_000)})
    assert event.rule == "limit_breach"
    tenant = Tenant()
    (first,) = tenant.evaluate({counted("apcer", 0, species="mask"): (4, 4)})
    assert first.rule == "sequential_limit"
    (more,) = tenant.evaluate({counted("apcer", 1, species="mask"): (10, 100)})
    assert (more.anomaly_id, more.k, more.n) == (first.anomaly_id, 14, 104)


def test_it_ends_when_evidence_and_rates_are_back_and_starts_anew() -> None:
    """Both: M below its alarm, and the newest 28 days within the limit."""
    tenant = Tenant()
    days: Counts = {counted("apcer", 0, species="mask"): (4, 4)}
    days |= {counted("apcer", day, species="mask"): (0, 100) for day in range(1, 40)}
    told: list[Anomaly] = []
    for day in range(40):
        told += tenant.evaluate({k: n for k, n in days.items() if k.effective == MONDAY + day}, day)
        if len(told) == 2:
            break
    fired, ended = told
    assert (fired.state, ended.state, ended.revision) == ("firing", "resolved", 2)
    assert ended.rate <= LIMIT
    assert tenant.cohorts[None, None].evidence == {}


def test_species_are_averaged() -> None:
    """A species that proves nothing takes half of the evidence away: the price of a second try."""
    one = fed((4, 4))
    two = fed((4, 4))
    attacks.feed(two, 0, {"print": (0, 0)}, LIMIT)
    assert attacks.statistic(two) == pytest.approx(attacks.statistic(one) / 2)
    assert attacks.worst(two) == "mask"


def test_labels_that_are_taken_back_leave_no_trace() -> None:
    """As if they had never come: the newest batches that have such trials give them up."""
    random = Random(3)
    batches = [(random.randrange(3), random.randrange(3, 40)) for _ in range(20)]
    corrected = fed(*batches, (2, 9), (-2, -9))
    assert attacks.statistic(corrected) == pytest.approx(attacks.statistic(fed(*batches)))
    mixed = fed((3, 10), (-2, 0))  # two attacks that passed did not, after all
    assert attacks.statistic(mixed) == pytest.approx(attacks.statistic(fed((1, 10))))


def test_more_is_taken_back_than_there_is() -> None:
    """What was forgotten long ago cannot be given up; nothing breaks."""
    known = fed((1, 5), (-3, -9), (0, 5))
    assert attacks.statistic(known) == pytest.approx(attacks.statistic(fed((0, 5))))


def test_old_batches_join_the_base_and_nothing_is_lost() -> None:
    """The state stays small, and the evidence is what it would be."""
    many = [(int(n % 50 == 0), 10) for n in range(KEPT_DAYS + 30)]
    known = fed(*many)
    assert len(known["mask"].batches) == KEPT_DAYS
    assert known["mask"].base != (0.0,) * 4
    plain: tuple[float, ...] = (0.0,) * 4
    for k, n in many:
        plain = attacks._after(plain, k, n, LIMIT)
    assert known["mask"].r == pytest.approx(plain)


def test_evidence_is_capped_so_that_it_can_come_down_again() -> None:
    """A thousand attacks that all passed are forgotten after some good days, not after years."""
    assert attacks.statistic(fed((1_000, 1_000))) == 1_000_000
    assert attacks.statistic(fed((1_000, 1_000), (0, 2_000))) < 10_000


def test_another_limit_has_alternatives_in_proportion() -> None:
    """A policy may promise anything; what is left of the alternatives lies below one."""
    assert attacks.alternatives(0.005) == (0.01, 0.02, 0.04, 0.08)
    assert attacks.alternatives(0.3) == (0.6,)
    assert attacks.alternatives(0.6) == (0.8,)


def test_a_limit_that_changes_starts_anew() -> None:
    """A state of other alternatives does not fit."""
    known = fed((4, 4))
    attacks.feed(known, 1, {"mask": (0, 10)}, 0.3)
    assert len(known["mask"].r) == 1


def test_what_labels_name_later_is_counted_on_while_the_finding_stands() -> None:
    """Four masks are sure enough on the first day; five days later labels name 33 of 39, and the finding says so."""
    tenant = Tenant()
    days = [(4, 4), (11, 13), (10, 12), (8, 10)]
    counts = {counted("apcer", day, late=5, species="mask"): kn for day, kn in enumerate(days)}
    tenant.day_by_day(counts, 12)
    first, *_, last = (each for each in tenant.told if each.rule == "sequential_limit")
    assert (first.k, first.n, last.k, last.n) == (4, 4, 33, 39)
    assert {each.anomaly_id for each in tenant.told} == {first.anomaly_id}
    assert last.affected == pytest.approx(33 - 0.005 * 39)


def test_segments_are_silent_while_the_sequential_test_tells_of_their_tenant() -> None:
    """As while the rolling 28 days do: where it comes from is told with the tenant's finding, not beside it."""
    tenant = Tenant()
    where = [("", ""), ("country", "RO"), ("os", "ios"), ("device_model", "iphone-15")]
    days = [(6, 7), (11, 13), (10, 12), (8, 10)]
    counts = {
        counted("apcer", day, late=5, species="mask", segment=each): kn for day, kn in enumerate(days) for each in where
    }
    tenant.day_by_day(counts, 12)
    assert {each.segment_name for each in tenant.told} == {None}
