"""All eight stages on a broker, a database and a cache of their own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg

from proofwatch.events import topics
from services.standalone.config import SETTINGS
from tests.e2e.log import At, Log
from tests.support.processes import ProcessFailed, ServiceProcess, command
from tests.support.stack import Stack

READS: Final[Mapping[str, Sequence[str]]] = {
    "scorer": (topics.TRANSACTIONS,),
    "devices": (topics.TRANSACTIONS, topics.DEVICE_PROOFS),
    "combine": (topics.VERDICTS,),
    "windows": (topics.TALLIES,),
    "ledger": (topics.VERDICTS, topics.LABELS),
    "incidents": (topics.ANOMALIES, topics.WINDOWS),
    "triage": (topics.SUSPICIONS, topics.INCIDENTS, topics.PLATFORM_ALERTS),
    "notifier": (topics.INCIDENTS, topics.ESCALATIONS, topics.PLATFORM_ALERTS),
}
_GROUPS: Final = {("devices", topics.TRANSACTIONS): "devices-rekey"}
"""Groups that are not called like their process."""
_ON_POSTGRES: Final = ("windows", "ledger", "incidents", "triage", "notifier")
_IDLE_S: Final = 0.25
_SETTLED_S: Final = 2.0
"""Several idle batches long: what closes on an idle batch has had its turn."""

_LOOKS_AGAIN_S: Final = 0.25
"""Between two looks at positions: each asks the broker and the database for all of them."""

_LOOK_S: Final = 5.0
"""Of a log that grows faster than it is read, so much is read between two looks at the processes."""

SAME_AS_ALONE: Final = {"live_progress": False}
"""Settings over those of standalone mode, for both: time moves with the records alone."""


class World:
    """The processes and what can be seen of them from outside."""

    def __init__(
        self,
        log: Log,
        dsn: str,
        env: Mapping[str, str],
        directory: Path,
        stack: Stack,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`env`: settings of all processes. `own`: over them those of single ones."""
        self.log = log
        self.env = env
        self.stack = stack
        self.processes = {name: ServiceProcess(name, {**env, **(own or {}).get(name, {})}, directory) for name in READS}
        self._dsn = dsn
        self._loop = asyncio.Runner()
        self._connection: Any = None

    def start(self, names: Sequence[str] = tuple(READS)) -> None:
        """Start processes and wait until all are ready."""
        for name in names:
            self.processes[name].start()
        for name in names:
            self.processes[name].await_ready()

    def stop(self, names: Sequence[str] = tuple(READS)) -> dict[str, float]:
        """SIGTERM to processes; return how many seconds each took to end with code 0."""
        return {name: self.processes[name].stop() for name in names}

    def close(self) -> None:
        """End everything, whatever its state."""
        for process in self.processes.values():
            process.close()
        if self._connection:
            self._loop.run(self._connection.close())
        self._loop.close()

    def check(self) -> None:
        """Raise `ProcessFailed` if a process has ended by itself."""
        for process in self.processes.values():
            process.check()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds in the services' tables."""
        return [dict(row) for row in self.call(lambda connection: connection.fetch(query))]

    def call(self, ask: Callable[[Any], Any]) -> Any:
        """Return what a function of a database connection returns."""

        async def asked() -> Any:
            if self._connection is None:
                self._connection = await asyncpg.connect(self._dsn)
            return await ask(self._connection)

        return self._loop.run(asked())

    def positions(self, name: str) -> dict[At, int]:
        """Return the durable positions of one process: in PostgreSQL where its fence is there, else in Kafka."""
        if name in _ON_POSTGRES:
            found = self.rows(f'select topic, partition, position from "{name}".fence where position is not null')  # noqa: S608 - the names are ours
            return {(row["topic"], row["partition"]): row["position"] for row in found}
        groups = [(_GROUPS.get((name, topic), name), topic) for topic in READS[name]]
        return {at: to for group, topic in groups for at, to in self.log.committed(group, topic).items()}

    def progress(self, name: str) -> int:
        """Return the sum of one process's positions: it grows with every batch."""
        return sum(self.positions(name).values())

    def await_quiet(self, deadline_s: float = 120.0, names: Sequence[str] = tuple(READS)) -> None:
        """Wait until these processes have read everything that was published, and nothing moves any more.

        Raises `ProcessFailed`, saying who lags behind where, when there was no progress for `deadline_s`.
        """
        give_up = time.monotonic() + deadline_s
        seen: list[str] = []
        quiet_since: float | None = None
        while True:
            self.check()
            new, behind = self.log.follow(at_most_s=_LOOK_S), self.behind(names)
            now = time.monotonic()
            if new or behind != seen:
                give_up = now + deadline_s
            seen = behind
            if new or behind or not self.log.at_end:
                quiet_since = None
            else:
                quiet_since = quiet_since or now
                if now - quiet_since > _SETTLED_S:
                    return
            if now > give_up:
                late = {line.split()[0] for line in behind}
                logs = "".join(f"\n--- {name} ---\n{self.processes[name].log(15)}" for name in READS if name in late)
                raise ProcessFailed(
                    f"no progress within {deadline_s:.0f} s: {'; '.join(behind) or 'still moving'}{logs}"
                )
            time.sleep(_LOOKS_AGAIN_S)

    def behind(self, names: Sequence[str]) -> list[str]:
        """Return one line for everything that these processes have not done, as far as the log was followed."""
        lines = []
        for name in names:
            positions = self.positions(name)
            for at in (at for topic in READS[name] for at in self.log.partitions(topic)):
                end = self.log.end(at)
                if end is not None and positions.get(at) != end:
                    lines.append(f"{name} is at {positions.get(at)} of {end} in {at[0]}/{at[1]}")
            if name in _ON_POSTGRES and (rows := self._count(f'"{name}".outbox')):
                lines.append(f"{name} has {rows} rows in its outbox")
        if "notifier" in names and (rows := self._count("notifier.notifications where status = 'pending'")):
            lines.append(f"notifier has {rows} pending notifications")
        return lines

    def _count(self, what: str) -> int:
        count: int = self.rows(f"select count(*) as n from {what}")[0]["n"]  # noqa: S608 - the names are ours
        return count


@contextmanager
def world(
    directory: Path,
    dsn: str,
    announce: Callable[[str], None],
    settings: Mapping[str, str] | None = None,
    timestamps: Literal["declared", "create-time"] = "create-time",
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[World]:
    """Give a world whose topics and tables are there and whose processes are not started yet.

    `settings` by the names of the settings classes' fields; `own`: over them those of single processes.

    The broker is its own: topics have the names that the manifests give them, and every run begins with empty ones.
    """
    with Stack(announce) as stack, ExitStack() as until:
        shared = {**SAME_AS_ALONE, "subject_tag_secret": SETTINGS["subject_tag_secret"], "idle_seconds": _IDLE_S}
        env = _variables({**shared, **(settings or {})}) | {
            "PROOFWATCH_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
            "PROOFWATCH_POSTGRES_DSN": dsn,
            "PROOFWATCH_REDIS_URL": stack.redis.url,
        }
        command("topics", "apply", "--timestamps", timestamps, "--replication", "1", env=env)
        command("migrate", env=env)
        log = until.enter_context(Log(stack.kafka.bootstrap))
        made = World(log, dsn, env, directory, stack, {name: _variables(each) for name, each in (own or {}).items()})
        until.callback(made.close)
        yield made


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"PROOFWATCH_{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in settings.items()
    }
