"""The life of a process: it can be watched from before it takes anything, and says in one line why it cannot start."""

import asyncio
import http.client
import json
import os
import signal
import socket
from collections.abc import Sequence

import pytest

from proofwatch.bus.errors import UnknownTopic
from proofwatch.runtime.process import run_process
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings
from tests.support.runner import free_port


class Waits:
    """A part that runs until it is stopped; it asks at /ready while it starts, and then tells the process to stop."""

    def __init__(self, port: int, error: Exception | None = None) -> None:
        self.port = port
        self.error = error
        self.seen: list[tuple[int, str]] = []
        self.stopped = 0

    async def start(self) -> None:
        self.seen.append(await asyncio.to_thread(ready, self.port))
        if self.error:
            raise self.error

    async def step(self, *, idle: bool = False) -> int:
        return 0

    async def run(self) -> None:
        self.seen.append(await asyncio.to_thread(ready, self.port))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped += 1

    def unready(self) -> Sequence[str]:
        return ()


class LosesItsCancellation(Waits):
    """A client library loses the cancellation that comes at the same moment as an answer; the part goes on."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.stopping = asyncio.Event()
        self.lost = 0

    async def run(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not self.stopping.is_set():
            try:
                await self.stopping.wait()
            except asyncio.CancelledError:
                self.lost += 1

    async def stop(self) -> None:
        await super().stop()
        self.stopping.set()


def ready(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/ready")
    response = connection.getresponse()
    return response.status, response.read().decode()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port, which the settings name."""
    chosen = free_port()
    monkeypatch.setenv("PROOFWATCH_HEALTH_PORT", str(chosen))
    monkeypatch.setenv("PROOFWATCH_HEALTH_HOST", "127.0.0.1")
    return chosen


def test_it_answers_while_it_starts_and_ends_on_sigterm(port: int) -> None:
    """503 with what it does, then 200; exit code 0."""
    part = Waits(port)

    async def connect(settings: Settings) -> Service:
        return Service("waits", [part])

    assert run_process("waits", Settings, connect) == 0
    assert part.seen == [(503, "waits is starting\n"), (200, "ready\n")]
    assert part.stopped == 1


def test_it_ends_on_sigterm_though_a_cancellation_is_lost(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The part is stopped, and its work ends by that; the log says since when it stops."""
    part = LosesItsCancellation(port)

    async def connect(settings: Settings) -> Service:
        return Service("loses", [part])

    assert run_process("loses", Settings, connect) == 0
    assert (part.lost, part.stopped) == (1, 1)
    said = [json.loads(each)["event"] for each in capsys.readouterr().err.splitlines()]
    assert said == ["started", "stopping", "stopped"]


def test_a_port_in_use_is_one_line_before_anything_is_begun(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be watched takes no partitions; the line says what to set."""
    begun = []

    async def connect(settings: Settings) -> Service:
        begun.append(settings)
        return Service("waits", [])

    with socket.create_server(("127.0.0.1", port)):
        assert run_process("waits", Settings, connect) == 1
    assert not begun
    (line,) = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["service"]) == ("cannot_start", "waits")
    assert f"127.0.0.1:{port} is in use by another process: set PROOFWATCH_HEALTH_PORT" in line["reason"]


def test_what_cannot_start_says_so_in_one_line_and_lets_go(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback: an operator creates the topic."""
    part = Waits(port, UnknownTopic("topic 'x' does not exist at k:9092: create it with `proofwatch topics apply`"))

    async def connect(settings: Settings) -> Service:
        return Service("waits", [part])

    assert run_process("waits", Settings, connect) == 1
    assert part.stopped == 1
    said = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in said] == ["cannot_start", "stopped"]
    assert said[0]["reason"].endswith("create it with `proofwatch topics apply`")
