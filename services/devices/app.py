"""The composition root of devices."""

from functools import partial
from typing import Final

from proofwatch.bus.connect import on_kafka
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.partition_count_check import check_keyed
from proofwatch.bus.port import Bus
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.devices.adapters.governed_policies import GovernedPolicies
from services.devices.adapters.one_policy import OnePolicy
from services.devices.config import Settings
from services.devices.handlers import HandsetStage, RekeyStage

__all__ = ["GROUP", "REKEY", "Settings", "build", "connect"]

GROUP: Final = "devices"
REKEY: Final = "devices-rekey"


def build(
    settings: Settings, bus: Bus, policy: Policy, clock: Clock, wire: Wire = JSON, follower: Follower | None = None
) -> Service:
    """Wire both stages; the second reads what the first publishes.

    `policy` decides where nothing else is in force; `follower` knows what is; None: nobody governs.
    """
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    policies = GovernedPolicies(follower, policy) if follower else OnePolicy(policy)
    rekey = Worker(
        bus,
        (topics.TRANSACTIONS,),
        bus.fence(REKEY),
        RekeyStage(policies, wire),
        lanes,
        clock,
        wire=wire,
        future="passed over",  # the scorer refuses it
        check=partial(check_keyed, bus, topics.DEVICE_PROOFS),  # before anything is written there, too
    )
    handsets = Worker(
        bus,
        (topics.DEVICE_PROOFS,),
        bus.fence(GROUP),
        HandsetStage(policies, clock, wire, lanes.ahead_ms),
        lanes,
        clock,
        wire=wire,
        by_key=True,
    )
    return Service("devices", [*([follower] if follower else []), rekey, handsets])


async def connect(settings: Settings) -> Service:
    """Open Kafka and wire devices to it. Raises `InvalidPolicy`, and what `on_kafka` raises."""
    policy, clock = load_policy(settings.policy_file), SystemClock()
    return await on_kafka(
        settings,
        "devices",
        lambda bus, wire: build(settings, bus, policy, clock, wire, settings.follower(bus, clock)),
    )
