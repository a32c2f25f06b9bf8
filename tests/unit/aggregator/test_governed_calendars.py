"""Whose days are which follows from the governed settings of tenants, by when they were in force."""

from typing import Any, cast

import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.governance import records
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.replica import Replica
from proofwatch.governance.tenant_days import UTC_DAYS
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.adapters.governed_calendars import GovernedCalendars
from services.aggregator.core.times import DAY_MS, HOUR_MS
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, tenant


async def test_calendars_follow_each_other_as_they_were_activated() -> None:
    """Each from the midnight after it; of a tenant that is not governed, and before, days are in UTC."""
    log = Log()
    dubai = log.approved(tenant(time_zone="Asia/Dubai", weekend=["friday", "saturday"]), 0)
    log.put(activation(dubai, "acme", 2 * DAY_MS), DAY_MS)
    tokyo = log.approved(tenant(time_zone="Asia/Tokyo"), 0)
    log.put(activation(tokyo, "acme", 9 * DAY_MS), 8 * DAY_MS)
    clock = SimulatedClock(20 * DAY_MS)
    bus = LocalBus(dict.fromkeys(records.GOVERNED, 1), clock)
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])
    follower = Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))
    calendars = GovernedCalendars(follower)
    with pytest.raises(ReplicaBehind):
        calendars.require(0)
    await follower.start()
    calendars.require(20 * DAY_MS)
    with pytest.raises(ReplicaBehind):
        calendars.require(21 * DAY_MS)
    assert list(calendars.tenants()) == ["acme"]
    days = calendars.days_of(0)("acme")
    assert [days.calendar(at * DAY_MS).zone for at in (0, 2, 3, 9, 11)] == [
        "UTC", "UTC", "Asia/Dubai", "Asia/Dubai", "Asia/Tokyo",
    ]  # fmt: skip
    assert days.day(5 * DAY_MS).start_ms == 4 * DAY_MS + 20 * HOUR_MS
    assert calendars.days_of(0)("other").day(5 * DAY_MS) == UTC_DAYS.day(5 * DAY_MS)
    assert calendars.days_of(6 * DAY_MS)("acme").calendar(5 * DAY_MS).zone == "UTC"
    days_of = calendars.days_of(0)
    assert days_of("acme") is days_of("acme"), "they keep what they have found"
    await follower.stop()
