"""`proofwatch restore check` against a real Kafka and PostgreSQL."""

import argparse
import asyncio
from uuid import uuid4

import asyncpg
import pytest

from proofwatch.runtime.migrations import migrate
from services.operations import restore
from tests.support.kafka_broker import KafkaBroker


def test_a_position_beyond_the_topic_is_refused_and_one_within_is_not(
    kafka_broker: KafkaBroker, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and a line for the operator; 0 once the two fit; 1 and what to run where nothing is migrated."""
    topic = f"restored-{uuid4().hex[:8]}"
    kafka_broker.create_topic(topic, 1, {})
    args = argparse.Namespace(act=restore.check, bootstrap=kafka_broker.bootstrap, dsn=postgres_dsn)
    assert restore.run(args) == 1
    assert "run `proofwatch migrate` first" in capsys.readouterr().err
    asyncio.run(migrate(postgres_dsn))
    asyncio.run(_position(postgres_dsn, topic, 5))
    assert restore.run(args) == 1
    assert f"ledger: {topic}/0 was read up to 5, but the topic ends at 0" in capsys.readouterr().out
    asyncio.run(_position(postgres_dsn, topic, 0))
    assert restore.run(args) == 0
    assert "services may start" in capsys.readouterr().out


async def _position(dsn: str, topic: str, position: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "insert into ledger.fence (topic, partition, epoch, position) values ($1, 0, 1, $2) "
            "on conflict (topic, partition) do update set position = excluded.position",
            topic,
            position,
        )
    finally:
        await connection.close()
