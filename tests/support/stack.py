"""All three real components, each started on first use.

As a command, for development against real servers:

    python -m tests.support.stack > stack.env    # waits until Ctrl-C; the servers end with it
    set -a; . ./stack.env
"""

import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tests.support.containers import use_docker
from tests.support.kafka_broker import KafkaBroker, docker_kafka, native_kafka
from tests.support.postgres_server import PostgresServer, docker_postgres, native_postgres
from tests.support.redis_server import RedisServer, docker_redis, native_redis
from tests.support.registry_server import RegistryServer, docker_registry, native_registry
from tests.support.runner import ComponentError


class _Component(Protocol):
    @property
    def pid(self) -> int: ...

    def close(self) -> None: ...


C = TypeVar("C", bound=_Component)


class Stack:
    """Lazily started Kafka, PostgreSQL and Redis; closing it ends what was started, newest first."""

    def __init__(self, announce: Callable[[str], None], *, measured: bool = False) -> None:
        """`announce` gets one line for each component that was started. `measured`: they serve a benchmark."""
        self._announce = announce
        self._measured = measured
        self._started = ExitStack()

    @cached_property
    def kafka(self) -> KafkaBroker:
        """The broker."""
        measured = self._measured
        return self._start("Kafka", lambda: docker_kafka(measured=measured), lambda: native_kafka(measured=measured))

    @cached_property
    def postgres(self) -> PostgresServer:
        """The database server."""
        return self._start("PostgreSQL", docker_postgres, native_postgres)

    @contextmanager
    def durable_postgres(self) -> Iterator[PostgresServer]:
        """Give another database server, which loses nothing when the machine stops; it ends with the block."""
        server = docker_postgres(durable=True) if use_docker() else native_postgres(durable=True)
        try:
            yield server
        finally:
            server.close()

    @cached_property
    def redis(self) -> RedisServer:
        """The cache."""
        return self._start("Redis", docker_redis, native_redis)

    @cached_property
    def registry(self) -> RegistryServer:
        """The schema registry; `main` does not start it."""
        return self._start("Apicurio Registry", docker_registry, native_registry)

    def _start(self, name: str, in_docker: Callable[[], C], natively: Callable[[], C]) -> C:
        began = time.monotonic()
        docker = use_docker()
        component = in_docker() if docker else natively()
        self._started.callback(component.close)
        where = "Docker container" if docker else "native process"
        self._announce(f"{name}: {where}, pid {component.pid}, ready after {time.monotonic() - began:.1f} s")
        return component

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()


def main() -> int:
    """Start all three, print their addresses as shell assignments, and wait for SIGINT or SIGTERM."""
    done = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _signum, _frame: done.set())
    try:
        with Stack(lambda line: _write(sys.stderr.write, line)) as stack:
            addresses = {
                "PROOFWATCH_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
                "PROOFWATCH_POSTGRES_DSN": stack.postgres.create_database("proofwatch"),
                "PROOFWATCH_REDIS_URL": stack.redis.url,
            }
            _write(sys.stdout.write, *(f"{name}={shlex.quote(value)}" for name, value in addresses.items()))
            sys.stdout.flush()
            done.wait()
    except ComponentError as error:
        _write(sys.stderr.write, str(error))
        return 1
    return 0


def _write(write: Callable[[str], int], *lines: str) -> None:
    write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
