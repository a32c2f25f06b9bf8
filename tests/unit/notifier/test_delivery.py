"""When a delivery is tried again, and when it is given up."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.delivery import Delivered, Failed, Next, RetryPolicy, after_attempt, delay_s

POLICY = RetryPolicy(base_s=5, cap_s=3600, attempts=20)
ids = st.uuids().map(str)


@given(notification_id=ids, failures=st.integers(1, 10_000))
def test_the_wait_doubles_up_to_the_cap_less_at_most_half(notification_id: str, failures: int) -> None:
    """Exponential, capped, with jitter."""
    full = min(5 * 2 ** (min(failures, 100) - 1), 3600)
    assert full / 2 < delay_s(notification_id, failures, POLICY) <= full


def test_the_schedule_of_a_notification_is_always_the_same() -> None:
    """Nothing random: a replay waits as the original did."""
    waits = [round(delay_s(str(UUID(int=1)), n, POLICY), 1) for n in range(1, 6)]
    assert waits == [3.3, 9.4, 16.0, 22.2, 67.7]


def test_notifications_that_fail_together_do_not_return_together() -> None:
    """A receiver that comes back is not run over."""
    waits = {round(delay_s(str(UUID(int=n)), 1, POLICY), 2) for n in range(100)}
    assert len(waits) > 50


@given(notification_id=ids, attempts=st.integers(0, 100))
def test_what_was_delivered_is_settled(notification_id: str, attempts: int) -> None:
    """However often it had failed."""
    assert after_attempt(notification_id, attempts, Delivered(), 1000, POLICY) == Next("sent", attempts + 1, 1000, None)


@pytest.mark.parametrize(("attempts", "status"), [(0, "pending"), (18, "pending"), (19, "failed"), (20, "failed")])
def test_it_is_given_up_after_the_last_attempt(attempts: int, status: str) -> None:
    """The twentieth failure is the last; until then it is due again later than now."""
    after = after_attempt("an-id", attempts, Failed("HTTP 503"), 1000, POLICY)
    assert (after.status, after.attempts, after.reason) == (status, attempts + 1, "HTTP 503")
    assert (after.at_ms > 1000) == (status == "pending")


def test_the_wait_counts_from_the_attempt() -> None:
    """Due: now plus the schedule's wait, in milliseconds."""
    after = after_attempt("an-id", 2, Failed("HTTP 503"), 1_000_000, POLICY)
    assert after.at_ms == 1_000_000 + round(1000 * delay_s("an-id", 3, POLICY))


def test_what_a_receiver_can_never_take_is_given_up_at_once() -> None:
    """Twenty attempts would be twenty times the same answer."""
    after = after_attempt("an-id", 0, Failed("HTTP 422", for_good=True), 1000, POLICY)
    assert after == Next("failed", 1, 1000, "HTTP 422")


@pytest.mark.parametrize(("asked_s", "waits_s"), [(0.0, None), (1.0, None), (600.0, 600.0), (10.0**9, 86_400.0)])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(asked_s: float, waits_s: float | None) -> None:
    """Never less than the schedule, and never more than a day."""
    after = after_attempt("an-id", 0, Failed("HTTP 429", wait_s=asked_s), 0, POLICY)
    assert after.at_ms == round(1000 * (waits_s or delay_s("an-id", 1, POLICY)))
