"""`proofwatch publish` sends what upstream would send, counts what was taken, and asks before it touches production."""

import argparse
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.runtime.clock import SimulatedClock
from services.standalone import publish
from services.standalone.publish import add_arguments, send, signs_of_production
from services.standalone.publish_sources import limited, of_file, one, simulated
from tests.unit.bus.stages import Recording

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def bus() -> LocalBus:
    return LocalBus({topics.TRANSACTIONS: 6, topics.LABELS: 6, "out": 6}, SimulatedClock(1))


async def test_one_transaction_is_one_that_passes() -> None:
    """Of now, valid, of nobody, and another one each time."""
    there, sent = bus(), Counter[str]()
    for _ in range(2):
        await send(there, one("test", NOW), 0, 1, sent)
    assert sent == {topics.TRANSACTIONS: 2}
    found = [
        TRANSACTION.decode(r.value) for n in range(6) async for r in there.read(TopicPartition(topics.TRANSACTIONS, n))
    ]
    assert len({each.transaction_id for each in found}) == 2
    assert {(each.tenant, each.occurred_at) for each in found} == {("test", NOW)}


async def test_simulated_traffic_is_of_now_keyed_and_counted_exactly() -> None:
    """As many transactions as were asked for, labels beside them; each in the partition of its key."""
    there, sent = bus(), Counter[str]()
    await send(there, simulated(3_000, 7, "test", lambda: NOW), 0, 3_000, sent)
    found = [(n, r) for n in range(6) async for r in there.read(TopicPartition(topics.TRANSACTIONS, n))]
    assert sent[topics.TRANSACTIONS] == len(found) == 3_000
    assert sent[topics.LABELS] == sum((await there.ends(topics.LABELS)).values()) > 0
    assert all(n == partition_of(record.key or b"", 6) for n, record in found)
    read = []
    for _, record in found:
        try:
            read.append(TRANSACTION.decode(record.value))
        except Rejected:  # the simulation sends some rubbish
            continue
    assert len(read) > 2_900
    assert {(each.tenant, each.occurred_at) for each in read} == {("test", NOW)}
    again = [each for row in limited(simulated(3_000, 7, "test", lambda: NOW), 50) for each in row]
    assert sum(each.topic == topics.TRANSACTIONS for each in again) == 50
    assert {each.value for each in again if each.topic == topics.TRANSACTIONS} <= {record.value for _, record in found}


async def test_a_file_is_read_as_replay_reads_it(tmp_path: Path) -> None:
    """By the same columns, in the order of its times; truth becomes labels."""
    path = tmp_path / "scores.csv"
    path.write_text(
        "occurred_at,match_score,liveness_score,subject_ref,pair\n"
        "2026-11-02T10:00:00Z,0.9,0.99,b,mated\n2026-11-01T10:00:00Z,0.8,0.99,a,\n"
    )
    rows, total = of_file(path, None, "test-acme", 10.0, NOW)
    records = [each for row in rows for each in row]
    assert total == 2
    assert [(each.topic, each.key) for each in records[:2]] == [
        (topics.TRANSACTIONS, b"test-acme/a"),
        (topics.TRANSACTIONS, b"test-acme/b"),
    ]
    assert [each.topic for each in records[2:]] == [topics.LABELS]
    assert msgspec.json.decode(records[0].value or b"")["match_score"] == 0.8


async def test_what_looks_like_production_is_named() -> None:
    """A tenant that is nobody's test, and a scorer that decides what comes."""
    there = bus()
    assert await signs_of_production(there, ["test", "test-acme", "demo", "harbour-bank"]) == []
    assert "tenant acme does not look like a test" in (await signs_of_production(there, ["acme"]))[0]
    assert len(await signs_of_production(there, ["testament"])) == 1
    owner = await there.fence("scorer").acquire(TopicPartition(topics.TRANSACTIONS, 0))
    await there.publish([Outgoing(topics.TRANSACTIONS, b"k", b"v", 0)])
    records = [r async for r in there.read(TopicPartition(topics.TRANSACTIONS, 0))]
    await owner.commit(Batch(TopicPartition(topics.TRANSACTIONS, 0), records, 0, 1, 1, 1), Recording())
    assert await signs_of_production(there, ["test"]) == [f"a scorer decides what comes to {topics.TRANSACTIONS}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "fast"],
        ["--rate", "-1"],
        ["--count", "0"],
        ["--simulate", "1.5"],
        ["--tenant", "A B"],
        ["--rate", "nan"],
    ],
)
def test_a_wrong_call_is_refused_by_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is sent, with what would be right."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(arguments)
    assert repr(arguments[1]) in capsys.readouterr().err


def test_an_interrupted_one_says_what_was_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As other long commands do: a sentence, the count of what Kafka has, and 130."""

    async def interrupted(args: argparse.Namespace, *given: Any) -> int:
        given[-1][topics.TRANSACTIONS] += 3
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "_publish", interrupted)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert publish.run(parser.parse_args([])) == 130
    said = capsys.readouterr()
    assert said.err == "proofwatch publish: interrupted; what Kafka had acknowledged by then stays\n"
    assert said.out == f"acknowledged: 3 to {topics.TRANSACTIONS}\n"
