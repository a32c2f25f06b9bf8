"""The system whose journey is measured: all eight stages, as an operator starts them, on stores of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from proofwatch.events.topics import DEVICE_PROOFS, GUIDANCE, TALLIES, TRANSACTIONS, VERDICTS, kafka_specs
from services.standalone.config import SETTINGS
from tests.benchmarks.contenders import Failed
from tests.benchmarks.journey_reader import STAGES
from tests.benchmarks.usage import Usage, usage
from tests.benchmarks.world import World
from tests.support.processes import ProcessFailed, ServiceProcess, command
from tests.support.stack import Stack

_LARGE: Final = (TRANSACTIONS, VERDICTS, DEVICE_PROOFS, GUIDANCE, TALLIES)


class System:
    """The processes, and what they stand on."""

    def __init__(self, stack: Stack, world: World, dsn: str, env: dict[str, str], directory: Path) -> None:
        self.stack = stack
        self.world = world
        self.dsn = dsn
        self._processes = [ServiceProcess(name, env, directory) for name in STAGES]

    def start(self) -> None:
        """Start all, and wait until they are ready. Raises `Failed`."""
        try:
            for process in self._processes:
                process.start()
            for process in self._processes:
                process.await_ready(120)
        except ProcessFailed as error:
            raise Failed(str(error)) from error

    def check(self) -> None:
        """Raise `Failed` if a process has ended by itself."""
        try:
            for process in self._processes:
                process.check()
        except ProcessFailed as error:
            raise Failed(str(error)) from error

    def revive(self) -> list[str]:
        """Start again what has ended by itself, as an orchestrator would; return who it was."""
        ended = []
        for process in self._processes:
            try:
                process.check()
            except ProcessFailed:
                process.close()
                process.start()
                ended.append(process.name)
        return ended

    def usage(self, **others: int) -> Usage:
        """Return what the processes, the stores, this process and `others` have used."""
        pids = {process.name: process.pid for process in self._processes}
        stores = {"kafka": self.stack.kafka.pid, "postgresql": self.stack.postgres.pid, "redis": self.stack.redis.pid}
        return usage({**pids, **stores, "benchmark": os.getpid(), **others})

    def trim(self) -> None:
        """Let the broker delete what everybody has read: the disk stays small."""
        for spec in kafka_specs():
            if spec.name in _LARGE:
                self.world.trim(spec.name, dict.fromkeys(range(spec.partitions), -1))

    def close(self) -> None:
        """End the processes, whatever their state."""
        for process in self._processes:
            process.close()


@contextmanager
def system(world: World, settings: dict[str, str]) -> Iterator[System]:
    """Give the system with empty topics, database and cache, not started yet; everything of it ends with the block."""
    stack = world.stack
    world.clear()
    dsn = stack.postgres.create_database()
    env = {
        "PROOFWATCH_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
        "PROOFWATCH_POSTGRES_DSN": dsn,
        "PROOFWATCH_REDIS_URL": stack.redis.url,
        "PROOFWATCH_SUBJECT_TAG_SECRET": str(SETTINGS["subject_tag_secret"]),
        **settings,
    }
    try:
        command("topics", "apply", "--replication", "1", env=env)
        command("migrate", env=env)
    except ProcessFailed as error:
        raise Failed(str(error)) from error
    with TemporaryDirectory() as scratch:
        made = System(stack, world, dsn, env, Path(scratch))
        try:
            yield made
        finally:
            made.close()
            stack.postgres.drop_database(dsn)
            world.clear()
