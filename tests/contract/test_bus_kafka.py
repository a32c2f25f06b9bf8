"""What only Kafka can show: its topics, its absence, its retention, and the relay through it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition as Place
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from confluent_kafka import Producer as ConfluentProducer
from structlog.testing import capture_logs

from proofwatch.bus.errors import BusUnavailable, Fenced, Gap, InstanceTaken
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.lazy_outputs import LazyOutputs
from proofwatch.bus.postgres.fence import PostgresFence, create_pool, fence_ddl
from proofwatch.bus.postgres.outbox import relay
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History, Stage
from tests.contract.worlds import CLOCK, WAIT_S, Copy, Spec, World, eventually, kafka_world, shows, step_until
from tests.support.kafka_broker import KafkaBroker


@pytest.fixture
async def world(kafka_broker: KafkaBroker) -> AsyncIterator[World]:
    """Kafka with two topics of one partition."""
    made = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1}, {"retention.ms": "-1"})
    yield made
    await made.close()


async def test_missing_topics_are_created_and_differences_only_reported(kafka_broker: KafkaBroker) -> None:
    """A second run changes nothing; a manifest that disagrees is told so, and the topic stays as it is."""
    name = f"ensure-{uuid4().hex[:8]}"
    spec = Spec(name, 3, {"cleanup.policy": "compact", "max.message.bytes": "16777216"})
    assert await ensure_topics(kafka_broker.bootstrap, [spec]) == ((name,), ())
    assert await ensure_topics(kafka_broker.bootstrap, [spec]) == ((), ())
    other = Spec(name, 4, {"cleanup.policy": "delete", "max.message.bytes": "16777216"})
    created, differences = await ensure_topics(kafka_broker.bootstrap, [other])
    assert created == ()
    assert differences == (
        f"{name} has 3 partitions, not 4",
        f"{name} has cleanup.policy = compact, not delete",
    )
    bus = KafkaBus(kafka_broker.bootstrap, "ensure")
    await bus.start()
    assert await bus.partitions(name) == 3
    await bus.stop()


async def test_a_setting_that_kafka_refuses_is_reported_with_its_topic(kafka_broker: KafkaBroker) -> None:
    """The operator reads which topic and what the broker said."""
    name = f"refused-{uuid4().hex[:8]}"
    with pytest.raises(BusUnavailable, match=name):
        await ensure_topics(kafka_broker.bootstrap, [Spec(name, 1, {"cleanup.policy": "burn"})])


async def test_a_broker_that_does_not_answer_is_named() -> None:
    """Start-up fails at once, with the address."""
    bus = KafkaBus("127.0.0.1:1", "nobody")
    with pytest.raises(BusUnavailable, match=r"127\.0\.0\.1:1"):
        await bus.start()
    with pytest.raises(BusUnavailable, match=r"127\.0\.0\.1:1"):
        await ensure_topics("127.0.0.1:1", [])


async def test_records_that_retention_removed_unread_are_not_passed_over(
    world: World, kafka_broker: KafkaBroker
) -> None:
    """A lane whose position is gone refuses to go on, unless it is allowed to skip what is lost."""
    await world.publish("in", [b"%d" % n for n in range(10)])
    stage = Copy(world)
    lane = await world.lane(stage, max_records=4)
    await step_until(lambda: lane.position == 4, lane)
    await lane.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    await admin.start()
    await admin.delete_records({Place(*world.at("in")): RecordsToDelete(7)})
    await admin.close()
    strict = await world.lane(Copy(world), reader="strict")
    with pytest.raises(Gap, match="position 4 is committed but the earliest record left is 7"):
        await strict.step()
    reader = world.bus.consumer(world.prefix + "lenient", [world.name("in")])
    await reader.start(_ignore, _ignore)
    heir, settings = Copy(world), LaneSettings(skip_lost=True)
    lenient = Lane(world.at("in"), reader, world.bus.fence(world.prefix + "g"), heir, settings, CLOCK)
    await step_until(lambda: len(heir.taken) == 3, lenient)
    await shows(world.positions, {0: 10})
    await lenient.close()
    await reader.stop()


async def test_an_open_transaction_holds_time_and_readiness(world: World, kafka_broker: KafkaBroker) -> None:
    """What it brings may be older than the clock: a lane behind it is not idle, and says what it waits for."""
    producer = ConfluentProducer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": world.prefix})
    await asyncio.to_thread(producer.init_transactions, 60)
    stage = Copy(world)
    worker = world.worker(stage)
    await worker.start()
    run = asyncio.create_task(worker.run())
    await eventually(lambda: bool(stage.batches) and stage.batches[-1].progress_ms is not None)
    producer.begin_transaction()
    producer.produce(world.name("in"), b"v", b"k")
    await asyncio.to_thread(producer.flush, 60)
    await eventually(lambda: any("a transaction is open at offset 0" in said for said in worker.unready()))
    stood_ms, batches = stage.batches[-1].progress_ms, len(stage.batches)
    await eventually(lambda: len(stage.batches) > batches + 5)
    assert stage.batches[-1].progress_ms == stood_ms
    assert not stage.taken
    await asyncio.to_thread(producer.commit_transaction, 60)
    await eventually(lambda: len(stage.taken) == 1 and not worker.unready())
    await worker.stop()
    await run


class Slow(Stage[None]):
    """Two records that fill a batch each, and between them time for the broker to say what it thinks of the first."""

    def __init__(self, world: World, meanwhile: Callable[[], bool]) -> None:
        self._world, self._meanwhile = world, meanwhile

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: None) -> LazyOutputs:
        def parts() -> Iterator[Sequence[Outgoing]]:
            large = Outgoing(self._world.name("out"), b"k", b"v" * 600_000)
            yield [large, large]
            give_up = time.monotonic() + WAIT_S
            while not self._meanwhile() and time.monotonic() < give_up:
                yield [Outgoing(self._world.name("out"), b"k", b"v")]
            yield [large, large]

        return LazyOutputs(parts())


async def test_an_owner_that_is_fenced_between_two_batches_of_outputs_says_so(world: World) -> None:
    """The library then knows only that no transaction is open, which would be nobody's fault."""
    fence, source = world.bus.fence("g"), world.at("in")
    overtaken: Any = await fence.acquire(source)
    later = await fence.acquire(source)
    library = overtaken._producer._txn_manager
    with pytest.raises(Fenced, match="another owner has acquired"):
        await overtaken.commit(Batch(source, (), 0, 1, None, 0), Slow(world, lambda: not library.is_in_transaction()))
    await overtaken.close()
    await later.close()
    assert await world.values("out") == []


async def test_a_static_member_that_stops_has_left(kafka_broker: KafkaBroker) -> None:
    """Its partitions do not wait for the session timeout; who is killed comes back under his instance id."""
    world = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1}, {}, instance_id="static-0")
    worker = world.worker(Copy(world))
    await worker.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    await admin.start()

    async def members() -> int:
        (response,) = await admin.describe_consumer_groups([world.prefix + "g"])
        return len(response.groups[0][5])

    assert await members() == 1
    await worker.stop()
    assert await members() == 0
    await admin.close()
    await world.close()


async def test_of_two_processes_with_one_name_the_first_ends_and_says_so(kafka_broker: KafkaBroker) -> None:
    """The second has taken its place and goes on; they do not push each other out for ever."""
    world = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1}, {}, instance_id="twin-0")
    first, second = world.worker(Copy(world)), world.worker(Copy(world))
    await first.start()
    running = asyncio.create_task(first.run())
    await second.start()
    going_on = asyncio.create_task(second.run())
    with pytest.raises(InstanceTaken, match=r"has joined group .* with PROOFWATCH_INSTANCE_ID=twin-0"):
        await asyncio.wait_for(running, WAIT_S)
    await first.stop()  # and takes nothing with it
    assert second.positions
    await world.publish("in", [b"v"])
    await shows(lambda: world.values("out"), [b"v"])
    assert not going_on.done()
    await second.stop()
    await going_on
    await world.close()


async def test_a_member_whose_session_timed_out_joins_again_under_its_name(kafka_broker: KafkaBroker) -> None:
    """Nobody else has the name: it was only away too long, as after a freeze."""
    world = await kafka_world(kafka_broker.bootstrap, {"in": 1, "out": 1}, {}, instance_id="frozen-0")
    worker = world.worker(Copy(world))
    await worker.start()
    running = asyncio.create_task(worker.run())
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    await admin.start()
    (response,) = await admin.describe_consumer_groups([world.prefix + "g"])
    ((member, *_),) = response.groups[0][5]
    await admin._send_request(LeaveGroupRequest(world.prefix + "g", member))  # what the broker does for him then
    await admin.close()
    await world.publish("in", [b"v"])
    await shows(lambda: world.values("out"), [b"v"])
    assert not running.done()
    await worker.stop()
    await running
    await world.close()


def answering(monkeypatch: pytest.MonkeyPatch, kind: type, codes: list[int]) -> None:
    """Let requests of `kind` be answered by these error codes first."""
    send = AIOKafkaClient.send

    async def sent(client: Any, node: Any, request: Any, **where: Any) -> Any:
        answer = await send(client, node, request, **where)
        if isinstance(request, kind) and codes:
            answer.error_code = codes.pop(0)
        return answer

    monkeypatch.setattr(AIOKafkaClient, "send", sent)


@pytest.mark.parametrize("kind", [JoinGroupRequest, SyncGroupRequest])
async def test_a_coordinator_that_still_loads_is_waited_for_with_one_warning(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    """As after a restart of the broker: nobody has to start us again."""
    answering(monkeypatch, kind, [14, 14, 14, 15, 14])
    worker = world.worker(Copy(world))
    with capture_logs() as said:
        await worker.start()
        running = asyncio.create_task(worker.run())
        await eventually(lambda: not worker.unready() and bool(worker.positions))
    states = [line["state"] for line in said if line["event"] == "group_coordinator_away"]
    assert states == ["loads the group", "is not available"]
    await worker.stop()
    await running


@pytest.mark.parametrize("kind", [JoinGroupRequest, SyncGroupRequest, HeartbeatRequest])
async def test_a_member_that_could_not_join_says_so_and_tries_again(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    """While the group rebalances no lane reads, and the library would wait for a reader to tell it to; for ever."""
    codes: list[int] = []
    answering(monkeypatch, kind, codes)
    worker = world.worker(Copy(world))
    await worker.start()
    running = asyncio.create_task(worker.run())
    await eventually(lambda: not worker.unready() and bool(worker.positions))
    codes += [-1, -1]
    with capture_logs() as said:
        if kind is not HeartbeatRequest:
            consumer: Any = worker._consumer
            consumer._consumer._coordinator.request_rejoin()
        await eventually(lambda: any("could not be joined" in reason for reason in worker.unready()))
        await eventually(lambda: not worker.unready() and bool(worker.positions))
    assert [line["event"] for line in said if "not_joined" in line["event"]] == [
        "group_not_joined",
        "group_not_joined_over",
    ]
    await world.publish("in", [b"v"])
    await shows(lambda: world.values("out"), [b"v"])
    await worker.stop()
    await running


class Stored:
    """Passes everything on through the outbox."""

    def __init__(self, out: str) -> None:
        self.out = out

    async def opened(self, source: TopicPartition, position: int, history: History) -> None: ...

    async def closed(self, source: TopicPartition) -> None: ...

    async def step(self, batch: Batch, tx: Any) -> Sequence[Outgoing]:
        return [Outgoing(self.out, r.key, r.value, None, r.timestamp_ms) for r in batch.records]


async def test_the_relay_publishes_each_row_once_across_owners(world: World, postgres_dsn: str) -> None:
    """Database fence and relay as live processes run them: the first owner dies without a goodbye, a second goes on."""
    pool = await create_pool(postgres_dsn)
    await pool.execute(fence_ddl("stage"))
    group, settings = world.prefix + "g", LaneSettings(max_records=7, idle_s=0.2, heartbeat_s=0.1)

    def worker(member: str) -> Worker[Any]:
        fence = PostgresFence(pool, "stage", group=group + member)
        made = Worker(
            world.bus,
            [world.name("in")],
            fence,
            Stored(world.name("out")),
            settings,
            CLOCK,
            companions=[relay(fence, world.bus, group, settings, CLOCK)],
        )
        world.closers.append(made.stop)
        return made

    async def published() -> int:
        return len(await world.values("out"))

    expected = [b"%d" % n for n in range(60)]
    first, second = worker("1"), worker("2")
    await first.start()
    running = [asyncio.create_task(first.run())]
    await world.publish("in", expected[:30])
    await shows(published, 30)
    await second.start()  # takes the fences over while the first still runs; the first takes them back, and so on
    running.append(asyncio.create_task(second.run()))
    await world.publish("in", expected[30:])
    await eventually(lambda: any((at or 0) >= 60 for each in (first, second) for at in each.positions.values()))
    await first.stop()
    await shows(published, 60)
    await second.stop()
    await asyncio.gather(*running)
    assert await world.values("out") == expected
    assert await pool.fetchval("select outbox_seq from stage.fence") == 60
    await pool.close()


async def _ignore(partitions: frozenset[TopicPartition]) -> None: ...
