"""All processes but the console over SASL_SSL, each as a user of its own with no more rights than `acls` prints."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.topics import kafka_specs, load_manifests
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from services.operations.access import PROCESSES, acls, principal_of
from services.operations.access_text import as_sql
from services.standalone.config import SETTINGS
from tests.e2e.log import Log
from tests.e2e.world import World
from tests.faults.secured.beside import Beside
from tests.support.kafka_secured import PASSWORD, SecuredBroker, allow
from tests.support.postgres_roles import executed, forgotten
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ServiceProcess, command
from tests.support.stack import Stack

SCENARIO: Final = Scenario(events=400, seed=5, resends=0.01, malformed=0.02)

_WORKED_S: Final = 240.0
DENIED: Final = r"AUTHORIZATION_FAILED|AuthorizationFailed|InsufficientPrivilege|client_not_stopped"


def user_of(process: str) -> str:
    return principal_of(process).removeprefix("User:")


@pytest.fixture(scope="module")
def running(
    secured_broker: SecuredBroker,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[World, Mapping[str, Mapping[str, str]], Beside]]:
    """Everything set up by `topics apply` and `migrate`, as their own users too; and a day's traffic gone through."""
    directory = tmp_path_factory.mktemp("secured")
    password = directory / "password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o600)
    secured_broker.add_users([user_of(process) for process in PROCESSES])
    allow(secured_broker, acls(load_manifests()))
    dsn = postgres_server.create_database()
    database = dsn.partition("?")[0].rpartition("/")[2]
    asyncio.run(executed(dsn, as_sql(database)))
    shared = {
        "live_progress": "false",
        "idle_seconds": "0.25",
        "alert_horizon_hours": str(24 * 30),
        "dead_letter_rate_cap": "0",
        "subject_tag_secret": SETTINGS["subject_tag_secret"],
    }
    with Stack(lambda _: None) as stack, ExitStack() as until:
        env = {f"PROOFWATCH_{name.upper()}": str(value) for name, value in shared.items()}
        env |= {"PROOFWATCH_REDIS_URL": stack.redis.url}
        own = {
            process: secured_broker.environment(user_of(process), password)
            | {"PROOFWATCH_POSTGRES_DSN": dsn.replace("postgres@", f"{user_of(process)}@", 1)}
            for process in PROCESSES
        }
        migrating = {"PROOFWATCH_POSTGRES_DSN": dsn.replace("postgres@", f"{user_of('migrate')}@", 1)}
        command("topics", "apply", "--timestamps", "create-time", "--replication", "1", env={**env, **own["topics"]})
        command("migrate", env={**env, **migrating})
        asyncio.run(executed(dsn, as_sql(database)))
        compress(secured_broker)
        log = until.enter_context(Log(secured_broker.broker.bootstrap))
        world = World(log, dsn, env, directory, stack, own)
        until.callback(world.close)
        beside = Beside(env, own, directory)
        until.callback(beside.close)
        for process in (
            *world.processes.values(),
            *beside.processes.values(),
        ):  # one by one: each opens dozens of connections, each with a handshake
            process.start()
            process.await_ready(240.0)
        log.publish(simulate(SCENARIO))
        world.await_quiet(240.0)
        yield world, {process: {**env, **own[process]} for process in PROCESSES}, beside
    postgres_server.drop_database(dsn)
    asyncio.run(forgotten(postgres_server.dsn()))


Running = tuple[World, Mapping[str, Mapping[str, str]], Beside]


def unhindered(process: ServiceProcess) -> None:
    """Hold a process's log against what it says when it is denied something."""
    said = process.log(5_000)
    assert not re.search(DENIED, said), process.name
    assert PASSWORD not in said, process.name


def awaited(world: World, beside: Beside, query: str) -> None:
    """Wait until there are rows."""
    give_up = time.monotonic() + _WORKED_S
    while not world.rows(query):
        for process in beside.processes.values():
            process.check()
        assert time.monotonic() < give_up, query
        time.sleep(0.25)


def entry_of(action: str, outcome: str) -> str:
    return f"select 1 from audit.entries where action = '{action}' and outcome = '{outcome}'"  # noqa: S608 - ours


def test_every_transaction_has_its_verdict_and_every_stage_did_its_work(running: Running) -> None:
    """Nobody was denied anything on the way: verdicts, tallies, windows, cases, notifications are all there."""
    world, _, _ = running
    world.check()
    decided = len(world.log.of(topics.VERDICTS))
    assert decided >= SCENARIO.events * 0.9
    for topic in (topics.TALLIES, topics.WINDOWS, topics.SUSPICIONS, topics.DEVICE_PROOFS, topics.SUBJECTS):
        assert world.log.of(topic), topic
    assert world.rows("select 1 from triage.cases limit 1")
    assert world.rows("select 1 from ledger.transactions limit 1")
    for process in world.processes.values():
        unhindered(process)


def test_consents_keeps_a_word_and_imagery_what_is_flagged(running: Running) -> None:
    """Each as its own principal of Kafka and its own role of the database."""
    world, _, beside = running
    tenant, subject_ref = somebody(world)
    word = {"schema_version": 1, "tenant": tenant, "subject_ref": subject_ref, "purpose": "improve_and_develop"}
    word |= {"granted": True, "asserted_at": datetime.now(UTC).isoformat()}
    key = f"{tenant}/{subject_ref}/improve_and_develop".encode()
    world.log.publish([Outgoing(topics.CONSENTS, key, json.dumps(word).encode())])
    awaited(world, beside, "select 1 from consents.words where granted")
    awaited(world, beside, "select 1 from imagery.flagged")
    for name in ("consents", "imagery"):
        unhindered(beside.processes[name])


def test_the_broker_refuses_and_the_auditor_gives_its_entry_a_place_that_leaves(running: Running) -> None:
    """Signing in and asking at the broker; the entry in the tree, and a checkpoint of it on the topic."""
    world, _, beside = running
    flagged = world.rows("select tenant, transaction_id from imagery.flagged limit 1")[0]
    assert asyncio.run(beside.asked_for_a_picture(flagged["tenant"], flagged["transaction_id"])) == 403
    awaited(world, beside, entry_of("imagery.lease", "denied"))
    awaited(world, beside, "select 1 from audit.checkpoints where published_at is not null")
    world.log.follow()
    assert world.log.of(topics.AUDIT_CHECKPOINTS)
    for name in ("auditor", "imagery"):
        unhindered(beside.processes[name])


def test_privacy_removes_what_is_old(running: Running) -> None:
    """The run of the day, with its entry."""
    world, _, beside = running
    awaited(world, beside, entry_of("retention.ran", "done"))


def somebody(world: World) -> tuple[str, str]:
    """Tenant and reference of a person with a case."""
    suspected = json.loads(world.log.of(topics.SUSPICIONS)[0].value or b"")
    return suspected["tenant"], suspected["subject_ref"]


def test_operators_see_and_redrive_dead_letters_and_explain(running: Running) -> None:
    """The tools of who operates the platform work with the rights of `sre`."""
    world, envs, beside = running
    refused = len(world.log.of(topics.dead_letter_topic(topics.TRANSACTIONS)))
    assert refused
    env = envs["sre"]
    assert topics.dead_letter_topic(topics.TRANSACTIONS) in command("dlq", "list", env=env)
    arguments = ("--operator", "r.mehta", "--note", "a test", "--limit", "2")
    assert "sent to" in command("dlq", "redrive", topics.TRANSACTIONS, *arguments, env=env)
    assert world.log.follow()
    awaited(world, beside, entry_of("dead_letter.redriven", "done"))
    command("control", "list", env=envs["governance"])


def compress(secured: SecuredBroker) -> None:
    """Let the broker compress every topic."""
    admin = AdminClient({"bootstrap.servers": secured.broker.bootstrap})
    zstd = ConfigEntry("compression.type", "zstd", incremental_operation=AlterConfigOpType.SET)
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, spec.name, incremental_configs=[zstd]) for spec in kafka_specs()
    ]
    for future in admin.incremental_alter_configs(resources, request_timeout=30).values():
        future.result()
