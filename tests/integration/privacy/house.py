"""A deployment with people of the role privacy, a data subject's traces in every store, and erasures at work."""

import json
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from proofwatch.access.roles import Role
from proofwatch.audit.entry import Entry
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import load_manifests
from proofwatch.instants import ms_of
from proofwatch.privacy.key_encryption import EpochKeys, KeyEncryption
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.clock import SimulatedClock
from services.privacy.adapters.cache import NoCache
from services.privacy.adapters.holds import PostgresHolds
from services.privacy.adapters.requests import About, PostgresRequests
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.adapters.topics import BusTopics
from services.privacy.core.erasure import Erasure, Subject
from services.privacy.core.forgetting import forgotten_by
from services.privacy.handlers.erasing import Erasing
from services.privacy.ports import Cache
from tests.integration.access.house import House

SECRET = bytes(range(32))
TENANT = "acme"
KEYS = {1: bytes(range(32))}


def subject(ref: str = "canary-5f1c", tenant: str = TENANT) -> Subject:
    return Subject(tenant, ref, subject_mark(SECRET, tenant, ref))


class Parts(NamedTuple):
    """A house on a real Kafka, PostgreSQL and Redis, and what reaches the last two without it."""

    privacy: "Privacy"
    redis: Any
    bus: KafkaBus


class Privacy(House):
    """Two people who may ask and approve, and what they do it with."""

    def __init__(self, pool: "asyncpg.Pool", bus: Bus, cache: Cache | None = None, keys: KeyEncryption | None = None):
        super().__init__(pool)
        self.bus = bus
        self.keys = keys or EpochKeys(KEYS)
        self.data_keys = PostgresKeys(self.keys)
        self.requests, self.holds = PostgresRequests(pool, self.keys), PostgresHolds(pool)
        self.steps = PostgresSteps(pool, self.data_keys)
        self.clock = SimulatedClock(ms_of(self.now))
        self.topics = BusTopics(bus)
        self.cache = cache or NoCache()
        self.tokens: dict[str, str] = {}

    async def staffed(self) -> None:
        for name in ("pia", "paul"):
            await self.person(name)

    async def person(self, name: str, *roles: Role, tenants: tuple[str, ...] | None = None) -> str:
        await self.add(name, *(roles or (Role.PRIVACY,)), tenants=tenants)
        self.tokens[name] = (await self.sign_in(name))[0]
        return self.tokens[name]

    @property
    def erasing(self) -> Erasing:
        def by(at: datetime) -> date:
            return forgotten_by(at, load_manifests().values())

        return Erasing(self.pool, self.requests, self.steps, self.topics, self.cache, SECRET, by, self.clock)

    async def ask(self, whom: Subject, *transactions: str) -> str:
        about = About(whom, frozenset(transactions))
        return await self.requests.request(self.tokens["pia"], about, "asked for by the person", self.now)

    async def approve(self, erasure_id: str) -> Erasure:
        return await self.requests.approve(self.tokens["paul"], erasure_id, self.now)

    async def erase(self, whom: Subject, *transactions: str) -> Erasure:
        erasure_id = await self.ask(whom, *transactions)
        await self.approve(erasure_id)
        return await self.erasing.run(erasure_id)

    async def of_privacy(self) -> list[Entry]:
        kinds = ("erasure.", "subject.", "hold.", "keys.")
        return [each for each in await self.entries() if each.action.startswith(kinds)]

    async def publish(self, topic: str, key: str, value: dict[str, Any] | None) -> None:
        body = None if value is None else json.dumps({"schema_version": 1, **value}).encode()
        await self.bus.publish([Outgoing(topic, key.encode(), body, None, ms_of(self.now))])

    async def lived(self, whom: Subject, number: int = 1) -> str:
        """Leave what a person leaves in topics and tables; return the id of a transaction."""
        ref, key, tenant = whom.subject_ref, f"{whom.tenant}/{whom.subject_ref}", whom.tenant
        transaction, at = f"tx-{ref}-{number}", self.now - timedelta(hours=2)
        proof = {"tenant": tenant, "transaction_id": transaction, "subject_ref": ref, "occurred_at": at.isoformat()}
        await self.publish(topics.TRANSACTIONS, key, {**proof, "match_score": 0.9})
        await self.publish(topics.SUBJECTS, key, {"offset": number, "attempts": []})
        consent = {"tenant": tenant, "subject_ref": ref, "purpose": "improve_and_develop", "granted": True}
        await self.publish(topics.CONSENTS, f"{key}/improve_and_develop", {**consent, "asserted_at": at.isoformat()})
        await self.rows(whom, transaction, at)
        return transaction

    async def rows(self, whom: Subject, transaction: str, at: datetime) -> None:
        case, moment = derived_id("case", transaction), ms_of(at)  # as triage's own lead to nobody by themselves
        given = {
            _CASE: (case, whom.tenant, whom.mark, at),
            _REASON: (case, f"s-{transaction}", at, transaction),
            _TRANSITION: (case, f"s-{transaction}", at),
            _FLAG: (whom.tenant, transaction, whom.mark, f"s3://pictures/{transaction}.jpg", at),
            _LEASE: (whom.tenant, transaction, case, at),
            _GLASS: (whom.tenant, transaction, case, at),
            _WORD: (whom.tenant, whom.mark, at),
            _ATTEMPT: (whom.tenant, transaction, whom.mark, at),
            _ROW: (whom.tenant, transaction, moment, moment * 1000 + 417),
        }
        for statement, values in given.items():
            await self.pool.execute(statement, *values)


_CASE = """
insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at, changed_at)
values($1, $2, 'subject', $3, 'closed', 'high', 'soc', 1, $4, $4)"""
_REASON = "insert into triage.case_reasons values($1, $2, 1, 'persisting_failure', $3, $4, 'high', '{}')"
_TRANSITION = "insert into triage.case_transitions values($1, 1, 'absent', 'open', 'x', 'y', $2, 1, $3)"
_FLAG = "insert into imagery.flagged values($1, $2, $3, $4, null, null, $5)"
_LEASE = """
insert into imagery.leases values(md5($2), 's', 'p', $1, $3, $2, 'troubleshooting', 'why', $4, $4, 1, null)"""
_GLASS = """
insert into imagery.glass(glass_id, person_id, tenant, case_id, transaction_id, purpose, reason, asked_at, expires_at,
  uses_left) values(md5('glass' || $2), 'p', $1, $3, $2, 'troubleshooting', 'why', $4, $4, 1)"""
_WORD = """
insert into consents.words values($1, $2, 'improve_and_develop', true, $3, null) on conflict do nothing"""
_ATTEMPT = """
insert into triage.attempts values($1, $2, '', $3, false, $4, $4, 'retry', 'retake_selfie', '{}', 'pass', 'fail', 0.9,
  0.4, 0.85, 0.995, md5('p')::uuid, null, null, '{}')"""
_ROW = """
insert into ledger.transactions(tenant, transaction_id, logged_ms, occurred_us, match_score, liveness_score,
  match_threshold, liveness_threshold, policy_hash, decision, match_outcome, liveness_outcome, segments,
  pair_authority, pair_asserted_us, pair_label_id, pair_class)
values($1, $2, $3, $4, 0.91, 0.999, 0.85, 0.995, 'h', 'accept', 'passed', 'passed', '{"country": "in"}', 1, $4,
  'l-' || $2, 'genuine')"""
