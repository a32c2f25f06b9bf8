"""The composition root of the notifier."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.bus.postgres.outbox_depth import OutboxDepth
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.notifier.adapters.around import Limits
from services.notifier.adapters.arrivals import PostgresArrivals
from services.notifier.adapters.channels.registry import open_channels
from services.notifier.adapters.groups import PostgresGroups
from services.notifier.adapters.postgres import PostgresQueue
from services.notifier.config import Settings
from services.notifier.core.delivery import RetryPolicy
from services.notifier.core.facts import Fact
from services.notifier.dispatcher import Dispatcher
from services.notifier.handlers import NotifierStage
from services.notifier.ports import Channel
from services.notifier.routes_file import load_routes
from services.notifier.sender import Sender

if TYPE_CHECKING:
    import asyncpg

__all__ = ["GROUP", "SCHEMA", "TOPICS", "Settings", "build", "connect"]

GROUP: Final = "notifier"
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
SCHEMA: Final = "notifier"
TOPICS: Final = (topics.INCIDENTS, topics.ESCALATIONS, topics.PLATFORM_ALERTS)


def build(
    settings: Settings,
    bus: Bus,
    pool: "asyncpg.Pool",
    clock: Clock,
    channels: Mapping[str, Channel] | None = None,
    wire: Wire = JSON,
    *,
    exact: bool = False,
) -> Service:
    """Wire the notifier.

    `exact`: facts come when they were known, and every group is looked at when it is due, however the clock jumps.

    `channels` None: those of the routes file, their secrets from environment or files.
    Raises `InvalidRoutes` and `InvalidChannel`, saying which and what would be right.
    """
    routes = load_routes(settings.routes_file)
    opened = open_channels(routes.all_channels(), os.environ) if channels is None else channels
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    fence = outbox_fence(pool, SCHEMA, bus, GROUP, TOPICS)
    plans = routes.plans()

    def came(fact: Fact) -> int:
        return ms_of(fact.at) if exact else clock.now_ms()

    past_ms = round(settings.backfill_hours * _HOUR_MS)
    stage = NotifierStage(PostgresArrivals(), plans, came, past_ms, wire)
    companions = (relay(fence, bus, GROUP, lanes, clock),)
    worker = Worker(bus, TOPICS, fence, stage, lanes, clock, wire=wire, companions=companions, announce=True)
    retry = RetryPolicy(settings.retry_base_seconds, settings.retry_cap_seconds, settings.retry_attempts)
    keep_ms = settings.keep_notifications_days * _DAY_MS
    groups = PostgresGroups(fence, Limits(routes.inhibitions(), routes.channel_limits()), wire)
    dispatcher = Dispatcher(groups, plans, clock, settings.send_poll_seconds, keep_ms, exact=exact)
    sender = Sender(PostgresQueue(pool), opened, clock, retry, settings.send_poll_seconds, keep_ms)
    return Service("notifier", [worker, dispatcher, sender], sampled=[OutboxDepth(fence)])


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, GROUP, lambda bus, wire, pool: build(settings, bus, pool, SystemClock(), wire=wire), schema=SCHEMA
    )
