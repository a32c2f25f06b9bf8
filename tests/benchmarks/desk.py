"""The console under people: a queue of 100,000 cases, 20 analysts, and suspicions coming in meanwhile.

Console and triage run as an operator starts them. Each analyst does something, waits about two seconds, and goes on:
looks at the queue, at a case, for a case, or takes or releases a hundred of them at once. Then one looks at
a case of 2,000 members, again and again, and 200 consoles listen, while suspicions go on coming. The other processes of
the house are not there, so what they would take of the machine is not in it.
"""

import asyncio
import base64
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx
from confluent_kafka import Producer

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.events import topics
from services.console.who import COOKIE
from tests.benchmarks import desk_cases
from tests.benchmarks.contenders import Failed
from tests.benchmarks.context import Context, Result
from tests.benchmarks.desk_consoles import Consoles
from tests.benchmarks.figures import quantile
from tests.benchmarks.usage import usage
from tests.support.postgres_server import PostgresServer
from tests.support.processes import ProcessFailed, ServiceProcess, command
from tests.support.runner import free_port

P95_MS: Final = 200.0
A_MINUTE: Final = 5_000
"""Suspicions a minute that are taken in meanwhile."""
_ANALYSTS: Final = 20
_CONSOLES: Final = 200
_LISTENED_S: Final = 30.0
_PAUSE_S: Final = (1.0, 3.0)
_MANY: Final = 100
_DOES: Final = {"queue": 30, "case": 40, "search": 25, "bulk": 5}
"""What an analyst does of a hundred times."""
_WARM_S: Final = 10.0


def run(context: Context) -> Result:
    """Let people work."""
    cases, seconds = context.pick(100_000, 12_000), context.seconds or context.pick(180, 15)
    with context.steps("desk", 1) as step, context.world.stack.durable_postgres() as server:
        step(f"{_ANALYSTS} analysts on {cases:,} cases, {seconds} s")
        context.world.clear()
        try:
            measured = _measured(context.world.bootstrap, server, cases, float(seconds))
        except ProcessFailed as error:
            raise Failed(str(error)) from error
        finally:
            context.world.clear()
    met = all(each["p95_ms"] < P95_MS for each in measured["deeds"].values()) and measured["kept_up"]
    return {
        "cases": cases,
        "analysts": _ANALYSTS,
        "seconds": seconds,
        "pause_s": _PAUSE_S,
        "cores": os.cpu_count(),
        **measured,
        "target": {"p95_ms": P95_MS, "a_minute": A_MINUTE, "met": met},
    }


def _measured(bootstrap: str, server: PostgresServer, cases: int, seconds: float) -> dict[str, Any]:
    dsn, port = server.create_database(), free_port()
    env = {
        "PROOFWATCH_KAFKA_BOOTSTRAP": bootstrap,
        "PROOFWATCH_POSTGRES_DSN": dsn,
        "PROOFWATCH_SUBJECT_TAG_SECRET": base64.b64encode(bytes(range(32))).decode(),
        "PROOFWATCH_CASES_IN_HAND": "1000",
        "PROOFWATCH_CONSOLE_PORT": str(port),
        "PROOFWATCH_CONSOLE_ORIGIN": f"http://localhost:{port}",
    }
    command("topics", "apply", "--replication", "1", env=env)
    command("migrate", env=env)
    with tempfile.TemporaryDirectory() as scratch:
        processes = [ServiceProcess(name, env, Path(scratch)) for name in ("triage", "console")]
        try:
            asyncio.run(desk_cases.fill(dsn, cases))
            for each in processes:
                each.start()
            for each in processes:
                each.await_ready()
            pids = {each.name: each.pid for each in processes} | {"postgresql": server.pid, "benchmark": os.getpid()}
            return asyncio.run(Shift(bootstrap, dsn, port, cases).worked(seconds, pids))
        finally:
            for each in processes:
                each.close()
            server.drop_database(dsn)


class Shift:
    """Analysts who work, and what they wait for."""

    def __init__(self, bootstrap: str, dsn: str, port: int, cases: int) -> None:
        self._bootstrap, self._dsn, self._port, self._cases = bootstrap, dsn, port, cases
        self._times: dict[str, list[float]] = {name: [] for name in (*_DOES, "cluster")}
        self._began, self._sent = 0.0, 0

    async def worked(self, seconds: float, pids: dict[str, int]) -> dict[str, Any]:
        """Let all of them work for so long; return how long each kind of deed took. Raises `Failed`."""
        tokens = await self._hired()
        before = usage(pids)
        self._began = time.monotonic()
        end = self._began + _WARM_S + seconds
        analysts = [self._analyst(number, token, end) for number, token in enumerate(tokens[:_ANALYSTS])]
        await asyncio.gather(self._suspicions(end), *analysts)
        after, sent = usage(pids), self._sent
        late_s = await self._taken_in(sent)
        end = time.monotonic() + min(seconds, _LISTENED_S)
        await asyncio.gather(self._suspicions(end), self._visitor(tokens[_ANALYSTS], end))
        streams = await self._listened(tokens, min(seconds, _LISTENED_S))
        wall = seconds + _WARM_S
        return {
            "deeds": {name: _figures(each) for name, each in self._times.items()},
            "suspicions": sent,
            "late_s": round(late_s, 1),
            "kept_up": late_s < 5.0,
            "streams": streams,
            "cores_used": {name: round(each / wall, 2) for name, each in after.since(before).items()},
        }

    async def _hired(self) -> list[str]:
        pool = await create_pool(self._dsn)
        try:
            return [token async for token in desk_cases.signed_in(pool, _CONSOLES)]
        finally:
            await pool.close()

    async def _analyst(self, number: int, token: str, end: float) -> None:
        chance = random.Random(number)
        own = desk_cases.block(number, _MANY)
        held = False
        async with self._client(token) as client:
            await asyncio.sleep(chance.random() * _PAUSE_S[1])
            while time.monotonic() < end:
                [what] = chance.choices([*_DOES], [*_DOES.values()])
                began = time.perf_counter()
                if what == "bulk":
                    own = await _bulk(client, "release" if held else "take", own, f"{number}-{began}")
                    held = not held
                else:
                    await _looked(client, _path(what, chance, self._cases))
                if time.monotonic() > self._began + _WARM_S:
                    self._times[what].append(time.perf_counter() - began)
                await asyncio.sleep(chance.uniform(*_PAUSE_S))

    async def _visitor(self, token: str, end: float) -> None:
        """Look at the case of many members, again and again."""
        chance = random.Random(_ANALYSTS)
        async with self._client(token) as client:
            while time.monotonic() < end:
                began = time.perf_counter()
                await _looked(client, f"/cases/{desk_cases.BIG}")
                self._times["cluster"].append(time.perf_counter() - began)
                await asyncio.sleep(chance.uniform(*_PAUSE_S) / 3)

    async def _listened(self, tokens: list[str], seconds: float) -> dict[str, Any]:
        """Let consoles listen, suspicions come in, and one analyst take and release a case."""
        [own] = desk_cases.block(_ANALYSTS * _MANY, 1)
        held = False
        async with self._client(tokens[_ANALYSTS]) as client:

            async def act() -> None:
                nonlocal held, own
                [own] = await _bulk(client, "release" if held else "take", [own], f"listened-{time.monotonic()}")
                held = not held

            consoles = Consoles(self._port, tokens, own["case_id"])
            end = time.monotonic() + seconds
            suspicions = asyncio.create_task(self._suspicions(end))
            found = await consoles.listened(act, seconds)
            await suspicions
            return found

    def _client(self, token: str) -> httpx.AsyncClient:
        headers = {"cookie": f"{COOKIE}={token}", "origin": f"http://localhost:{self._port}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", headers=headers, timeout=60)

    async def _suspicions(self, end: float) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "linger.ms": 5})
        first, began = self._sent, time.monotonic()
        while time.monotonic() < end:
            due = first + int((time.monotonic() - began) * A_MINUTE / 60)
            for number in range(self._sent, due):
                key, value = desk_cases.suspicion(number)
                producer.produce(topics.SUSPICIONS, value, key)
            self._sent = due
            producer.poll(0)
            await asyncio.sleep(0.05)
        if producer.flush(30):
            raise Failed("suspicions were not acknowledged")

    async def _taken_in(self, sent: int) -> float:
        """Return how many seconds after the last suspicion all are in cases."""
        pool = await create_pool(self._dsn, max_size=1)
        began = time.monotonic()
        try:
            while await pool.fetchval(desk_cases.COUNT) < sent:
                if time.monotonic() - began > 120:
                    raise Failed("suspicions were not in cases two minutes after the last of them")
                await asyncio.sleep(0.2)
        finally:
            await pool.close()
        return time.monotonic() - began


def _path(what: str, chance: random.Random, cases: int) -> str:
    number = chance.randrange(1, cases + 1)
    match what:
        case "queue":
            return "/queue"
        case "case":
            return f"/cases/{desk_cases.case_id(number)}"
        case _:
            text = chance.choice((desk_cases.case_id(number)[:8], desk_cases.transaction(number), "analyst-3"))
            return f"/queue?find={text}"


async def _looked(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, follow_redirects=True)
    if answer.status_code != 200:
        raise Failed(f"{path}: {answer.status_code}")


async def _bulk(client: httpx.AsyncClient, deed: str, cases: list[dict[str, str]], key: str) -> list[dict[str, str]]:
    """Do it to all; return them as they are seen now."""
    answer = await client.post("/v1/cases/bulk", json={"deed": deed, "cases": cases}, headers={"Idempotency-Key": key})
    if answer.status_code != 200 or answer.json()["done"] != len(cases):
        left = [each for each in answer.json().get("results", []) if each["code"] != "done"]
        raise Failed(f"{deed} of {len(cases)} cases: {answer.status_code}, {left[:2]}")
    return [{"case_id": each["case_id"], "version": each["version"]} for each in answer.json()["results"]]


def _figures(times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    if not ordered:
        raise Failed("nobody did every kind of deed: give it more --seconds")
    shares = {f"p{share}_ms": round(quantile(ordered, share / 100) * 1000, 1) for share in (50, 95, 99)}
    return {"count": len(ordered), **shares, "max_ms": round(ordered[-1] * 1000, 1)}
