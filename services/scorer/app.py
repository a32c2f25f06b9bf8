"""The composition root of the scorer."""

from typing import Final

from proofwatch.bus.lane_settings import LaneSettings
from proofwatch.bus.port import Bus
from proofwatch.bus.worker import Worker
from proofwatch.events import topics
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.scorer.config import Settings
from services.scorer.core.rulebook import Rulebook
from services.scorer.handlers import ScorerStage
from services.scorer.ports import Attempts, Observer
from services.scorer.watch import AttemptsWatch

__all__ = ["CO_PARTITIONED", "GROUP", "TOPICS", "Settings", "build", "connect"]

GROUP: Final = "scorer"
TOPICS: Final = (topics.TRANSACTIONS,)
CO_PARTITIONED: Final = (topics.TRANSACTIONS, topics.VERDICTS, topics.GUIDANCE, topics.SUSPICIONS)


def build(
    settings: Settings,
    bus: Bus,
    attempts: Attempts,
    policy: Policy,
    clock: Clock,
    observer: Observer | None = None,
) -> Service:
    """Wire the scorer; `observer` is told what became of each batch."""
    lanes = LaneSettings.of(settings)
    stage = ScorerStage(attempts, Rulebook.of(policy), clock, observer)
    worker = Worker(bus, GROUP, TOPICS, bus.fence(GROUP), stage, lanes, clock, co_partitioned=CO_PARTITIONED)
    return Service("scorer", [AttemptsWatch(attempts), worker])


async def connect(settings: Settings) -> Service:
    """Open Kafka and Redis and wire the scorer to them.

    Raises `InvalidPolicy` and `BusUnavailable`; that Redis answers is seen to when the service starts.
    """
    # The drivers belong to the scorer's extra: standalone mode builds this service without them.
    from redis.asyncio import Redis

    from proofwatch.bus.kafka import KafkaBus
    from services.scorer.adapters.redis import RedisAttempts

    policy = load_policy(settings.policy_file)
    bus = KafkaBus(settings.kafka_bootstrap, "scorer", instance_id=settings.instance_id)
    await bus.start()
    attempts = RedisAttempts(Redis.from_url(settings.redis_url), settings.attempts_ttl_s(policy.attempts.window_hours))
    service = build(settings, bus, attempts, policy, SystemClock())
    return service.holding(bus.stop)
