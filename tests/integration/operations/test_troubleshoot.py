"""`proofwatch troubleshoot`: one transaction through all that it went through; on record before anything is read."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from proofwatch.audit.entry import entry_of
from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, Record, Rejection, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import GUIDANCE, LABEL, SUSPICION, TRANSACTION, VERDICT
from proofwatch.events.types import Guidance, Label, Suspicion
from proofwatch.events.wire import JSON
from proofwatch.exits.asking import Asking
from proofwatch.exits.door import commitment
from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret
from proofwatch.governance.release import Denied
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.instants import ms_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.runtime.clock import SimulatedClock
from services.operations import troubleshoot as troubleshooting
from services.operations.troubleshoot import troubleshoot
from services.operations.troubleshoot_path import in_tables
from services.operations.troubleshoot_text import Shown, document, write
from services.scorer.adapters.memory import MemorySubjects
from tests.integration.outputs.roles import with_roles
from tests.support.postgres_roles import executed
from tests.support.postgres_server import PostgresServer
from tests.unit.scorer.samples import on, record, run, transaction

NOW = ms_of(datetime(2026, 3, 2, 9, tzinfo=UTC))
ASKING = Asking(None, "r.mehta", "ticket 4711")
EVENT = transaction(1, "somebody", 60.0, segments={"country": "KE"}, imagery_ref="s3://faces/one.jpg")
[VALUE] = on(topics.VERDICTS, asyncio.run(run(MemorySubjects(10**6), [record(0, EVENT)])))
TENANT, NAME = EVENT.tenant, EVENT.transaction_id
KEY = f"{TENANT}/{EVENT.subject_ref}".encode()
ROWS = f"""
insert into ledger.transactions(tenant, transaction_id, logged_ms, decision, pair_class, pair_minus_logged_ms)
values ('{TENANT}', '{NAME}', {NOW + 70}, 'refer', 'impostor', {-NOW - 90}),
       ('other', '{NAME}', {NOW}, 'accept', null, null);
insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at, changed_at)
values ('case-1', '{TENANT}', 'subject', repeat('0', 32), 'open', 'high', 'soc', 1, now(), now());
insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id, severity, evidence)
values ('case-1', 's', 1, 'liveness_far_below_threshold', to_timestamp({(NOW + 80) / 1000}), '{NAME}', 'high', '{{}}');
insert into imagery.flagged(tenant, transaction_id, subject_tag, flagged_at)
values ('{TENANT}', '{NAME}', repeat('0', 32), to_timestamp({(NOW + 85) / 1000}));
"""  # noqa: S608 - values of the test


@pytest.fixture(scope="module")
def dsns(postgres_server: PostgresServer) -> Iterator[Mapping[str, str]]:
    for made in with_roles(postgres_server):
        asyncio.run(executed(made["superuser"], ROWS))
        yield made


async def journey() -> LocalBus:
    """A bus with the transaction's whole journey, its neighbours, and a label that was refused."""
    clock = SimulatedClock(NOW)
    bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, clock)
    common: dict[str, Any] = {"schema_version": 1, "tenant": TENANT, "transaction_id": NAME}
    told = {**common, "subject_ref": EVENT.subject_ref, "occurred_at": EVENT.occurred_at}
    suspicion = Suspicion(
        **told, suspicion_id="s", reason="liveness_far_below_threshold", severity="high", evidence={},
        policy_hash="0" * 32, imagery_ref="s3://faces/one.jpg",
    )  # fmt: skip
    guidance = Guidance(**told, guidance_id="g", action="retake_selfie", message_code="m", attempts_left=2)
    label = Label(**common, label_id="l", asserted_at=EVENT.occurred_at, authority=50, pair="impostor")
    neighbour = TRANSACTION.encode(transaction(10, "somebody", 61.0))
    refused = Record(3, NOW + 60, f"{TENANT}/{NAME}".encode(), f'{{"transaction_id":"{NAME}","pair":7}}'.encode())
    other = Record(4, NOW + 60, f"{TENANT}/{NAME}0".encode(), f'{{"transaction_id":"{NAME}0","pair":7}}'.encode())
    at = TopicPartition(topics.LABELS, 0)
    letters = [
        dead_letter(Rejection(each, "schema_mismatch", "$.pair is no word"), at, "ledger") for each in (refused, other)
    ]
    records = [
        (10, Outgoing(topics.TRANSACTIONS, KEY, TRANSACTION.encode(EVENT))),
        (11, Outgoing(topics.TRANSACTIONS, KEY, neighbour)),
        (20, Outgoing(topics.VERDICTS, KEY, VALUE)),
        (21, Outgoing(topics.GUIDANCE, KEY, GUIDANCE.encode(guidance))),
        (22, Outgoing(topics.SUSPICIONS, KEY, SUSPICION.encode(suspicion))),
        (50, Outgoing(topics.LABELS, f"{TENANT}/{NAME}".encode(), LABEL.encode(label))),
        *((60, each) for each in letters),
    ]
    for ms, outgoing in records:
        await bus.publish([outgoing._replace(timestamp_ms=NOW + ms)])
    return bus


async def look(
    dsn: str, name: str = NAME, tenant: str = TENANT, secret: Callable[[], bytes] = lambda: parse_secret(None)
) -> Shown:
    pool = await create_pool(dsn)
    try:
        bus = await journey()
        return await troubleshoot(
            pool, bus, JSON, GovernanceSettings(), tenant, name, ASKING, SimulatedClock(NOW + 1_000), secret=secret
        )
    finally:
        await pool.close()


async def entered(dsn: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("delete from audit.pending returning entry")
        return [entry_of(row[0]) for row in rows]
    finally:
        await connection.close()


@asynccontextmanager
async def restricted(dsn: str, mark: str, tag: str) -> AsyncIterator[None]:
    """Somebody of the tenant is restricted meanwhile."""
    place = f"""insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
        values ('h', '{TENANT}', '{mark}', 'r', 'pia', now(), 'accuracy', '{tag}')"""  # noqa: S608 - of the test
    await executed(dsn, place)
    try:
        yield
    finally:
        await executed(dsn, "delete from privacy.holds")


async def test_whose_processing_is_restricted_nothing_is_shown_of(dsns: Mapping[str, str]) -> None:
    """Known by the events, or by what tables know; that it was refused is on record, and so is who asked."""
    secret, nobodys = bytes(range(32)), "7" * 32
    whose = subject_mark(secret, TENANT, EVENT.subject_ref)
    await entered(dsns["superuser"])
    for mark, tag, name in ((whose, nobodys, NAME), (nobodys, "0" * 32, NAME)):
        async with restricted(dsns["superuser"], mark, tag):
            with pytest.raises(Denied, match=r"restricted \(GDPR Art. 18\)"):
                await look(dsns["fraud"], name, secret=lambda: secret)
        asked, denied = await entered(dsns["superuser"])
        assert (asked.outcome, denied.action, denied.outcome) == ("granted", "data.asked", "denied")
        assert (denied.details["why"], denied.objects[0].id) == ("processing_restricted", asked.entry_id)
        assert name not in str(denied)
    async with restricted(dsns["superuser"], nobodys, nobodys):
        assert (await look(dsns["fraud"], secret=lambda: secret)).path
        with pytest.raises(InvalidSecret, match="PROOFWATCH_SUBJECT_TAG_SECRET is not set"):
            await look(dsns["fraud"])
    await entered(dsns["superuser"])
    assert (await look(dsns["fraud"])).path, "nobody is restricted, so nobody has to be known"
    await entered(dsns["superuser"])


async def test_who_is_restricted_while_somebody_looks_is_not_shown_either(
    dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look whose it is and the last word, which may be minutes."""
    secret, before = bytes(range(32)), in_tables
    mark = subject_mark(secret, TENANT, EVENT.subject_ref)

    async with AsyncExitStack() as stack:

        async def then(*asked: Any) -> Any:
            await stack.enter_async_context(restricted(dsns["superuser"], mark, "0" * 32))
            return await before(*asked)

        monkeypatch.setattr(troubleshooting, "in_tables", then)
        with pytest.raises(Denied, match=r"restricted \(GDPR Art. 18\)"):
            await look(dsns["fraud"], secret=lambda: secret)
    assert [each.outcome for each in await entered(dsns["superuser"])] == ["granted", "denied"]


async def test_the_whole_path_with_times_event_verdict_and_why(dsns: Mapping[str, str]) -> None:
    """With the rights of the role; in the order of time; nobody else's transaction is in it."""
    found = await look(dsns["fraud"])

    assert [each.where.rpartition("/")[0] or each.where for each in found.path] == [
        "onboarding.transactions.v1/" + _partition(found, "onboarding.transactions.v1"),
        "biometrics.verdicts.v1/" + _partition(found, "biometrics.verdicts.v1"),
        "onboarding.guidance.v1/" + _partition(found, "onboarding.guidance.v1"),
        "soc.suspicions.v1/" + _partition(found, "soc.suspicions.v1"),
        "onboarding.labels.v1/" + _partition(found, "onboarding.labels.v1"),
        "onboarding.labels.v1.dlq/0",
        "ledger.transactions",
        "triage.case_reasons",
        "imagery.flagged",
        "ledger.transactions",
    ]
    said = [each.what for each in found.path]
    assert said[5] == "refused by ledger: schema_mismatch, $.pair is no word"
    assert said[6:] == [
        "counted as refer",
        "liveness far below threshold: case case-1, open, high severity",
        "its imagery may be asked for",
        "labelled impostor",
    ]
    assert all(each.at is not None for each in found.path)
    assert found.explained is not None
    assert found.explained.reproduction.reproduced
    [made] = await entered(dsns["superuser"])
    assert (made.entry_id, made.actor.id, made.reason) == (found.entry_id, "r.mehta", "ticket 4711")
    assert made.details["transaction_sha256"] == commitment(made.salt, TENANT, NAME)
    assert NAME not in str(made)

    text = io.StringIO()
    write(found, text, personal=False)
    shown = text.getvalue() + document(found, personal=False)
    assert "Rule" in shown
    assert json.loads(document(found, personal=False))["verdict"]["decision"] == VERDICT.decode(VALUE).decision
    for personal in (EVENT.subject_ref, "KE"):
        assert personal not in shown.replace(NAME, "")
    text = io.StringIO()
    write(found, text, personal=True)
    more = text.getvalue() + document(found, personal=True)
    assert '"country"' in more
    assert EVENT.subject_ref in more
    assert "faces" not in more


def _partition(found: Shown, topic: str) -> str:
    return next(each.where for each in found.path if each.where.startswith(f"{topic}/")).split("/")[1]


async def test_what_is_nowhere_leaves_an_entry_and_nothing_else(dsns: Mapping[str, str]) -> None:
    """A name that is a part of another's, and the name of another tenant's."""
    for name, tenant in ((NAME[:-1], TENANT), (NAME, "birch")):
        found = await look(dsns["fraud"], name, tenant)
        assert (found.path, found.events, found.verdict) == ([], (), None)
        [made] = await entered(dsns["superuser"])
        assert (made.outcome, made.tenant) == ("granted", tenant)


async def test_the_entry_is_committed_before_anything_is_read(
    dsns: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection sees it when the first topic is opened, and it stays when reading fails."""
    seen: list[int] = []

    async def read(*_: Any) -> Any:
        seen.append(len(await entered(dsns["superuser"])))
        raise RuntimeError("the broker fell over")

    monkeypatch.setattr("services.operations.troubleshoot.on_topics", read)
    with pytest.raises(RuntimeError, match="fell over"):
        await look(dsns["fraud"])
    assert seen == [1]
