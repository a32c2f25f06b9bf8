"""One real schema registry (Apicurio), spoken to through its Confluent-compatible API."""

import httpx

from tests.support.containers import DockerRunner, docker_host
from tests.support.native import NativeRunner, scratch_dir
from tests.support.registry_files import VERSION, registry_jar
from tests.support.runner import Runner, await_ready, free_port, started

_API = "/apis/ccompat/v7"
_READY_S = 120.0


class RegistryServer:
    """Handle of the running registry; `kill` and `start` keep its address and, natively, its schemas.

    It is like a new one of its kind: its compatibility is NONE until somebody sets it.
    """

    def __init__(self, runner: Runner, host: str) -> None:
        """`host`: scheme, name and port."""
        self._runner = runner
        self._host = host
        self.url = host + _API

    @property
    def pid(self) -> int:
        """Process id of the registry; changes with every `start`."""
        return self._runner.pid

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self._runner.start()
        await_ready("Apicurio Registry", self._runner, self._probe, _READY_S)

    def kill(self) -> None:
        """SIGKILL it."""
        self._runner.kill()

    def close(self) -> None:
        """End it and delete its data."""
        self._runner.close()

    def _probe(self) -> None:
        httpx.get(f"{self.url}/subjects", timeout=2).raise_for_status()


def native_registry() -> RegistryServer:
    """Start the distribution from Maven Central on a free port of 127.0.0.1."""
    jar, scratch, port = registry_jar(), scratch_dir("registry"), free_port()
    settings = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": str(port),
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{scratch}/registry;WRITE_DELAY=0",  # a SIGKILL loses nothing
        "quarkus.log.level": "WARN",
    }
    java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command = [*java, *(f"-D{name}={value}" for name, value in settings.items()), "-jar", str(jar)]
    return started(RegistryServer(NativeRunner(command, scratch), f"http://127.0.0.1:{port}"))


def docker_registry() -> RegistryServer:
    """Start the official image of the same version."""
    port = free_port()
    env = {"APICURIO_STORAGE_KIND": "sql", "APICURIO_STORAGE_SQL_KIND": "h2"}
    runner = DockerRunner(f"apicurio/apicurio-registry:{VERSION}", container_port=8080, host_port=port, env=env)
    return started(RegistryServer(runner, f"http://{docker_host()}:{port}"))
