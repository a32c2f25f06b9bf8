"""One real Kafka broker (KRaft, broker and controller in one process)."""

import base64
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from proofwatch.events.topics import TopicSpec
from tests.support.containers import DockerRunner, docker_host
from tests.support.kafka_jars import KAFKA_DIR, kafka_jars, kafka_version
from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import ComponentError, Runner, await_ready, free_port, started

MAX_RECORD_BYTES = 16 * 1024 * 1024
_VISIBLE_S = 30.0

# One broker cannot hold three replicas; the rest makes tests quick without changing what clients can rely on.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.num.partitions": "8",
    "group.initial.rebalance.delay.ms": "0",
    # a killed broker is let in again only after its old session has ended: 5 s instead of 12 s
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}

# A test's broker lives for minutes: what compiling its code a second time costs is never had back.
_SHORT_LIVED = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]


class KafkaBroker:
    """Handle of the running broker; `kill` and `start` keep its data, its address and its topics."""

    def __init__(self, runner: Runner, bootstrap: str) -> None:
        """`bootstrap`: the `host:port` that the broker advertises."""
        self._runner = runner
        self.bootstrap = bootstrap

    @property
    def pid(self) -> int:
        """Process id of the broker; changes with every `start`."""
        return self._runner.pid

    def start(self) -> None:
        """Start it and wait until it answers a metadata request with itself as a live broker."""
        self._runner.start()
        await_ready("Kafka", self._runner, self._probe)

    def kill(self) -> None:
        """SIGKILL: no clean shutdown, no flushed logs, open transactions stay open."""
        self._runner.kill()

    def close(self) -> None:
        """End it and delete its data."""
        self._runner.close()

    def create_topic(self, name: str, partitions: int = 1, config: dict[str, str] | None = None) -> str:
        """Create a topic with `config` (Kafka's own keys, such as `max.message.bytes`) and return its name."""
        self.create_topics([TopicSpec(name, partitions, config or {})])
        return name

    def create_topics(self, wanted: Iterable[TopicSpec]) -> None:
        """Create topics by one request.

        They can be used at once: the controller answers before the broker has heard of them.
        """
        made = [
            NewTopic(each.name, num_partitions=each.partitions, replication_factor=1, config=each.config)
            for each in wanted
        ]
        admin = self._admin()  # held until the answer is there: its destruction cancels the request
        for created in admin.create_topics(made, request_timeout=30).values():
            created.result()
        until, hidden = time.monotonic() + _VISIBLE_S, {each.topic for each in made}
        while hidden := hidden - _shown(admin):
            if time.monotonic() > until:
                names = ", ".join(sorted(hidden))
                raise ComponentError(f"the broker does not show {names}, created {_VISIBLE_S:.0f} s ago")
            time.sleep(0.02)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _probe(self) -> None:
        if not self._admin().list_topics(timeout=2).brokers:
            raise ComponentError("the broker answers but is still fenced")


def _shown(admin: AdminClient) -> set[str]:
    return {name for name, topic in admin.list_topics(timeout=10).topics.items() if topic.error is None}


def _addresses(listen: str, client: str, controller: str) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://{listen},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{client}",
        "controller.quorum.voters": f"1@{controller}",
    }


def native_kafka(
    more: Mapping[str, str] | None = None, listeners: Mapping[str, str] | None = None, *, measured: bool = False
) -> KafkaBroker:
    """Start a broker from the official jars on free ports of 127.0.0.1.

    `more`: broker settings beside ours. `listeners`: names and addresses of further listeners. `measured`: Java is to
    make its code as fast as it can, for a benchmark.
    """
    libs, scratch = kafka_jars(), scratch_dir("kafka")
    bootstrap, controller = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    addresses = _addresses(bootstrap, bootstrap, controller)
    for name, address in (listeners or {}).items():
        for setting in ("listeners", "advertised.listeners"):
            addresses[setting] += f",{name}://{address}"
    settings = {**_SETTINGS, **addresses, "log.dirs": str(scratch / "data"), **(more or {})}
    properties = scratch / "server.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    java = ["java", "-cp", f"{libs}/*", f"-Dlog4j2.configurationFile={KAFKA_DIR / 'log4j2.xml'}"]
    _format(java, properties)
    options = ["-Xmx1g", *([] if measured else _SHORT_LIVED)]
    runner = NativeRunner([*java, *options, "kafka.Kafka", str(properties)], scratch)
    return started(KafkaBroker(runner, bootstrap))


def docker_kafka(*, measured: bool = False) -> KafkaBroker:
    """Start the official image of the same version; the host port is chosen first because it is advertised."""
    port = free_port()
    bootstrap = f"{docker_host()}:{port}"
    settings = {**_SETTINGS, **_addresses("0.0.0.0:9092", bootstrap, "127.0.0.1:9093"), "log.dirs": "/tmp/data"}  # noqa: S108 - inside the container
    env = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    env["KAFKA_HEAP_OPTS"] = "-Xmx1g"
    if not measured:
        env["KAFKA_JVM_PERFORMANCE_OPTS"] = " ".join(_SHORT_LIVED)
    runner = DockerRunner(f"apache/kafka:{kafka_version()}", container_port=9092, host_port=port, env=env)
    return started(KafkaBroker(runner, bootstrap))


def _format(java: list[str], properties: Path) -> None:
    command = ["kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}", "-c", str(properties)]
    done = subprocess.run(
        [*java, *_SHORT_LIVED, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        raise ComponentError(f"Kafka's StorageTool could not format {properties}:\n{done.stdout}{done.stderr}")


def _cluster_id() -> str:
    # Kafka's own form: 16 bytes, URL-safe base64 without padding; it may begin with a hyphen
    return base64.urlsafe_b64encode(uuid4().bytes).rstrip(b"=").decode()
