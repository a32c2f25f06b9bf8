"""The composition root of triage."""

import secrets
from typing import TYPE_CHECKING, Final

from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.bus.postgres.outbox_depth import OutboxDepth
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.triage.adapters.attempts import PostgresAttempts
from services.triage.adapters.cluster_rows import PostgresClusters
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.lookback_desk import PostgresLookbacks
from services.triage.adapters.lookback_runner import LookbackRunner
from services.triage.adapters.pattern_desk import PostgresPatterns
from services.triage.adapters.pattern_hits import PostgresHits
from services.triage.adapters.postgres import PostgresCases
from services.triage.adapters.rereviews import PostgresRereviews
from services.triage.adapters.turns import PostgresTurns
from services.triage.config import DeskSettings, Settings
from services.triage.core.dispositions import FourEyes, Terms
from services.triage.handlers.attempts import Attempts
from services.triage.handlers.cases import TriageStage
from services.triage.handlers.clusters import Clusters
from services.triage.handlers.patterns import Hits

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "GROUP",
    "SCHEMA",
    "TOPICS",
    "DeskSettings",
    "Settings",
    "build",
    "connect",
    "desk",
    "lookback_desk",
    "pattern_desk",
    "rereviews",
]

GROUP: Final = "triage"
SCHEMA: Final = "triage"
TOPICS: Final = (
    topics.SUSPICIONS,
    topics.INCIDENTS,
    topics.PLATFORM_ALERTS,
    topics.PATTERN_HITS,
    topics.ATTACK_PATTERNS,
    topics.VERDICTS,
)


def build(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, wire: Wire = JSON) -> Service:
    """Wire triage. Raises `InvalidSecret`, saying how to make one, and `InvalidKeys`, without usable ones."""
    given = settings.subject_tag_secret
    secret = parse_secret(given.get_secret_value() if given else None)
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    fence = outbox_fence(pool, SCHEMA, bus, GROUP, TOPICS)
    tags = PostgresTags(settings.key_encryption_if_any())
    due = settings.due()
    at_reasons = settings.escalate_at_reasons
    cases = PostgresCases(due)
    clusters = Clusters(PostgresClusters(), cases, at_reasons)
    hits, attempts = Hits(PostgresHits(), secret, wire), Attempts(PostgresAttempts(), tags, secret, wire)
    tasks = settings.tasks_in_turn()
    stage = TriageStage(
        cases,
        tags,
        secret,
        at_reasons,
        clock,
        wire,
        clusters=clusters,
        hits=hits,
        attempts=attempts,
        clocked=bool(due.spans),
        dealer=PostgresTurns(tasks, settings.limits()) if tasks else None,
    )
    companions = (relay(fence, bus, GROUP, lanes, clock),)
    worker = Worker(bus, TOPICS, fence, stage, lanes, clock, wire=wire, companions=companions, announce=True)
    looking_back = LookbackRunner(bus, pool, secret, clock, wire)
    return Service("triage", [worker, looking_back], sampled=[OutboxDepth(fence)])


def desk(settings: DeskSettings, pool: "asyncpg.Pool") -> PostgresDesk:
    """Wire where people work on cases, as the settings have it. Raises `InvalidKeys`, without usable ones."""
    by_one, by_two = settings.disposition_authority, settings.disposition_authority_of_two
    terms = Terms(by_one, by_two, judged_again=settings.rereview_share)
    rule = FourEyes.read(settings.four_eyes)
    limits, hours, keys = settings.limits(), settings.hours(), settings.key_encryption_if_any()
    return PostgresDesk(pool, limits=limits, four_eyes=rule, terms=terms, keys=keys, hours=hours)


def rereviews(desk: PostgresDesk) -> PostgresRereviews:
    """Wire what people judge again."""
    return PostgresRereviews(desk, secrets.token_bytes)


def pattern_desk(pool: "asyncpg.Pool") -> PostgresPatterns:
    """Wire where people work on attack patterns."""
    return PostgresPatterns(pool)


def lookback_desk(pool: "asyncpg.Pool") -> PostgresLookbacks:
    """Wire where people ask to look back."""
    return PostgresLookbacks(pattern_desk(pool))


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, GROUP, lambda bus, wire, pool: build(settings, bus, pool, SystemClock(), wire), schema=SCHEMA
    )
