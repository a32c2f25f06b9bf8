"""An independent reader of all stages: `python -m tests.benchmarks.journey_reader BOOTSTRAP DSN`.

Reads committed records from the ends of the topics, positions from the stages' fences in PostgreSQL and from consumer
groups, and prints, about twice a second, what it has seen (`Line`). Serves until SIGTERM. It uses librdkafka and SQL,
nothing of the product's own clients.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import msgspec
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from proofwatch.events.topics import (
    ANOMALIES,
    DEVICE_PROOFS,
    ESCALATIONS,
    INCIDENTS,
    PLATFORM_ALERTS,
    SUSPICIONS,
    TALLIES,
    VERDICTS,
)
from tests.benchmarks.events import number_in
from tests.benchmarks.journey_following import Done, Merged, Queue

STAGES: Final = ("scorer", "devices", "combine", "windows", "ledger", "incidents", "triage", "notifier")
"""In the order of the journey; each is a process."""

_TOPICS: Final = (VERDICTS, DEVICE_PROOFS, SUSPICIONS, TALLIES, ANOMALIES, INCIDENTS, ESCALATIONS, PLATFORM_ALERTS)
_LOOK_S: Final = 0.5
_WAIT_S: Final = 2.0
_FENCED: Final = ("windows", "ledger", "incidents", "triage", "notifier")
_POSITIONS: Final = " union all ".join(
    f"select '{name}', topic, partition, position from {name}.fence where position is not null"  # noqa: S608 - ours
    for name in _FENCED
)
_WAL: Final = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


class _Tally(msgspec.Struct):
    source_partition: int
    position_before: int
    position_after: int


class Database:
    """The fences and the write-ahead log; what cannot be asked now is asked again at the next look."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._loop = asyncio.Runner()
        self._connection: Any = None

    def look(self) -> tuple[dict[tuple[str, str], dict[int, int]], int | None]:
        """Return positions by stage and topic, then partition, and bytes of write-ahead log; both empty when away."""
        try:
            return self._loop.run(asyncio.wait_for(self._ask(), _WAIT_S))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            if self._connection:
                self._connection.terminate()
            self._connection = None
            return {}, None

    async def _ask(self) -> tuple[dict[tuple[str, str], dict[int, int]], int | None]:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._dsn)
        found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for stage, topic, partition, position in await self._connection.fetch(_POSITIONS):
            found[stage, topic][partition] = position
        return found, await self._connection.fetchval(_WAL)


class Reader:
    """What is seen of the journey from outside."""

    def __init__(self, bootstrap: str, dsn: str) -> None:
        self._database = Database(dsn)
        self._done = {name: Done() for name in ("scorer", "devices", "combine", "windows", "ledger")}
        self._verdicts = {name: Queue(self._done[name]) for name in ("combine", "windows", "ledger")}
        self._proofs = Queue(self._done["devices"])
        self._suspicions = Queue()
        self._merged = Merged()
        self._told = {topic: Queue() for topic in (ANOMALIES, INCIDENTS, ESCALATIONS, PLATFORM_ALERTS)}
        self._tallies = 0
        self._note: dict[str, Callable[[int, int, Message], None]] = {
            VERDICTS: self._verdict,
            DEVICE_PROOFS: self._proof,
            SUSPICIONS: self._suspicion,
            TALLIES: self._tally,
            **dict.fromkeys(self._told, self._to_tell),
        }
        common = {"bootstrap.servers": bootstrap, "enable.auto.commit": False, "log_level": 0}
        self._devices = Consumer({**common, "group.id": "devices", "isolation.level": "read_uncommitted"})
        self._consumer = Consumer(
            {
                **common,
                "group.id": "benchmark-reader",
                "isolation.level": "read_committed",
                "fetch.min.bytes": 100_000,  # up to a tenth of a second in exchange for fewer requests to the broker
                "fetch.wait.max.ms": 100,
                "fetch.message.max.bytes": 20_000_000,
                "receive.message.max.bytes": 200_000_000,
            }
        )
        self._assign()

    def look(self) -> dict[str, Any]:
        """Take note of the durable positions; return what is known now."""
        found, wal = self._database.look()
        for name, topic in (("windows", TALLIES), ("ledger", VERDICTS)):
            queue: Queue | Merged = self._merged if name == "windows" else self._verdicts[name]
            queue.take(found.get((name, topic), {}))
        self._suspicions.take(found.get(("triage", SUSPICIONS), {}))
        for topic, told in self._told.items():
            told.take(found.get(("incidents" if topic == ANOMALIES else "notifier", topic), {}))
        self._verdicts["windows"].take(self._merged.merged)
        self._proofs.take(self._committed())
        at = time.monotonic()
        oldest: dict[str, int | None] = {name: done.oldest for name, done in self._done.items()}
        unread = {topic: told.oldest for topic, told in self._told.items() if told.oldest is not None}
        found_ms, told_ms = unread.pop(ANOMALIES, None), min(unread.values(), default=None)
        return {
            "at": at,
            "oldest": oldest | {"triage": self._suspicions.oldest},
            "incidents_s": _ago(found_ms),
            "notifier_s": _ago(told_ms),
            "repeated": sum(done.repeated for done in self._done.values()),
            "verdicts": self._done["scorer"].count,
            "tallies": self._tallies,
            "wal": wal,
        }

    def read(self, seconds: float) -> None:
        """Read what is published for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for message in self._consumer.consume(2_000, timeout=min(left, 0.05)):
                if message.error():
                    raise SystemExit(str(message.error()))
                self._note[message.topic() or ""](message.partition() or 0, message.offset() or 0, message)

    def _verdict(self, partition: int, offset: int, message: Message) -> None:
        number = number_in(message.value() or b"")
        self._done["scorer"].add(number)
        for queue in self._verdicts.values():
            queue.publish(partition, offset, number)

    def _proof(self, partition: int, offset: int, message: Message) -> None:
        self._proofs.publish(partition, offset, number_in(message.value() or b""))

    def _suspicion(self, partition: int, offset: int, message: Message) -> None:
        self._suspicions.publish(partition, offset, number_in(message.value() or b""))

    def _tally(self, partition: int, offset: int, message: Message) -> None:
        tally = msgspec.json.decode(message.value() or b"", type=_Tally)
        self._merged.publish(partition, offset, tally.source_partition, tally.position_before, tally.position_after)
        self._verdicts["combine"].take({tally.source_partition: tally.position_after})
        self._tallies += 1

    def _to_tell(self, partition: int, offset: int, message: Message) -> None:
        self._told[message.topic() or ""].publish(partition, offset, message.timestamp()[1])

    def _committed(self) -> dict[int, int]:
        try:
            found = self._devices.committed(self._proof_places, timeout=_WAIT_S)
        except KafkaException:
            return {}  # the next look will tell
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def _assign(self) -> None:
        known = self._consumer.list_topics(timeout=10).topics
        places = [TopicPartition(topic, partition) for topic in _TOPICS for partition in known[topic].partitions]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=10)[1]
        self._consumer.assign(places)
        self._proof_places = [
            TopicPartition(place.topic, place.partition) for place in places if place.topic == DEVICE_PROOFS
        ]


def _ago(at_ms: int | None) -> float:
    return 0.0 if at_ms is None else max(0.0, time.time() - at_ms / 1000)


def main(bootstrap: str, dsn: str) -> None:
    """Read, look, say; until SIGTERM."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _frame: told.append(signum))
    reader = Reader(bootstrap, dsn)
    while not told:
        os.write(1, json.dumps(reader.look()).encode() + b"\n")
        reader.read(_LOOK_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
