"""The journey benchmark's traffic."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from proofwatch.events.codec import TRANSACTION
from tests.benchmarks.events import BYTES, number_in
from tests.benchmarks.journey_traffic import TENANTS, tenants, traffic

START = datetime(2026, 11, 25, 9, tzinfo=UTC)
RATE = 500


def test_every_event_is_a_valid_transaction_that_occurs_when_it_is_due() -> None:
    """About as long as those of the other benchmarks, under its own key."""
    for number, event in enumerate(islice(traffic(2, RATE, START), 3_000)):
        transaction = TRANSACTION.decode(event.value)
        assert number_in(event.value) == number
        assert abs(len(event.value) - BYTES) < 30
        assert event.key == f"{transaction.tenant}/{transaction.subject_ref}".encode()
        assert transaction.occurred_at == START + number * timedelta(seconds=1 / RATE)


def test_tenants_take_turns_and_subjects_and_handsets_do_not_come_again_soon() -> None:
    """Otherwise velocity rules would find what is not there."""
    made = [TRANSACTION.decode(event.value) for event in islice(traffic(1, RATE, START), 3_000)]
    assert Counter(each.tenant for each in made) == dict.fromkeys(tenants(1), 3_000 // TENANTS)
    assert len({each.subject_ref for each in made}) == len(made)
    assert len({each.device.ref for each in made if each.device}) == len(made)


def test_segments_have_some_dozen_values_spread_evenly() -> None:
    """Windows by segment are the greater part of what is stored: traffic without segments would flatter."""
    made = [TRANSACTION.decode(event.value) for event in islice(traffic(1, RATE, START), 6_000)]
    for name, values in (("sex", 2), ("age_band", 6), ("country", 8)):
        seen = Counter((each.segments or {})[name] for each in made)
        assert len(seen) == values
        assert min(seen.values()) > 0.7 * len(made) / values
        assert all(set(Counter(each.tenant for each in made if (each.segments or {})[name] == value)) for value in seen)


def test_no_two_phases_share_a_tenant() -> None:
    """What each phase must count is known by its tenants."""
    assert not set(tenants(1)) & set(tenants(2))
