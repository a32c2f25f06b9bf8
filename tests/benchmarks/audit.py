"""The audit log at work: how many acts a second are entered, and how long until a published checkpoint has each.

Acts are entered by a process of its own, each in a transaction of its own; the auditor runs as an operator starts it;
the database is one that loses nothing when the machine stops (fsync), else commits in groups would be for nothing.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import asyncpg

from proofwatch.audit.note import SigningKey
from proofwatch.events.topics import AUDIT_CHECKPOINTS
from tests.benchmarks.audit_tail import CheckpointTail
from tests.benchmarks.child import Child
from tests.benchmarks.contenders import Failed
from tests.benchmarks.context import Context, Result
from tests.benchmarks.figures import quantile
from tests.benchmarks.usage import Usage, usage
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ProcessFailed, ServiceProcess, command

TARGET_RATE: Final = 2_000
P99_MS: Final = 1_000.0
_RATES: Final = (200, TARGET_RATE)
_FLAT_OUT: Final = 0
_READY_S: Final = 60.0
_KEY: Final = SigningKey.from_seed("audit.example/benchmark", b"k" * 32)
_PLACES: Final = "select entry_id, index from audit.entries where action = 'imagery.lease'"


def run(context: Context) -> Result:
    """Enter acts at each rate, and as fast as one process can; each time into a log of its own."""
    seconds, warm_s = context.pick(60, 6), context.pick(10, 3)
    with context.steps("audit", 1 + len(_RATES)) as step, context.world.stack.durable_postgres() as server:
        rows = []
        for rate in (*_RATES, _FLAT_OUT):
            step(f"{rate or 'as many'} acts a second for {warm_s} + {seconds} s")
            rows.append(_at(context, server, rate, seconds, warm_s))
    met = all(
        row["p99_ms"] <= P99_MS and row["appends_per_second"] >= 0.99 * TARGET_RATE and not row["missing"]
        for row in rows
        if row["rate"] == TARGET_RATE
    )
    return {
        "seconds": seconds,
        "warm_up_seconds": warm_s,
        "cores": os.cpu_count(),
        "rates": rows,
        "target": {"rate": TARGET_RATE, "p99_ms": P99_MS, "met": met},
    }


def _at(context: Context, server: PostgresServer, rate: int, seconds: int, warm_s: int) -> dict[str, Any]:
    world = context.world
    world.clear()
    dsn = server.create_database()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        env = {
            "PROOFWATCH_KAFKA_BOOTSTRAP": world.bootstrap,
            "PROOFWATCH_POSTGRES_DSN": dsn,
            "PROOFWATCH_AUDIT_SIGNING_KEYS": _KEY.text(),
            "PROOFWATCH_AUDIT_CHECKPOINTS_FILE": str(folder / "checkpoints.jsonl"),
        }
        auditor = ServiceProcess("auditor", env, folder)
        try:
            command("topics", "apply", "--replication", "1", env=env)
            command("migrate", env=env)
            auditor.start()
            auditor.await_ready(_READY_S)
            measured = _measured(world.bootstrap, server, dsn, auditor, folder, rate, seconds, warm_s)
        except ProcessFailed as error:
            raise Failed(str(error)) from error
        finally:
            auditor.close()
            server.drop_database(dsn)
    return measured


def _measured(
    bootstrap: str,
    server: PostgresServer,
    dsn: str,
    auditor: ServiceProcess,
    folder: Path,
    rate: int,
    seconds: int,
    warm_s: int,
) -> dict[str, Any]:
    file = folder / "appends"
    with (
        CheckpointTail(bootstrap, AUDIT_CHECKPOINTS) as tail,
        Child("tests.benchmarks.audit_writer", dsn, rate, warm_s, seconds, file) as writer,
    ):
        writer.line(_READY_S)
        pids = {"auditor": auditor.pid, "postgresql": server.pid, "writer": writer.pid}
        before = usage(pids)
        done = writer.line(warm_s + seconds + _READY_S)
        places = asyncio.run(_sequenced(dsn, done["appends"]))
        after = usage(pids)
        appends = [line.split() for line in file.read_text().splitlines()]
        tail.until(max(places.values(), default=0) + 1, _READY_S)
        lags = sorted(
            (tail.left_at(places[entry_id]) - float(at)) * 1000
            for entry_id, at, counts in appends
            if counts == "1" and entry_id in places
        )
    return {
        "rate": rate,
        "appends_per_second": round(done["counted"] / done["seconds"]),
        "entries": len(places),
        "missing": done["appends"] - len(places),
        "checkpoints": tail.count,
        **{f"{name}_ms": round(quantile(lags, share), 1) for name, share in (("p50", 0.5), ("p99", 0.99))},
        "max_ms": round(lags[-1], 1),
        "writer_late_p99_ms": done["late_p99_ms"],
        **_costs(before, after, len(places)),
    }


def _costs(before: Usage, after: Usage, entries: int) -> dict[str, Any]:
    spent = after.since(before)
    others_s = after.machine_s - before.machine_s - sum(spent.values())
    return {
        "cost_us": {name: round(each / entries * 1e6) for name, each in spent.items()},
        "others_s": round(others_s, 1),
    }


async def _sequenced(dsn: str, appends: int) -> dict[str, int]:
    """Return the place of each entry, once all have theirs, or nothing came to it for ten seconds."""
    connection = await asyncpg.connect(dsn)
    try:
        size, since = -1, time.monotonic()
        while size < appends and time.monotonic() - since < 10:
            now = await connection.fetchval("select count(*) from audit.entries where action = 'imagery.lease'")
            if now != size:
                size, since = now, time.monotonic()
            await asyncio.sleep(0.1)
        return {row["entry_id"]: row["index"] for row in await connection.fetch(_PLACES)}
    finally:
        await connection.close()
