"""Governed markers follow from the activations of policies: of everyone, a tenant, a cohort; and from their ends."""

from typing import Any, cast

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.governance import records
from proofwatch.governance.follower import Follower
from proofwatch.governance.replica import Replica
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator.adapters.governed_policies import GovernedPolicies
from services.aggregator.core.times import DAY_MS
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, policy


async def test_each_change_of_what_decides_is_a_marker_of_those_whom_it_concerns() -> None:
    """A tenant with a policy of its own is not touched by everyone's; what ends falls back."""
    log = Log()
    stricter, milder, own = (log.approved(policy(each), 0) for each in (0.999, 0.9, 0.5))
    log.put(activation(stricter, "*", 2 * DAY_MS), DAY_MS)
    log.put(activation(milder, "acme", 3 * DAY_MS, ends_at=instant_of(5 * DAY_MS)), DAY_MS)
    log.put(activation(stricter, "*", 4 * DAY_MS), DAY_MS)
    log.put(activation(own, "acme/source=ios", 6 * DAY_MS), DAY_MS)
    clock = SimulatedClock(20 * DAY_MS)
    bus = LocalBus(dict.fromkeys(records.GOVERNED, 1), clock)
    await bus.publish([Outgoing(topic, each.key, each.value, 0, each.timestamp_ms) for topic, each in log.records])
    follower = Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))
    await follower.start()
    policies = GovernedPolicies(follower, policy(0.995))
    found = policies.markers(["acme", "other"])
    assert [(each.version, each.at_ms // DAY_MS) for each in found["other"]] == [(stricter.hash, 2)]
    assert [(each.version, each.at_ms // DAY_MS, each.segment_value, each.by) for each in found["acme"]] == [
        (stricter.hash, 2, None, "ada"),
        (milder.hash, 3, None, "ada"),
        (stricter.hash, 5, None, "nobody: the activation before it ended"),
        (own.hash, 6, "ios", "ada"),
    ]
    for each in found["acme"]:
        assert "liveness_fail_rate" in each.begins_anew
        assert "match_fail_rate" not in each.begins_anew
    assert policies.markers(["acme"])["acme"] is found["acme"], "they are kept"
    await follower.stop()


async def test_where_nobody_activated_anything_nothing_is_governed() -> None:
    clock = SimulatedClock(DAY_MS)
    bus = LocalBus(dict.fromkeys(records.GOVERNED, 1), clock)
    follower = Follower(bus, Replica(KEYRING, LEAD_MS, documents_only=True), cast("Any", clock))
    await follower.start()
    assert GovernedPolicies(follower, policy(0.995)).markers(["acme"]) == {}
    await follower.stop()
