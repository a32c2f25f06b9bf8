"""How long transactions are kept: the platform's setting, and what a tenant's contract says instead."""

from typing import Any, cast

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.governance import records
from proofwatch.governance.follower import Follower
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.adapters.agreed_retention import AgreedRetention
from services.aggregator.core.retention import kept_from, nothing_agreed
from services.aggregator.core.times import DAY_MS
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, tenant

NOW_MS = 1_000 * DAY_MS


def test_a_contract_takes_the_place_of_the_platforms_setting_either_way() -> None:
    """Shorter and longer; a tenant that has left no transactions is not asked for."""
    found = kept_from(["b", "a", "c"], NOW_MS, 60 * DAY_MS, {"a": 30, "b": 400, "gone": 30})
    assert list(found.items()) == [("a", 970 * DAY_MS), ("b", 600 * DAY_MS), ("c", 940 * DAY_MS)]


def test_for_ever_is_for_those_who_have_agreed_to_nothing() -> None:
    """A contract's end holds also where the platform has none."""
    assert kept_from(["a", "b"], NOW_MS, 0, {"a": 30}) == {"a": 970 * DAY_MS}
    assert kept_from(["a", "b"], NOW_MS, 0, nothing_agreed(NOW_MS)) == {}


async def test_what_holds_is_what_governance_has_in_force_at_that_time() -> None:
    """Signed by two and activated; before that, and after it was replaced by settings that say nothing, the default."""
    log, lead = Log(), LEAD_MS
    first = log.approved(tenant(keep_transactions_days=40), 0)
    log.put(activation(first, "acme", 2 * lead), lead)
    log.approved(tenant("unsigned", keep_transactions_days=31), 0)
    plain = log.approved(tenant(), 0)
    log.put(activation(plain, "acme", 5 * lead), 4 * lead)
    follower, clock = await _following(log)
    agreed = AgreedRetention(follower)
    assert [agreed(at * lead) for at in (1, 2, 4, 5)] == [{}, {"acme": 40}, {"acme": 40}, {}]
    assert agreed(clock.now_ms() + 10 * lead) is None, "not known yet"
    await follower.stop()
    assert agreed(2 * lead) is None
    assert set(follower.replica.topics) == set(records.GOVERNED), "nobody else's controls are read"


async def _following(log: Log) -> tuple[Follower, SimulatedClock]:
    clock = SimulatedClock(5 * LEAD_MS)
    bus = LocalBus(dict.fromkeys(records.GOVERNED, 1), clock)
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])
    follower = Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))
    await follower.start()
    return follower, clock
