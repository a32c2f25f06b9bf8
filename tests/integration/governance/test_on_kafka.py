"""Four eyes on a real Kafka: what people do at the command line is what a scorer's follower sees, and from when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import orjson
import pytest
import yaml
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import CONTROL
from proofwatch.events.topics import TopicSpec, kafka_specs
from proofwatch.governance import records
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.keyring import load_keyring
from proofwatch.governance.policy import PROFILES
from proofwatch.governance.replica import Replica
from proofwatch.instants import instant_of, ms_of
from proofwatch.runtime.clock import SystemClock
from services import cli
from services.governance import governed_log
from services.scorer.adapters.governance import Governed
from tests.integration.governance.prefixed import PrefixedBus
from tests.support.kafka_broker import KafkaBroker
from tests.support.on_record import leave_open
from tests.unit.governance.scene import control

LEAD_MS = 10_000
SOON_S = 30.0
IN_2099 = 4_083_000_000_000
WHO = ("--by", "r.mehta", "--reason", "ticket 4711")


class Office:
    """People with keys, a scorer's follower, and the command line against the same topics."""

    def __init__(self, folder: Path, bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.bootstrap = bootstrap
        self.prefix = f"gov-{uuid4().hex[:8]}."
        self._capsys = capsys

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command in a thread, for it has an event loop of its own."""
        code = await asyncio.to_thread(cli.main, arguments)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    async def does(self, *arguments: str) -> str:
        code, out, err = await self.run(*arguments)
        assert code == 0, err
        return out

    async def json(self, *arguments: str) -> Any:
        return orjson.loads(await self.does(*arguments, "--json"))

    async def refuses(self, *arguments: str) -> str:
        code, _, err = await self.run(*arguments)
        assert code == 1
        return err

    def key(self, person: str) -> tuple[str, str, str]:
        return ("--key", str(self.folder / f"{person}.key"), "--yes")

    def bus(self) -> Bus:
        return cast("Bus", PrefixedBus(self.bootstrap, self.prefix))

    async def policy(self, name: str, liveness: float) -> str:
        path = self.folder / f"{name}.yaml"
        document = yaml.safe_load((PROFILES / "default.yaml").read_text())
        path.write_text(yaml.safe_dump(document | {"name": name, "liveness": {"threshold": liveness}}))
        document_hash: str = (await self.json("policy", "check", str(path)))["hash"]
        await self.does("policy", "propose", str(path), *self.key("ada"))
        return document_hash


@pytest.fixture
async def office(
    tmp_path: Path, kafka_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """Topics as their manifests say, under names of this test alone."""
    made = Office(tmp_path, kafka_broker.bootstrap, capsys)
    specs = [
        TopicSpec(made.prefix + spec.name, spec.partitions, spec.config)
        for spec in kafka_specs()
        if spec.name in (*records.GOVERNED, *records.FOLLOWED)
    ]
    await ensure_topics(made.bootstrap, specs)
    monkeypatch.setattr(governed_log, "connect", lambda settings, bootstrap: made.bus())
    leave_open(monkeypatch)
    monkeypatch.setenv("PROOFWATCH_KEYRING_FILE", str(tmp_path / "keyring.yaml"))
    monkeypatch.setenv("PROOFWATCH_GOVERNANCE_LEAD_SECONDS", str(LEAD_MS / 1000))
    entries = []
    for person in ("ada", "bob"):
        out = await made.does("policy", "keygen", "--person", person, "--out", str(tmp_path / f"{person}.key"))
        entries += yaml.safe_load(out)["people"]
    (tmp_path / "keyring.yaml").write_text(yaml.safe_dump({"people": entries}))
    return made


@pytest.fixture
async def follower(office: Office) -> AsyncIterator[Follower]:
    """As a scorer runs it."""
    bus = office.bus()
    await bus.start()
    made = Follower(bus, Replica(load_keyring(office.folder / "keyring.yaml"), LEAD_MS), SystemClock(), every_s=0.1)
    await made.start()
    running = asyncio.create_task(made.run())
    yield made
    await made.stop()
    await running
    await bus.stop()


async def soon(true: Any) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_policy_is_proposed_approved_activated_and_rolled_back(office: Office, follower: Follower) -> None:
    """Once signed it is refused; approved by another it takes effect at its time, for a scorer that was running."""
    first = await office.policy("first", 0.99)
    said = await office.refuses("policy", "activate", first, "--scope", "*", *office.key("ada"))
    assert "signed by ada alone; two people must approve it (once_signed)" in said
    assert "has signed" in await office.refuses("policy", "approve", first, *office.key("ada"))
    await office.does("policy", "approve", first, *office.key("bob"))
    await office.does("policy", "activate", first, "--scope", "*", *office.key("bob"))
    [chapter] = await office.json("policy", "history")
    assert (chapter["hash"], chapter["approved_by"], chapter["state"]) == (first, ["ada", "bob"], "coming")
    from_ms = ms_of_text(chapter["effective_from"])
    await soon(lambda: follower.replica.at(from_ms).policies)
    assert follower.replica.at(from_ms).policies["*"].hash == first
    assert not follower.replica.at(from_ms - 1).policies
    assert not follower.replica.refusals

    second = await office.policy("second", 0.9)
    await office.does("policy", "approve", second, *office.key("bob"))
    times = (from_ms, from_ms + 60_000, from_ms + 120_000)
    then = [("--scope", "*", "--effective-from", instant_of(ms).isoformat(), *office.key("ada")) for ms in times]
    await office.does("policy", "activate", second, *then[1])
    await office.does("policy", "rollback", *then[2])
    await soon(lambda: follower.replica.at(times[2]).policies["*"].hash == first)
    assert [follower.replica.at(ms).policies["*"].hash for ms in times] == [first, second, first]


async def test_who_only_reads_the_log_later_sees_the_same(office: Office, follower: Follower) -> None:
    """A new process folds the same records to the same regimes."""
    document_hash = await office.policy("strict", 0.999)
    await office.does("policy", "approve", document_hash, *office.key("bob"))
    await office.does("policy", "activate", document_hash, "--scope", "acme", *office.key("bob"))
    cohort = ("step_up_mfa", "--cohort", "acme/os=android")
    await office.does("control", "on", *cohort, "--expires-at", "+2h", "--yes", *WHO)
    [row] = await office.json("control", "list")
    at_ms = ms_of_text(row["from"])
    await soon(lambda: follower.replica.at(at_ms).controls)
    bus = office.bus()
    await bus.start()
    newcomer = Follower(bus, Replica(load_keyring(office.folder / "keyring.yaml"), LEAD_MS), SystemClock())
    await newcomer.start()
    for ms in (at_ms - 1, at_ms, at_ms + 60_000, at_ms + 7_200_000):
        assert newcomer.replica.at(ms) == follower.replica.at(ms)
    assert newcomer.replica.at(at_ms + 60_000).controls_version == 1
    await newcomer.stop()
    await bus.stop()


async def test_behind_an_open_transaction_the_scorer_must_wait(office: Office) -> None:
    """A control that is being published by a lane may take effect soon: nothing beyond is judged until it shows."""
    bus, clock = office.bus(), SystemClock()
    await bus.start()
    follower = Follower(bus, Replica(None, LEAD_MS), clock)
    await follower.start()
    known = follower.known_until_ms
    assert known
    follower.require(known - 1)
    producer = AIOKafkaProducer(bootstrap_servers=office.bootstrap, transactional_id=office.prefix + "ledger")
    await producer.start()
    await producer.begin_transaction()
    event = control(clock.now_ms() + LEAD_MS + 1_000)
    topic = office.prefix + topics.CONTROLS
    await producer.send_and_wait(topic, CONTROL.encode(event), event.control_id.encode(), partition=0)
    stepping = asyncio.create_task(follower.step())
    await asyncio.sleep(0.5)
    assert follower.known_until_ms == known
    with pytest.raises(ReplicaBehind):
        follower.require(known)
    await producer.commit_transaction()
    assert await stepping == 1
    assert follower.known_until_ms > known
    follower.require(known)
    assert follower.replica.at(ms_of(event.effective_from)).controls == (event,)
    await producer.stop()
    await follower.stop()
    await bus.stop()


async def test_a_record_of_2099_makes_nobody_wait(office: Office) -> None:
    """Where an operator lets producers stamp: what a wrong clock stamped takes effect in its own time, if ever, and

    neither what is known nor what is governed otherwise waits for it.
    """
    topic = office.prefix + topics.CONTROLS
    stamps = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
    await ensure_topics(office.bootstrap, [TopicSpec(topic, 1, stamps)])
    admin = AdminClient({"bootstrap.servers": office.bootstrap})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    for name, value in stamps.items():
        resource.add_incremental_config(ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET))
    await asyncio.to_thread(admin.incremental_alter_configs([resource])[resource].result)
    bus, clock = office.bus(), SystemClock()
    await bus.start()
    now_ms = clock.now_ms()
    begins_ms = now_ms + LEAD_MS + 1_000
    late, right = control(begins_ms, tenant="acme"), control(begins_ms, tenant="zenith")
    for event, stamp in ((late, IN_2099), (right, now_ms)):
        await bus.publish([Outgoing(topics.CONTROLS, event.control_id.encode(), CONTROL.encode(event), 0, stamp)])
    follower = Follower(bus, Replica(None, LEAD_MS), clock)
    await follower.start()
    known = follower.known_until_ms
    assert known
    assert now_ms < known < now_ms + 10 * LEAD_MS
    follower.require(clock.now_ms())
    assert Governed(follower).knows(clock.now_ms())
    assert not follower.unready()
    assert follower.replica.at(begins_ms - 1).controls == ()
    assert follower.replica.at(begins_ms).controls == (right,)
    assert late in follower.replica.at(IN_2099 + LEAD_MS).controls  # the stamp did reach the log
    await follower.step()
    assert (follower.known_until_ms or 0) >= known
    follower.require(clock.now_ms())
    await follower.stop()
    await bus.stop()


def ms_of_text(text: str) -> int:
    return ms_of(datetime.fromisoformat(text))
