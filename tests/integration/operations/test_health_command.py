"""`proofwatch health`: what a container's health check calls, every few seconds."""

import asyncio
import subprocess
import sys
from typing import Final

import pytest

from proofwatch.runtime.health import HealthServer
from services.cli import main
from tests.support.runner import free_port

DEAR: Final = {"asyncio", "pydantic", "msgspec", "structlog", "http", "ssl", "email", "importlib.metadata"}


async def health(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["health", *arguments])


async def test_it_says_what_the_service_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 and silence, or 1 and a line for each reason; where the service is bound to is where it is asked."""
    reasons = ["tx/0: not owned by this process now", "PostgreSQL does not answer"]
    server = HealthServer(0, lambda: reasons, "127.0.0.1")
    monkeypatch.setenv("PROOFWATCH_HEALTH_PORT", str(await server.start()))
    monkeypatch.setenv("PROOFWATCH_HEALTH_HOST", "127.0.0.1")
    assert await health() == 1
    assert capsys.readouterr().err == "".join(f"not ready: {reason}\n" for reason in reasons)
    reasons.clear()
    monkeypatch.setenv("PROOFWATCH_HEALTH_HOST", "0.0.0.0")  # noqa: S104 - what the service is told
    assert await health() == 0
    assert capsys.readouterr().err == ""
    await server.stop()


async def test_nobody_there_and_a_port_that_is_none_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback in a container's health log."""
    port = free_port()
    assert await health("--port", str(port)) == 1
    assert capsys.readouterr().err.startswith(f"not ready: nothing answers on 127.0.0.1:{port} (")
    for nonsense in ("http", "0", "99999", "-1"):
        monkeypatch.setenv("PROOFWATCH_HEALTH_PORT", nonsense)
        assert await health() == 2
        assert capsys.readouterr().err.startswith(f"PROOFWATCH_HEALTH_PORT: {nonsense!r} is no port")


def test_it_imports_nothing_dear() -> None:
    """It costs what starting Python costs: 0.05 s of processor where the settings and an HTTP client took 0.38."""
    called = f"main(['health', '--port', '{free_port()}'])"
    program = f"import sys; from services.cli import main; {called}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "not ready: nothing answers" in done.stderr
    assert not DEAR & set(done.stdout.split())
