"""What the members of a case share, and what a pattern would have matched by day."""

from datetime import UTC, timedelta
from typing import Any

import msgspec

from proofwatch.events.types import Device, Timings, Transaction
from services.triage.core.lookbacks import Sharing, attempts_of, days_found, people_of
from tests.unit.scorer.samples import transaction


def tx(number: int, subject: str = "", tenant: str = "acme", **fields: Any) -> Transaction:
    event = transaction(number, subject or f"s{number}", 3600.0 * number, **fields)
    return msgspec.structs.replace(event, tenant=tenant)


def test_what_members_share_and_few_others_have_is_offered() -> None:
    """A model that others hardly have; not the system that half of all have, nor what one member has alone."""
    sharing = Sharing("acme", {f"tx-{n}" for n in range(5)})
    for n in range(5):
        sharing.take(tx(n, device=Device(model="A-1801", os="android", sdk_version=f"3.{n}")), 0)
    for n in range(5, 105):
        other, os = ("A-1801" if n == 5 else f"B-{n}"), ("android" if n < 70 else "ios")
        sharing.take(tx(n, device=Device(model=other, os=os)), 0)
    sharing.take(tx(200, tenant="other", device=Device(model="A-1801")), 0)
    found = {each.field: each for each in sharing.shared()}
    model = found["device.model"]
    assert (model.value, model.members, model.of_members, model.others, model.of_others) == ("A-1801", 5, 5, 1, 100)
    assert model.offered
    assert (found["device.os"].value, found["device.os"].offered) == ("android", False)
    assert "device.sdk_version" not in found


def test_numbers_are_offered_where_no_value_tells_the_attack() -> None:
    """From the least to the greatest of the members, when few others lie there."""
    sharing = Sharing("acme", {f"tx-{n}" for n in range(4)})
    for n in range(4):
        sharing.take(tx(n, timings=Timings(capture_ms=100.0 + n)), 0)
    for n in range(4, 44):
        sharing.take(tx(n, timings=Timings(capture_ms=1_000.0 + n)), 0)
    found = {each.field: each for each in sharing.shared()}
    capture = found["timings.capture_ms"]
    assert (capture.low, capture.high, capture.others, capture.offered) == (100.0, 103.0, 0, True)


def test_of_a_case_whose_transactions_are_gone_nothing_is_shared() -> None:
    """The topic has them for seven days."""
    sharing = Sharing("acme", {"tx-1"})
    sharing.take(tx(2), 0)
    assert sharing.shared() == ()


def test_matches_are_counted_by_day_with_those_that_had_passed() -> None:
    """Days of UTC; people once."""
    kept = [(tx(n, "one" if n < 3 else "two"), 0) for n in (0, 1, 2, 30)]
    accepted = dict.fromkeys(attempts_of(kept[:1]), "accept") | dict.fromkeys(attempts_of(kept[1:2]), "refer")
    days = days_found(kept, accepted)
    first = kept[0][0].occurred_at.astimezone(UTC).date()
    assert sum(each.matched for each in days) == 4
    assert [each.accepted for each in days] == [1, 0][: len(days)]
    assert (days[0].day, days[-1].day) == (first, (kept[-1][0].occurred_at.astimezone(UTC)).date())
    assert days[-1].day - days[0].day <= timedelta(days=2)
    assert people_of(kept) == 2
