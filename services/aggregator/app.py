"""The composition root of combine, windows, ledger and incidents."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from proofwatch.bus.connect import on_kafka, on_kafka_and_postgres
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.partition_count_check import check_shared
from proofwatch.bus.pipeline import pipeline
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.bus.postgres.outbox_depth import OutboxDepth
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.follower import Follower
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Part, Service
from services.aggregator.adapters.agreed_retention import AgreedRetention
from services.aggregator.adapters.governed_calendars import GovernedCalendars
from services.aggregator.adapters.governed_policies import GovernedPolicies
from services.aggregator.adapters.postgres_erased import PostgresErased
from services.aggregator.adapters.postgres_stores import incidents_store, ledger_stores, windows_stores
from services.aggregator.adapters.removed_rows import LabelsOfErased, RemovedRows
from services.aggregator.config import Engine, GovernedSettings, LedgerSettings, Settings
from services.aggregator.core.calendars import EVERYBODY_IN_UTC, Calendars, utc_days
from services.aggregator.core.closing import Rules
from services.aggregator.core.governed_markers import Policies
from services.aggregator.core.labelled_days import Schedule
from services.aggregator.core.log_end import Heard, goes_on
from services.aggregator.core.retention import keep_of, nothing_agreed
from services.aggregator.core.times import HOUR_MS, MINUTE_MS, SECOND_MS
from services.aggregator.handlers import incidents, ledger
from services.aggregator.handlers.combine import CombineStage
from services.aggregator.handlers.erased import ErasedPeople, NobodyErased
from services.aggregator.handlers.tally_arrivals import SCHEMA
from services.aggregator.handlers.windows import WindowsStage

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "GovernedSettings",
    "LedgerSettings",
    "Settings",
    "build_combine",
    "build_incidents",
    "build_ledger",
    "build_windows",
    "connect_combine",
    "connect_incidents",
    "connect_ledger",
    "connect_windows",
]

COMBINE: Final = "combine"
WINDOWS: Final = "windows"
LEDGER: Final = "ledger"
INCIDENTS: Final = "incidents"
SCORED: Final = {topics.VERDICTS: ("scorer", topics.TRANSACTIONS)}
"""Who fills what combine and the ledger read: while the scorer is behind, or held up, no window may close."""
_COMBINE_RECORDS: Final = 2_000
"""A batch becomes one tally for each partition, and a record may have 16 MB: some 900 bytes × 7 cells × 2,000."""
_COMBINE_SPAN_MS: Final = 15 * MINUTE_MS
_COMBINE_LEAST: Final = 100
"""A backlog of a quiet day becomes a tally for each quarter of an hour, or for so many verdicts where they take longer:
as one tally windows would have to close the whole day in one transaction, for which a busy machine has no time."""
_WINDOWS_BYTES: Final = 1_000_000
"""Of tallies in one transaction that has but so much time: each cell opens windows, and as many close. Such a batch
takes half a second; each transaction has some 30 ms of its own, so where it has any time all is taken at once."""
_WORTH_TALLIES: Final = 32
"""Verdicts of which a tally for each partition costs little apiece, so that they need not gather for longer."""
_LEDGER_SESSIONS: Final = 16
"""Twelve lanes may commit at once, and their relays read beside them."""


def build_combine(settings: Settings, bus: Bus, policy: Policy, clock: Clock, wire: Wire = JSON) -> Service:
    """Wire combine; it counts by the segments of the policy's catalogue."""
    grace_ms = settings.grace_seconds * SECOND_MS
    combine = CombineStage(
        policy.segments,
        lambda: bus.partitions(topics.TALLIES),
        wire,
        grace_ms=grace_ms,
        verdicts=lambda: bus.topic(topics.VERDICTS),
    )
    lanes = replace(
        LaneSettings.of(settings, _COMBINE_RECORDS),
        span_ms=_COMBINE_SPAN_MS,
        span_least=_COMBINE_LEAST,
        linger_s=settings.tally_seconds,
        linger_enough=_WORTH_TALLIES,
    )
    worker = Worker(
        bus,
        (topics.VERDICTS,),
        bus.fence(COMBINE),
        combine,
        lanes,
        clock,
        wire=wire,
        filled_by=SCORED,
        check=partial(check_shared, bus, topics.TALLIES),
    )
    return Service(COMBINE, [worker])


def build_windows(
    settings: Settings,
    bus: Bus,
    pool: "asyncpg.Pool",
    policy: Policy,
    clock: Clock,
    wire: Wire = JSON,
    *,
    engine: Engine = "lane",
    calendars: Follower | Calendars,
    heard: Heard = goes_on,
) -> Service:
    """Wire windows; the policy gives the rates to expect and the rule's guard.

    `engine`: what carries the tallies. Faust needs Kafka, and cannot be stepped (ADR 0027). `calendars`: those of the
    tenants, or what follows their settings, and policies. `heard`: where a log that has an end ends.
    """
    fence = outbox_fence(pool, SCHEMA, bus, WINDOWS, (topics.TALLIES,))
    lanes = replace(LaneSettings.of(settings), max_bytes=_WINDOWS_BYTES if fence.is_limited else 0)
    policies = GovernedPolicies(calendars, policy) if isinstance(calendars, Follower) else None
    stage = _windows_stage(settings, bus, policy, wire, heard, _known(calendars), policies)
    companions = (relay(fence, bus, WINDOWS, lanes, clock),)
    check = partial(check_shared, bus, topics.TALLIES)
    carrier: Part
    if engine == "faust":
        from services.aggregator.adapters.faust import FaustWorker  # standalone mode does without it

        around = pipeline(stage, fence, bus, lanes, wire=wire)
        carrier = FaustWorker(settings, bus, topics.TALLIES, fence, around, clock, companions=companions, check=check)
    else:
        carrier = Worker(
            bus,
            (topics.TALLIES,),
            fence,
            stage,
            lanes,
            clock,
            wire=wire,
            companions=companions,
            announce=True,
            check=check,
        )
    parts: Sequence[Part] = [calendars, carrier] if isinstance(calendars, Follower) else [carrier]
    return Service(WINDOWS, parts, sampled=[OutboxDepth(fence), RemovedRows(fence)])


def build_ledger(
    settings: Settings,
    bus: Bus,
    pool: "asyncpg.Pool",
    policy: Policy,
    clock: Clock,
    thresholds: Sequence[float] = (),
    wire: Wire = JSON,
    *,
    calendars: Follower | Calendars,
    heard: Heard = goes_on,
    secret: bytes | None = None,
) -> Service:
    """Wire the ledger; the policy gives segments, limits and the daily rule.

    `thresholds` are further edges of every labelled score sketch, so that an evaluation is exact there too.
    `calendars`: those of the tenants, or what follows their settings and so knows what their contracts say of
    retention, too; else the setting is everybody's. `heard`: where a log that has an end ends. `secret`: the
    deployment's for marks, by which what comes late of people who were erased is known again.
    """
    fence = outbox_fence(pool, ledger.SCHEMA, bus, LEDGER, ledger.TOPICS)
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    schedule = Schedule(settings.labelled_grace_hours, settings.alert_horizon_hours)
    keep_ms = settings.keep_transactions_days * 24 * HOUR_MS
    agreed = AgreedRetention(calendars) if isinstance(calendars, Follower) else nothing_agreed
    stage = ledger.LedgerStage(
        policy,
        schedule,
        bus.partitions,
        ledger_stores(),
        _known(calendars),
        thresholds,
        wire,
        keep_ms=keep_ms,
        agreed=agreed,
        heard=heard,
        erased=NobodyErased() if bus.shares_fate else ErasedPeople(PostgresErased(secret)),
    )
    companions = (relay(fence, bus, LEDGER, lanes, clock),)
    worker = Worker(
        bus,
        ledger.TOPICS,
        fence,
        stage,
        lanes,
        clock,
        wire=wire,
        future="rejected",
        companions=companions,
        announce=True,
        filled_by=SCORED,
    )
    parts: Sequence[Part] = [calendars, worker] if isinstance(calendars, Follower) else [worker]
    return Service(LEDGER, parts, sampled=[OutboxDepth(fence), RemovedRows(fence), LabelsOfErased(fence)])


def build_incidents(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, wire: Wire = JSON) -> Service:
    """Wire the incident stage."""
    fence = outbox_fence(pool, INCIDENTS, bus, INCIDENTS, incidents.TOPICS)
    lanes = LaneSettings.of(settings)
    horizon_ms = (settings.alert_horizon_hours + settings.labelled_grace_hours) * HOUR_MS
    stage = incidents.IncidentsStage(incidents_store(), horizon_ms, wire)
    companions = (relay(fence, bus, INCIDENTS, lanes, clock),)
    worker = Worker(
        bus,
        incidents.TOPICS,
        fence,
        stage,
        lanes,
        clock,
        wire=wire,
        companions=companions,
        co_partitioned=incidents.TOPICS,
        announce=True,
    )
    return Service(INCIDENTS, [worker], sampled=[OutboxDepth(fence)])


async def connect_combine(settings: Settings) -> Service:
    """Open Kafka and wire combine to it. Raises `InvalidPolicy`, and what `on_kafka` raises."""
    policy = load_policy(settings.policy_file)
    return await on_kafka(
        settings, COMBINE, lambda bus, wire: build_combine(settings, bus, policy, SystemClock(), wire)
    )


async def connect_windows(settings: GovernedSettings) -> Service:
    """Open Kafka and PostgreSQL and wire windows to them, carried by what the settings say.

    Raises `InvalidPolicy`, `InvalidKeyring`, and what `on_kafka_and_postgres` raises.
    """
    policy, clock = load_policy(settings.policy_file), SystemClock()
    return await on_kafka_and_postgres(
        settings,
        WINDOWS,
        lambda bus, wire, pool: build_windows(
            settings,
            bus,
            pool,
            policy,
            clock,
            wire,
            engine=settings.windows_engine,
            calendars=settings.documents(bus, clock) or EVERYBODY_IN_UTC,
        ),
        schema=SCHEMA,
    )


async def connect_incidents(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the incident stage to them. Raises what `on_kafka_and_postgres` raises."""
    return await on_kafka_and_postgres(
        settings,
        INCIDENTS,
        lambda bus, wire, pool: build_incidents(settings, bus, pool, SystemClock(), wire),
        schema=INCIDENTS,
    )


async def connect_ledger(settings: LedgerSettings) -> Service:
    """Open Kafka and PostgreSQL and wire the ledger to them.

    Raises `InvalidPolicy`, `InvalidKeyring`, `InvalidSecret`, and what `on_kafka_and_postgres` raises.
    """
    policy, clock = load_policy(settings.policy_file), SystemClock()
    given = settings.subject_tag_secret
    secret = parse_secret(given.get_secret_value()) if given else None
    return await on_kafka_and_postgres(
        settings,
        LEDGER,
        lambda bus, wire, pool: build_ledger(
            settings,
            bus,
            pool,
            policy,
            clock,
            wire=wire,
            calendars=settings.documents(bus, clock) or EVERYBODY_IN_UTC,
            secret=secret,
        ),
        schema=ledger.SCHEMA,
        sessions=_LEDGER_SESSIONS,
    )


def _windows_stage(
    settings: Settings,
    bus: Bus,
    policy: Policy,
    wire: Wire,
    heard: Heard,
    calendars: Calendars,
    policies: Policies | None,
) -> WindowsStage:
    rules = Rules(
        grace_ms=settings.grace_seconds * SECOND_MS,
        horizon_ms=settings.alert_horizon_hours * HOUR_MS,
        small_cell=settings.small_cell,
        days_of=utc_days,  # until it has read since when those of `calendars` hold
        keep=keep_of(settings.keep_minutes_days, settings.keep_five_minutes_days),
    )
    sources = partial(bus.partitions, topics.VERDICTS)
    return WindowsStage(policy.monitoring, rules, sources, windows_stores(), calendars, wire, heard, policies)


def _known(calendars: Follower | Calendars) -> Calendars:
    return GovernedCalendars(calendars) if isinstance(calendars, Follower) else calendars
