"""Acts that are records of Kafka, as entries: activations, approvals, controls, patterns, documents, redrives.

The record is the act, so neither can be without the other. An entry's id follows from the record's topic and value: a
record that is read again, or was published twice, is one entry.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from proofwatch.audit.entry import AUDITOR, SALT_BYTES, Actor, Entry, Object, Outcome, entry
from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.events.codec import (
    ACTIVATION,
    APPROVAL,
    ATTACK_PATTERN,
    CONTROL,
    POLICY,
    REDRIVE,
    TENANT,
    Codec,
)
from proofwatch.events.identity import derived_id
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import (
    Activation,
    Approval,
    AttackPattern,
    Control,
    PolicyDocument,
    Redrive,
    TenantDocument,
)
from proofwatch.instants import instant_of

UNREADABLE: Final = "log.record_unreadable"


class Told(NamedTuple):
    """What a record says was done. `by`: whoever that was, as far as the record can tell."""

    action: str
    by: Actor
    objects: tuple[Object, ...]
    details: dict[str, str | int]
    tenant: str | None = None
    reason: str = ""


def _activation(event: Activation) -> Told:
    details: dict[str, str | int] = {"mode": event.mode, "effective_from": event.effective_from.isoformat()}
    if event.ends_at is not None:
        details["ends_at"] = event.ends_at.isoformat()
    return Told(
        f"{event.document_kind}.activated",
        _signer(event.key_id),
        (Object(event.document_kind, event.document_hash), Object("scope", event.scope)),
        details,
    )


def _approval(event: Approval) -> Told:
    document = Object(event.document_kind, event.document_hash)
    return Told(f"{event.document_kind}.approved", _signer(event.key_id), (document,), {})


def _control(event: Control) -> Told:
    segment = "" if event.segment_name is None else f"/{event.segment_name}={event.segment_value}"
    details: dict[str, str | int] = {"effective_from": event.effective_from.isoformat(), "reason_code": event.reason}
    details["control_id"] = event.control_id
    if event.expires_at is not None:
        details["expires_at"] = event.expires_at.isoformat()
    by = Actor("person", "operator") if event.reason == "operator" else Actor("service", "aggregator")
    objects = (Object("measure", event.measure), Object("cohort", f"{event.tenant}{segment}"))
    return Told(f"control.turned_{event.state}", by, objects, details, event.tenant)


def _pattern(event: AttackPattern) -> Told:
    predicate = hashlib.sha256(event.predicate.encode()).hexdigest()
    details: dict[str, str | int] = {
        "revision": event.revision,
        "severity": event.severity,
        "predicate_sha256": predicate,
        "effective_from": event.effective_from.isoformat(),
    }
    action = "pattern.shadowed" if event.state == "shadow" else f"pattern.{event.state}"
    return Told(action, Actor("person", "operator"), (Object("attack_pattern", event.pattern_id),), details)


def _policy(event: PolicyDocument) -> Told:
    return Told("policy.proposed", Actor("person", "operator"), (Object("policy", event.policy_hash),), {})


def _tenant(event: TenantDocument) -> Told:
    return Told("tenant.proposed", Actor("person", "operator"), (Object("tenant", event.tenant_hash),), {})


def _redrive(event: Redrive) -> Told:
    place = f"{event.dead_letter_topic}/{event.partition}/{event.offset}"
    details: dict[str, str | int] = {"target_topic": event.target_topic, "reason_code": event.reason_code}
    return Told(
        "dead_letter.redriven",
        Actor("person", event.operator),
        (Object("dead_letter", place),),
        details,
        reason=event.note,
    )


class Act(NamedTuple):
    """How the records of a topic are read, and what they tell."""

    codec: Codec[Any]
    told: Callable[[Any], Told]


ACTS: Final[Mapping[str, Act]] = {
    topics.ACTIVATIONS: Act(ACTIVATION, _activation),
    topics.APPROVALS: Act(APPROVAL, _approval),
    topics.CONTROLS: Act(CONTROL, _control),
    topics.ATTACK_PATTERNS: Act(ATTACK_PATTERN, _pattern),
    topics.POLICIES: Act(POLICY, _policy),
    topics.TENANTS: Act(TENANT, _tenant),
    topics.REDRIVES: Act(REDRIVE, _redrive),
}


def entry_of_record(topic: str, record: Record, decode: Callable[[bytes | None], Any]) -> Entry:
    """Return the entry of a record, whatever it holds: one that cannot be read is an entry that says so."""
    outcome: Outcome = "done"
    try:
        told = ACTS[topic].told(decode(record.value))
    except Rejected as error:
        place = Object("record", f"{topic}/{record.offset}")
        told = Told(UNREADABLE, AUDITOR, (place,), {"reason_code": error.reason})
        outcome = "failed"
    body = record.value or b""
    return entry(
        told.by,
        told.action,
        derived_id("entry", topic, hashlib.sha256((record.key or b"") + b"\0" + body).hexdigest()),
        instant_of(record.timestamp_ms),
        hashlib.sha256(b"salt\0" + body).digest()[:SALT_BYTES],
        objects=told.objects,
        tenant=told.tenant,
        reason=told.reason,
        details={**told.details, "record_sha256": hashlib.sha256(body).hexdigest()},
        outcome=outcome,
    )


def _signer(key_id: str) -> Actor:
    """Whoever has the key: the keyring says who that is, and the signature that it was."""
    return Actor("person", f"key:{key_id}")
