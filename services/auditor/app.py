"""The composition root of the auditor."""

import secrets
from typing import TYPE_CHECKING, Final

from proofwatch.audit.entry import SALT_BYTES
from proofwatch.audit.note import ED25519, InvalidNote, SigningKey
from proofwatch.audit.pending import Draw
from proofwatch.audit.policy import InvalidPolicy, Policy, parse_policy
from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.bus.postgres.outbox_depth import OutboxDepth
from proofwatch.events.wire import JSON, Wire
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Service
from services.auditor.adapters.checkpoint_file import CheckpointFile
from services.auditor.adapters.postgres import PostgresLog
from services.auditor.adapters.topic import CheckpointTopic
from services.auditor.adapters.witness_http import HttpWitness
from services.auditor.config import Settings
from services.auditor.core.acts import ACTS
from services.auditor.handlers.acts import ActsStage
from services.auditor.handlers.auditor import Auditor
from services.auditor.handlers.witnesses import Witnessing

if TYPE_CHECKING:
    import asyncpg

__all__ = ["GROUP", "SCHEMA", "TOPICS", "InvalidAuditor", "Settings", "build", "connect"]

GROUP: Final = "auditor"
SCHEMA: Final = "audit"
TOPICS: Final = tuple(ACTS)


class InvalidAuditor(ValueError):
    """The auditor cannot start as it is configured; the message says what would be right."""


def build(
    settings: Settings,
    bus: Bus,
    pool: "asyncpg.Pool",
    clock: Clock,
    wire: Wire = JSON,
    draw: Draw = secrets.token_bytes,
) -> Service:
    """Wire the auditor; `draw`: salts of its own entries. Raises `InvalidAuditor`."""
    keys = _keys(settings)
    store = PostgresLog(pool)
    topic = CheckpointTopic(bus, wire, keys[0].verifier.name)
    auditor = Auditor(
        store,
        [CheckpointFile(settings.audit_checkpoints_file), topic],
        keys,
        clock,
        holder=settings.instance_id or f"auditor-{secrets.token_hex(4)}",
        lease_s=settings.audit_lease_seconds,
        poll_s=settings.audit_poll_seconds,
        limit=settings.audit_batch_entries,
        retire=settings.audit_retire_key,
        salt=lambda: draw(SALT_BYTES),
    )
    policy = _policy(settings)
    witnesses = [HttpWitness(policy.witnesses[name], url) for name, url in policy.urls.items()]
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    fence = outbox_fence(pool, SCHEMA, bus, GROUP, TOPICS)
    companions = (relay(fence, bus, GROUP, lanes, clock),)
    acts = Worker(bus, TOPICS, fence, ActsStage(wire), lanes, clock, wire=wire, companions=companions, announce=True)
    return Service("auditor", [acts, auditor, Witnessing(store, topic, witnesses)], sampled=[OutboxDepth(fence)])


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, GROUP, lambda bus, wire, pool: build(settings, bus, pool, SystemClock(), wire), schema=SCHEMA
    )


def _keys(settings: Settings) -> list[SigningKey]:
    given = settings.audit_signing_keys
    lines = [each.strip() for each in (given.get_secret_value() if given else "").splitlines() if each.strip()]
    if not lines:
        raise InvalidAuditor(
            "there is no signing key: make one with `proofwatch audit keygen ORIGIN`, and give it as "
            "PROOFWATCH_AUDIT_SIGNING_KEYS_FILE"
        )
    try:
        keys = [SigningKey.parse(each) for each in lines]
    except InvalidNote as error:
        raise InvalidAuditor(f"PROOFWATCH_AUDIT_SIGNING_KEYS: {error}") from None
    if any(each.verifier.kind != ED25519 for each in keys):
        raise InvalidAuditor("PROOFWATCH_AUDIT_SIGNING_KEYS: a key of a witness signs no log")
    return keys


def _policy(settings: Settings) -> Policy:
    if settings.audit_witness_policy_file is None:
        return Policy()
    try:
        return parse_policy(settings.audit_witness_policy_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidAuditor(f"{settings.audit_witness_policy_file}: {error.strerror}") from None
    except InvalidPolicy as error:
        raise InvalidAuditor(f"{settings.audit_witness_policy_file}, {error}") from None
