"""Canaries planted everywhere, on a real PostgreSQL, Kafka and Redis: all are found, and after an erasure none."""

import asyncio
import base64
import gzip
from collections.abc import Iterator
from pathlib import Path

import cramjam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer
from redis.asyncio import Redis

from proofwatch.events import topics
from proofwatch.events.topics import kafka_specs
from services.privacy.adapters.search import Search, search_folder, search_redis, search_tables, search_topics
from services.privacy.core.needles import needles
from tests.integration.privacy.broker import broker
from tests.integration.privacy.house import Parts, Privacy, subject
from tests.support.kafka_broker import KafkaBroker

WHOM = subject("canary-5f1c2b")
CANARY = WHOM.subject_ref.encode()


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    with broker(forgets=True) as started:
        yield started


def ignore(done: int, total: int | None) -> None:
    """A progress bar for nobody."""


async def looked(privacy: Privacy, client: "Redis", *folders: Path) -> Search:
    search = Search(needles("subject", WHOM.subject_ref))
    await search_tables(search, privacy.pool, ignore)
    await search_topics(search, privacy.bus, kafka_specs(), ignore)
    await search_redis(search, client, ignore)
    for folder in folders:
        search_folder(search, folder, ignore)
    return search


def plant(folder: Path) -> set[str]:
    """In files as people leave them; return their names."""
    folder.mkdir()
    whole = b'{"subject_ref": "' + CANARY + b'"}\n'
    (folder / "plain.jsonl").write_bytes(whole)
    (folder / "utf16.csv").write_bytes(whole.decode().encode("utf-16"))
    (folder / "hex.txt").write_bytes(whole.hex().encode())
    (folder / "base64.txt").write_bytes(base64.b64encode(whole))
    (folder / "log.gz").write_bytes(gzip.compress(whole * 99))
    (folder / "log.zst").write_bytes(bytes(cramjam.zstd.compress(whole * 99)))
    (folder / "log.lz4").write_bytes(bytes(cramjam.lz4.compress(whole * 99)))
    (folder / "log.sz").write_bytes(bytes(cramjam.snappy.compress(whole * 99)))
    pq.write_table(pa.table({"a": [WHOM.subject_ref] * 99}), folder / "table.parquet", compression="zstd")
    return {path.name for path in folder.iterdir()}


def batches(kafka: KafkaBroker) -> set[str]:
    """Publish in batches of each compression; return the topics."""
    found = set()
    written = {"gzip": topics.VERDICTS, "zstd": topics.GUIDANCE, "snappy": topics.SHADOWS, "lz4": topics.SUSPICIONS}
    for codec, topic in written.items():
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": codec, "linger.ms": 50})
        for _ in range(50):
            producer.produce(topic, b'{"subject_ref": "' + CANARY + b'"}', b"acme/" + CANARY)
        assert producer.flush(60) == 0
        found.add(topic)
    return found


@pytest.mark.timeout(900)
async def test_everything_that_was_planted_is_found_and_nothing_after_the_erasure(
    kafka: KafkaBroker, parts: Parts, tmp_path: Path
) -> None:
    """Tables, topics, Redis, files; then the erasure, and the day by which topics have forgotten: seconds, here."""
    privacy, client, _ = parts
    await privacy.staffed()
    assert (await looked(privacy, client)).found == {}

    files, compressed = plant(tmp_path / "out"), batches(kafka)
    await privacy.lived(WHOM)
    state = f"acme/{WHOM.subject_ref}"
    sentinel = "proofwatch:subjects:1:onboarding.transactions.v1/0"
    for partition in (0, 1):
        await client.hset(f"{sentinel[:-1]}{partition}", mapping={"generation": "g", "position": "5", "mark": "0"})
    for generation in ("g", "older"):
        await client.set(f"proofwatch:subject:{generation}:{state}", "{}")
    await client.set(f"proofwatch:step-up:{state}", "{}")
    for partition in (0, 1):
        await client.zadd(f"{sentinel[:-1]}{partition}:step-ups", {state: 1})

    search = await looked(privacy, client, tmp_path / "out")
    assert search.unsearched == []
    places = {place for place, _, _ in search.found}
    for table in (
        "triage.case_reasons.transaction_id",
        "imagery.flagged.imagery_ref",
        "imagery.leases.transaction_id",
        "ledger.transactions.transaction_id",
        "ledger.transactions.pair_label_id",
    ):
        assert f"table {table}" in places
    assert {name for name in files if f"file {tmp_path / 'out' / name}" in places} == files
    for topic in (*compressed, topics.TRANSACTIONS, topics.SUBJECTS, topics.CONSENTS):
        assert any(place.startswith(f"topic {topic}/") for place in places), topic
    assert {"redis key", "redis value"} <= places

    await privacy.erase(WHOM)
    for topic in (*compressed, topics.TRANSACTIONS):
        await forgetting(kafka, topic)
    left = await until_clean(privacy, client, kafka)
    assert left.found == {}, left.found
    assert left.unsearched == []


async def forgetting(kafka: KafkaBroker, topic: str) -> None:
    """Let its retention end: it is over for what was written before."""
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result()


async def until_clean(privacy: Privacy, client: "Redis", kafka: KafkaBroker) -> Search:
    """Look again until nothing is found; others' records go on coming, which close segments."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    search = await looked(privacy, client)
    for _ in range(60):
        still = {place.split()[1].partition("/")[0] for place, _, _ in search.found if place.startswith("topic")}
        if not still:
            break
        for spec in kafka_specs():
            if spec.name in still and "compact" in spec.config["cleanup.policy"]:
                for partition in range(2):
                    producer.produce(spec.name, b"{}", b"somebody/else", partition=partition)
        producer.flush(30)
        await asyncio.sleep(2)
        search = Search(needles("subject", WHOM.subject_ref))
        await search_topics(search, privacy.bus, [each for each in kafka_specs() if each.name in still], ignore)
    return await looked(privacy, client)
