"""The composition root of the scorer."""

from typing import Final

from proofwatch.bus.connect import on_kafka
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import Bus
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Part, Service
from services.scorer.adapters.governance import Governed, Ungoverned
from services.scorer.config import Settings
from services.scorer.core.erased import ErasedPeople
from services.scorer.handlers.erasures_watch import ErasuresWatch
from services.scorer.handlers.stage import ScorerStage
from services.scorer.handlers.subjects_watch import SubjectsWatch
from services.scorer.ports import Observer, Subjects

__all__ = ["CO_PARTITIONED", "GROUP", "TOPICS", "Settings", "build", "connect"]

GROUP: Final = "scorer"
TOPICS: Final = (topics.TRANSACTIONS,)
CO_PARTITIONED: Final = (
    topics.TRANSACTIONS,
    topics.VERDICTS,
    topics.GUIDANCE,
    topics.SUSPICIONS,
    topics.SUBJECTS,
    topics.STEP_UPS,
    topics.SHADOWS,
    topics.PATTERN_HITS,
    topics.LABEL_REQUESTS,
)


def build(
    settings: Settings,
    bus: Bus,
    subjects: Subjects,
    policy: Policy,
    clock: Clock,
    *,
    follower: Follower | None = None,
    cloud_events: bool = True,
    wire: Wire = JSON,
    observer: Observer | None = None,
) -> Service:
    """Wire the scorer; `policy` decides where nothing else is in force.

    `follower` knows what is in force; None: nobody governs. `observer` is told what became of each batch.
    Raises `InvalidSecret` for a subject_tag_secret that is none.
    """
    lanes = LaneSettings.of(settings)
    given = settings.subject_tag_secret
    erased = None if bus.shares_fate else ErasedPeople(parse_secret(given.get_secret_value()) if given else None)
    watch = ErasuresWatch(bus, wire, erased) if erased else None
    stage = ScorerStage(
        bus,
        subjects,
        Governed(follower) if follower else Ungoverned(),
        policy,
        clock,
        wire=wire,
        label_sample_key=settings.sample_key(),
        cloud_events=cloud_events,
        observer=observer,
        ahead_ms=lanes.ahead_ms,
        erased=erased,
        learn=watch.look if watch else None,
    )
    worker = Worker(
        bus,
        TOPICS,
        bus.fence(GROUP),
        stage,
        lanes,
        clock,
        co_partitioned=CO_PARTITIONED,
        wire=wire,
        by_key=True,
        future="rejected",
    )
    watches: list[Part] = [SubjectsWatch(subjects, stage.note), *([watch] if watch else [])]
    return Service("scorer", [*watches, *([follower] if follower else []), worker])


async def connect(settings: Settings) -> Service:
    """Open Kafka and wire the scorer to it and to Redis. Raises `InvalidPolicy`, and what `on_kafka` raises.

    That Redis answers is seen to when the service starts.
    """
    # The driver belongs to the scorer's extra: standalone mode builds this service without it.
    from redis.asyncio import Redis

    from services.scorer.adapters.redis import RedisSubjects

    policy, clock = load_policy(settings.policy_file), SystemClock()

    def wired(bus: Bus, wire: Wire) -> Service:
        subjects = RedisSubjects(Redis.from_url(settings.redis_url), settings.subjects_ttl_s())
        return build(settings, bus, subjects, policy, clock, follower=settings.follower(bus, clock), wire=wire)

    return await on_kafka(settings, GROUP, wired)
