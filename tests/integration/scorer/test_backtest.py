"""Backtests over a real topic and the real ledger, and a verdict explained from a real broker."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import POLICY, TRANSACTION, VERDICT
from proofwatch.events.types import PolicyDocument
from proofwatch.governance.documents import document_of
from proofwatch.runtime.migrations import migrate
from services.aggregator.adapters.postgres_joins import join_labels, join_verdicts, prepare
from services.aggregator.core.entries import fold
from services.aggregator.core.labelled_intake import label_entry, verdict_entry
from services.cli import main
from services.scorer.backtest.arrivals import Arrival, Period
from services.scorer.backtest.ledger import LedgerSource
from services.scorer.backtest.play import play
from services.scorer.backtest.result import Result
from services.scorer.backtest.topic import TopicSource
from services.scorer.core.attempts import CLEAN
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import judge
from services.scorer.core.verdicts import verdict
from services.scorer.explain.command import best
from services.scorer.explain.search import Search
from tests.support.kafka_broker import KafkaBroker
from tests.unit.scorer.backtests import NEW, OLD, START, played, small_log
from tests.unit.scorer.test_backtest_sources import figures, labels

ZSTD = {"compression.type": "zstd"}  # the commands read compressed topics as well


def verdicts_of(log: Sequence[Arrival]) -> list[bytes]:
    """What OLD says about each transaction by itself, in bytes."""
    compiled, none = CompiledPolicy.of(OLD), CLEAN.failures
    return [VERDICT.encode(verdict(a.event, judge(a.event, compiled, none), compiled.basis(none))) for a in log]


@pytest.fixture
def names(kafka_broker: KafkaBroker) -> dict[str, str]:
    """The topics under names of this test alone, for the broker is shared."""
    suffix = f".{uuid4().hex[:8]}"
    wanted = {topics.TRANSACTIONS: 3, topics.VERDICTS: 3, topics.LABELS: 2, topics.POLICIES: 1}
    return {name: kafka_broker.create_topic(name + suffix, partitions, ZSTD) for name, partitions in wanted.items()}


async def test_a_topic_on_a_real_broker_gives_the_figures_of_the_log(
    kafka_broker: KafkaBroker, names: dict[str, str]
) -> None:
    """Three partitions, labels from their topic, an aborted transaction between: only what was committed counts."""
    log, bus = small_log(), KafkaBus(kafka_broker.bootstrap, "backtest-test")
    await bus.start()
    half = len(log) // 2
    try:
        for part in (log[:half], log[half:]):
            await bus.publish(
                [
                    Outgoing(names[topics.TRANSACTIONS], a.key.encode(), a.value, timestamp_ms=a.timestamp_ms)
                    for a in part
                ]
            )
            await asyncio.to_thread(_abort, kafka_broker.bootstrap, names[topics.TRANSACTIONS], log)
        told = [Outgoing(names[topics.LABELS], b"acme/x", value) for value in labels(log)]
        await bus.publish(told)
        for period in (Period(), Period(since=log[-1].event.occurred_at)):
            source = TopicSource(
                bus, (OLD, NEW), topic=names[topics.TRANSACTIONS], labels=names[topics.LABELS], period=period
            )
            found = (await play(source, OLD, NEW, period=period)).result
            assert figures(found) == figures((await played(log, period=period)).result)
    finally:
        await bus.stop()


async def test_a_verdict_is_found_on_a_real_broker_and_reproduced(
    kafka_broker: KafkaBroker, names: dict[str, str]
) -> None:
    """By the subject's partition, or through all of them; the policy comes from its topic."""
    log, bus = small_log(), KafkaBus(kafka_broker.bootstrap, "explain-test")
    values = verdicts_of(log)
    document = document_of(OLD)
    told = PolicyDocument(
        schema_version=1, policy_hash=document.hash, document=document.text.decode(), published_at=START
    )
    await bus.start()
    try:
        await bus.publish(
            [
                *(Outgoing(names[topics.TRANSACTIONS], a.key.encode(), TRANSACTION.encode(a.event)) for a in log),
                *(Outgoing(names[topics.VERDICTS], a.key.encode(), v) for a, v in zip(log, values, strict=True)),
                Outgoing(names[topics.POLICIES], document.hash.encode(), POLICY.encode(told)),
            ]
        )
        search = Search(
            bus,
            transactions=names[topics.TRANSACTIONS],
            verdicts=names[topics.VERDICTS],
            policies=names[topics.POLICIES],
        )
        for at, subject in ((3, None), (13, "s-14")):
            published = await search.verdict(log[at].event.transaction_id, "acme", subject)
            assert published.value == values[at]
            policy = await search.policy(published.verdict.basis.policy_hash)
            assert policy is not None
            assert policy.hash == OLD.hash
            assert best(await search.events(published.verdict), published, policy).reproduced
    finally:
        await bus.stop()


async def fill_ledger(dsn: str) -> None:
    """Let the ledger's own code store the small log's verdicts and labels."""
    await migrate(dsn)
    log, pool = small_log(), await create_pool(dsn)
    catalogue = set(OLD.segments)
    trials = fold([verdict_entry(v, a.timestamp_ms, catalogue) for a, v in zip(log, verdicts_of(log), strict=True)])
    asserted = fold([label_entry(value) for value in labels(log)])
    try:
        async with pool.acquire() as connection:
            for join, entries in ((join_labels, asserted), (join_verdicts, trials)):
                async with connection.transaction():
                    await prepare(connection)
                    await join(connection, entries)
    finally:
        await pool.close()


def ledger(dsn: str, period: Period = Period(), tenant: str | None = None) -> Result:  # noqa: B008 - immutable
    async def over() -> Result:
        pool = await create_pool(dsn, max_size=1)
        try:
            return (await play(LedgerSource(pool, tenant=tenant, period=period), OLD, NEW, period=period)).result
        finally:
            await pool.close()

    return asyncio.run(over())


def test_the_ledger_gives_exact_error_rates_and_says_what_it_cannot_count(
    postgres_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without subjects: the third failure of z is a retake there, and a repeat is one row."""
    asyncio.run(fill_ledger(postgres_dsn))
    result = ledger(postgres_dsn)
    expected = asyncio.run(played(small_log())).result
    assert result.total.errors == expected.total.errors
    assert result.total.apcer == expected.total.apcer
    assert (result.attempts, result.total.n, result.total.changed) == ("recorded", 17, 7)
    reviews, retakes = result.total.decisions["manual_reviews"], result.total.decisions["retakes"]
    assert (reviews.old.k, reviews.new.k, retakes.old.k, retakes.new.k) == (0, 0, 2, 5)
    assert any("keeps no subjects" in note for note in result.notes)
    since = small_log()[14].event.occurred_at
    assert ledger(postgres_dsn, Period(since=since)).total.n == 3
    assert ledger(postgres_dsn, tenant="birch").total.n == 0

    default = Path("libs/proofwatch/governance/policies/default.yaml").read_text(encoding="utf-8")
    (tmp_path / "new.yaml").write_text(default.replace("threshold: 0.995", "threshold: 0.99"), encoding="utf-8")
    arguments = ["backtest", "--policy", str(tmp_path / "new.yaml"), "--over", "ledger", "--dsn", postgres_dsn]
    assert main([*arguments, "--format", "json"]) == 2
    assert "say who asks, it is on record" in capsys.readouterr().err
    arguments += ["--tenant", "acme", "--by", "r.mehta"]
    assert main([*arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["source"], document["total"]["changed"]) == ("ledger", 2)


def _abort(bootstrap: str, topic: str, log: Sequence[Arrival]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": uuid4().hex})
    producer.init_transactions(30)
    producer.begin_transaction()
    for arrival in log:
        producer.produce(topic, arrival.value.replace(b"tx-", b"never-"), arrival.key.encode())
    producer.flush(30)
    producer.abort_transaction(30)
