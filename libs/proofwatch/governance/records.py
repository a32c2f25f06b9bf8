"""One record of a governance topic, decoded and checked by itself: what needs no other record to be judged."""

from typing import Any, Final, TypeVar

import msgspec

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.events.codec import ACTIVATION, APPROVAL, ATTACK_PATTERN, CONTROL, POLICY, TENANT, Codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import (
    Activation,
    Approval,
    AttackPattern,
    Control,
    PolicyDocument,
    TenantDocument,
)
from proofwatch.governance.activations import Entry, TimelineKey
from proofwatch.governance.keyring import Keyring, NotSigned
from proofwatch.governance.predicate import InvalidPredicate, parse
from proofwatch.governance.regime import FOREVER_MS
from proofwatch.governance.scope import InvalidScope, parse_scope
from proofwatch.governance.statements import activation_statement
from proofwatch.instants import ms_of

T = TypeVar("T", bound=msgspec.Struct)

GOVERNED: Final = (topics.POLICIES, topics.TENANTS, topics.APPROVALS, topics.ACTIVATIONS)
"""What decides about policies and tenants; read in this order, fewest records are waiting for others."""
FOLLOWED: Final = (topics.CONTROLS, topics.ATTACK_PATTERNS)
"""What is followed with or without a keyring."""


class Refused(Exception):
    """The record does not count; `reason` is a code, the message says what would be right."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def decoded(codec: Codec[T], record: Record) -> T:
    """Return the event. Raises `Refused`, also when the record's key is not the event's."""
    try:
        event = codec.decode(record.value)
    except Rejected as error:
        raise Refused("malformed", str(error)) from None
    expected = key_of(event)
    if record.key != expected:
        raise Refused("wrong_key", f"the record's key must be {expected.decode()!r}")
    return event


def key_of(event: Any) -> bytes:
    """Return the key under which an event of governance is published, as the topic's manifest says."""
    match event:
        case PolicyDocument():
            key = event.policy_hash
        case TenantDocument():
            key = event.tenant_hash
        case Approval():
            key = f"{event.document_hash}/{event.key_id}"
        case Activation():
            instant = msgspec.json.encode(event.effective_from).decode().strip('"')
            key = f"{event.document_kind}/{event.mode}/{event.scope}/{instant}"
        case Control():
            key = event.control_id
        case AttackPattern():
            key = f"{event.pattern_id}/{event.revision}"
        case _:
            raise TypeError(f"{type(event).__name__} is no event of governance")
    return key.encode()


def activation_of(record: Record, keyring: Keyring, lead_ms: int) -> tuple[TimelineKey, Entry]:
    """Return a timely, validly signed activation and its timeline. Raises `Refused`."""
    event = decoded(ACTIVATION, record)
    line = TimelineKey(event.document_kind, event.mode, event.scope)
    _check_scope(line)
    from_ms = ms_of(event.effective_from)
    ends_ms = FOREVER_MS if event.ends_at is None else ms_of(event.ends_at)
    if ends_ms < from_ms:
        raise Refused("ends_before_it_begins", "ends_at must not lie before effective_from; equal: ends at once")
    earliest_ms = record.timestamp_ms + lead_ms
    if from_ms < earliest_ms:
        raise Refused(
            "lead_too_short",
            f"effective_from is {earliest_ms - from_ms} ms too early; "
            f"it must lie at least {lead_ms / 1000:g} s after the record's own log time",
        )
    try:
        person = keyring.verify(
            event.key_id, "activate", activation_statement(event), event.signature, record.timestamp_ms
        )
    except NotSigned as error:
        raise Refused(error.reason, str(error)) from None
    return line, Entry(from_ms, record.offset, ends_ms, event.document_hash, record.timestamp_ms, event, person)


def approval_of(record: Record) -> Approval:
    """Return an approval, its signature unchecked. Raises `Refused`."""
    return decoded(APPROVAL, record)


def control_of(record: Record) -> Control:
    """Return a control. Raises `Refused`."""
    event = decoded(CONTROL, record)
    if (event.segment_name is None) != (event.segment_value is None):
        raise Refused("invalid_scope", "segment_name and segment_value must both be given, or both be null")
    return event


def pattern_of(record: Record) -> AttackPattern:
    """Return an attack pattern with a predicate that can be used. Raises `Refused`."""
    event = decoded(ATTACK_PATTERN, record)
    try:
        parse(event.predicate)
    except InvalidPredicate as error:
        raise Refused("invalid_predicate", str(error)) from None
    return event


def document_text(record: Record, topic: str) -> tuple[str, bytes]:
    """Return the hash that a document claims, and its text. Raises `Refused`."""
    if topic == topics.POLICIES:
        policy = decoded(POLICY, record)
        return policy.policy_hash, policy.document.encode()
    tenant = decoded(TENANT, record)
    return tenant.tenant_hash, tenant.document.encode()


def _check_scope(line: TimelineKey) -> None:
    try:
        scope = parse_scope(line.scope)
    except InvalidScope as error:
        raise Refused("invalid_scope", str(error)) from None
    if line.kind == "tenant" and (scope.tenant is None or scope.segment_name is not None or line.mode == "shadow"):
        raise Refused("invalid_scope", "a tenant's settings are activated live, for the tenant itself")
