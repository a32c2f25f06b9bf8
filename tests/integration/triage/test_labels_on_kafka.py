"""What people find moves the ledger's rates, on a real Kafka and PostgreSQL: desk, triage and ledger as they run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.biometrics.evaluation import evaluate_counts
from proofwatch.biometrics.trials import Thresholds
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.bus.records import TopicPartition
from proofwatch.events import codec, topics
from proofwatch.events.types import Label
from proofwatch.runtime.migrations import migrate
from services.aggregator import app as aggregator
from services.aggregator.adapters.postgres_ledger import labelled_cohorts
from services.triage import app
from services.triage.adapters.desk import PostgresDesk
from services.triage.core.dispositions import Finding
from tests.integration.access.house import House, make_passwords_cheap
from tests.integration.aggregator.test_ledger import verdict
from tests.integration.triage.conftest import SETTINGS, outgoing
from tests.support.kafka_broker import KafkaBroker
from tests.support.stack import Stack
from tests.unit.triage.events import suspicion

PATIENCE_S = 60
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    """A broker of its own, because services know their topics by fixed names."""
    with Stack(lambda _: None) as stack:
        stack.kafka.create_topics(topics.kafka_specs(timestamp_type="CreateTime"))
        yield stack.kafka


async def until(holds: Callable[[], Awaitable[bool]], *running: "asyncio.Task[None]") -> None:
    for _ in range(PATIENCE_S * 10):
        if await holds():
            return
        assert not any(each.done() for each in running), [each.exception() for each in running if each.done()]
        await asyncio.sleep(0.1)
    pytest.fail("it did not come to be")


async def test_an_approved_finding_is_counted_by_the_ledger_once(
    own_broker: KafkaBroker, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """APCER of its species, where no attack was known; and once, however much comes after it."""
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    bus = KafkaBus(own_broker.bootstrap, "test")
    await bus.start()
    where: dict[str, Any] = {"kafka_bootstrap": own_broker.bootstrap, "postgres_dsn": postgres_dsn}
    settings = SETTINGS.model_copy(update=where)
    ledger = await aggregator.connect_ledger(aggregator.LedgerSettings(**where))
    triage = await app.connect(settings)
    await ledger.start()
    await triage.start()
    running = [asyncio.create_task(each.run()) for each in (ledger, triage)]
    house, desk = House(pool), PostgresDesk(pool)
    tokens = {}
    for name, role in (("ada", Role.ANALYST), ("carl", Role.CHECKER)):
        await house.add(name, role)
        tokens[name] = (await house.sign_in(name))[0]

    async def labels() -> list[Label]:
        ends = await bus.ends(topics.LABELS)
        return [
            codec.LABEL.decode(each.value)
            for partition in sorted(ends)
            async for each in bus.read(TopicPartition(topics.LABELS, partition))
        ]

    async def attacks() -> dict[str, tuple[int | None, int | None]]:
        async with pool.acquire() as connection:
            cohorts = await labelled_cohorts(connection, "acme")
        if None not in cohorts:
            return {}
        liveness = evaluate_counts(cohorts, Thresholds(0.85, 0.5)).liveness
        return {name: (each.k, each.n) for name, each in liveness.apcer_by_species.items()} if liveness else {}

    async def opened() -> bool:
        return bool(await pool.fetchval("select count(*) = 1 from triage.cases"))

    async def moved() -> bool:
        return await attacks() == {"silicone_mask": (1, 1)}

    await bus.publish([verdict(f"t-{n}", tenant="acme", subject="s-1", at=NOW) for n in range(1, 4)])
    await bus.publish([outgoing(suspicion(1, severity="high", occurred_at=NOW), int(NOW.timestamp() * 1000))])
    await until(opened, *running)
    assert await attacks() == {}
    case = str(await pool.fetchval("select case_id from triage.cases"))
    await desk.do("take", case, tokens["ada"], house.now)
    finding = Finding.of("threat", "a seam at the neck", species="silicone_mask")
    await desk.do("threat", case, tokens["ada"], house.now, finding=finding)
    await desk.do("approve", case, tokens["carl"], house.now + timedelta(seconds=1))
    await until(moved, *running)
    await bus.publish([outgoing(suspicion(2, subject_ref="s-2", occurred_at=NOW), int(NOW.timestamp() * 1000))])

    async def gone_on() -> bool:
        return bool(await pool.fetchval("select count(*) = 2 from triage.cases"))

    await until(gone_on, *running)
    assert [(each.transaction_id, each.authority) for each in await labels()] == [("t-1", 70)]
    for each in (triage, ledger):
        await each.stop()
    await asyncio.gather(*running)
    await bus.stop()
    await pool.close()
