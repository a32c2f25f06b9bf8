"""From the click to the last byte of a picture, through auditor, topic, store and renderer, as processes of their own.

A click is one request for a view by somebody who has a lease: its entry is written, sequenced, signed and published,
proved, the object fetched, decoded, marked, and sent. One after the other, with pauses of irregular length.
"""

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from proofwatch.bus.postgres.pool import create_pool
from tests.benchmarks.contenders import Failed
from tests.benchmarks.context import Context, Result
from tests.benchmarks.figures import quantile
from tests.benchmarks.usage import usage
from tests.support.imagery_world import ImageryWorld, a_photo, lease
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ProcessFailed
from tests.support.s3_server import S3Server, native_s3

P95_MS: Final = 500.0
_VIEWS_OF_A_LEASE: Final = 20
_LONGEST_PAUSE_S: Final = 1.0
_GOVERNED_S: Final = 120.0


def run(context: Context) -> Result:
    """Look at pictures."""
    views, warm = context.pick(400, 20), context.pick(20, 3)
    picture = a_photo()
    with context.steps("imagery", 1) as step, context.world.stack.durable_postgres() as server:
        step(f"{warm} + {views} views")
        context.world.clear()
        store = native_s3()
        try:
            measured = _measured(context, server, store, views, warm, picture)
        except ProcessFailed as error:
            raise Failed(str(error)) from error
        finally:
            store.close()
    return {
        "views": views,
        "picture_bytes": len(picture),
        "cores": os.cpu_count(),
        **measured,
        "target": {"p95_ms": P95_MS, "met": measured["p95_ms"] <= P95_MS},
    }


def _measured(
    context: Context, server: PostgresServer, store: S3Server, views: int, warm: int, picture: bytes
) -> dict[str, Any]:
    dsn = server.create_database()
    with tempfile.TemporaryDirectory() as scratch:
        world = ImageryWorld(context.world.bootstrap, dsn, store, Path(scratch))
        try:
            world.govern()
            world.start()
            pids = {"imagery": world.broker.pid, "auditor": world.auditor.pid, "postgresql": server.pid}
            before = usage(pids)
            times = asyncio.run(_clicks(world, dsn, views + warm, picture))
            after = usage(pids)
        finally:
            world.close()
            server.drop_database(dsn)
    spent = after.since(before)
    others_s = after.machine_s - before.machine_s - sum(spent.values())
    ordered = sorted(times[warm:])
    quantiles = {f"p{share:g}_ms": round(quantile(ordered, share / 100) * 1000, 1) for share in (50, 95, 99)}
    return {
        **quantiles,
        "max_ms": round(ordered[-1] * 1000, 1),
        "cost_ms": {name: round(each / len(times) * 1000, 1) for name, each in spent.items()},
        "others_s": round(others_s, 1),
    }


async def _clicks(world: ImageryWorld, dsn: str, count: int, picture: bytes) -> list[float]:
    """Return the seconds of each view."""
    chance, times = random.Random(3), list[float]()
    pool = await create_pool(dsn)
    try:
        await world.hire(pool)
        case_id = await world.case(pool, "tx-1", picture)
        async with world.client() as client:
            for number in range(count):
                if number % _VIEWS_OF_A_LEASE == 0:
                    lease_id = await _leased(client, case_id)
                await asyncio.sleep(chance.random() * _LONGEST_PAUSE_S)
                began = time.perf_counter()
                answer = await client.post(f"/imagery/leases/{lease_id}/views", json={"sharp": True})
                times.append(time.perf_counter() - began)
                if not answer.is_success:
                    raise Failed(f"a view was refused: {answer.text}")
    finally:
        await pool.close()
    return times


async def _leased(client: httpx.AsyncClient, case_id: str) -> str:
    """Ask until it is granted: settings come into force some seconds after the start."""
    give_up = time.monotonic() + _GOVERNED_S
    while True:
        try:
            return await lease(client, case_id, "tx-1")
        except httpx.HTTPStatusError as error:
            if time.monotonic() > give_up or error.response.json()["code"] != "reference_refused":
                raise Failed(error.response.text) from error
            await asyncio.sleep(0.5)
