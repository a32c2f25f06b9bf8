"""A small world of people, keys and records for tests of governance."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.events.codec import CODECS
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Activation, Approval, AttackPattern, Control, PolicyDocument, TenantDocument
from proofwatch.governance.documents import Document, document_of
from proofwatch.governance.keyring import Keyring
from proofwatch.governance.policy import Policy, load_policy
from proofwatch.governance.records import key_of
from proofwatch.governance.replica import Refusal, Replica
from proofwatch.governance.signer import Signer
from proofwatch.governance.tenant import Contract, State, Tenant
from proofwatch.instants import instant_of

LEAD_MS = 60_000
ADA, BOB, CLEO = Signer.generate(), Signer.generate(), Signer.generate()
ADA_AGAIN = Signer.generate()
STRANGER = Signer.generate()
KEYRING = Keyring([ADA.entry("ada"), BOB.entry("bob"), CLEO.entry("cleo"), ADA_AGAIN.entry("ada")])
EVENTS = {
    PolicyDocument: ("policy", topics.POLICIES),
    TenantDocument: ("tenant", topics.TENANTS),
    Approval: ("approval", topics.APPROVALS),
    Activation: ("activation", topics.ACTIVATIONS),
    Control: ("control", topics.CONTROLS),
    AttackPattern: ("attack-pattern", topics.ATTACK_PATTERNS),
}


def policy(liveness: float) -> Policy:
    return load_policy().with_thresholds(liveness=liveness)


def tenant(name: str = "acme", state: State = "active", **more: Any) -> Tenant:
    contract = Contract(state=state, starts=date(2026, 1, 1))
    return Tenant(**({"tenant": name, "contract": contract, "time_zone": "UTC", "segments": ("source",)} | more))


def published(document: Document, ms: int = 0) -> PolicyDocument | TenantDocument:
    if document.kind == "policy":
        return PolicyDocument(
            schema_version=1, policy_hash=document.hash, document=document.text.decode(), published_at=instant_of(ms)
        )
    return TenantDocument(
        schema_version=1, tenant_hash=document.hash, document=document.text.decode(), published_at=instant_of(ms)
    )


def activation(document: Document, scope: str, from_ms: int, by: Signer = ADA, **more: Any) -> Activation:
    fields: dict[str, Any] = {
        "schema_version": 1,
        "document_kind": document.kind,
        "scope": scope,
        "document_hash": document.hash,
        "mode": "live",
        "effective_from": instant_of(from_ms),
        "key_id": "",
        "signature": "",
        "published_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return by.activate(Activation(**(fields | more)))


def control(from_ms: int, state: str = "on", tenant: str = "acme", **more: Any) -> Control:
    fields: dict[str, Any] = {
        "schema_version": 1,
        "control_id": derived_id("control", tenant, state, from_ms),
        "measure": "step_up_mfa",
        "state": state,
        "tenant": tenant,
        "segment_name": None,
        "segment_value": None,
        "effective_from": instant_of(from_ms),
        "reason": "operator",
        "evidence": {},
    }
    return Control(**(fields | more))


def pattern(from_ms: int, revision: int = 1, state: str = "published", **more: Any) -> AttackPattern:
    fields: dict[str, Any] = {
        "schema_version": 1,
        "pattern_id": "emulators",
        "revision": revision,
        "state": state,
        "description": "emulators",
        "severity": "high",
        "predicate": '{"field":"segments.source","op":"eq","value":"emulator"}',
        "effective_from": instant_of(from_ms),
    }
    return AttackPattern(**(fields | more))


@dataclass
class Log:
    """Records as they lie on their topics; `put` appends one."""

    records: list[tuple[str, Record]] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)

    def put(self, event: msgspec.Struct, log_ms: int, *, key: bytes | None = None, value: bytes | None = None) -> int:
        """Append the event; return its offset."""
        name, topic = EVENTS[type(event)]
        offset = self.ends.get(topic, 0)
        self.ends[topic] = offset + 1
        value = CODECS[name].encode(event) if value is None else value
        self.records.append((topic, Record(offset, log_ms, key_of(event) if key is None else key, value)))
        return offset

    def propose(self, content: Policy | Tenant, log_ms: int, *by: Signer) -> Document:
        """Append the document, and an approval of each signer."""
        document = document_of(content)
        self.put(published(document), log_ms)
        for signer in by:
            self.put(signer.approve(document, instant_of(log_ms)), log_ms)
        return document

    def approved(self, content: Policy | Tenant, log_ms: int) -> Document:
        return self.propose(content, log_ms, ADA, BOB)

    def replica(self, keyring: Keyring | None = KEYRING) -> Replica:
        return folded(self.records, keyring)


def folded(records: Iterable[tuple[str, Record]], keyring: Keyring | None = KEYRING) -> Replica:
    replica = Replica(keyring, LEAD_MS)
    for topic, record in records:
        replica.apply(topic, record)
    return replica


def reasons(replica: Replica) -> list[str]:
    return [refusal.reason for refusal in replica.refusals]


def last_refusal(log: Log, keyring: Keyring = KEYRING) -> Refusal | None:
    replica = Replica(keyring, LEAD_MS)
    said = [replica.apply(topic, record) for topic, record in log.records]
    return said[-1]
