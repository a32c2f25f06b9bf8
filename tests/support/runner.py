"""What every component under test offers, wherever it runs, and how to wait until it is ready."""

import random
import socket
import time
from collections.abc import Callable
from typing import Protocol, TypeVar


class ComponentError(RuntimeError):
    """A real component cannot be had; the message says which, why, and what would help."""


class Runner(Protocol):
    """One server process that can be injured and revived, its data kept, at the same address."""

    @property
    def pid(self) -> int:
        """Process id of the server itself, for signals such as SIGSTOP; changes with every start."""

    def start(self) -> None:
        """Start it, on first use or after `kill`; returns before it answers requests."""

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""

    def close(self) -> None:
        """End it for good and remove its data."""

    def alive(self) -> bool:
        """Tell whether the process exists (not whether it answers)."""

    def log_tail(self, lines: int = 30) -> str:
        """Return its last log lines, for error messages."""


class Startable(Protocol):
    """A component's handle: `start` returns when it is ready, `close` ends it and removes its data."""

    def start(self) -> None: ...

    def close(self) -> None: ...


S = TypeVar("S", bound=Startable)


def started(component: S) -> S:
    """Start the component and return it; if that fails, leave no process and no data behind."""
    try:
        component.start()
    except BaseException:
        component.close()
        raise
    return component


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses, and that nobody gets while its server is down.

    Port 0 would draw from the range of client ports (32768 and up on Linux, 49152 and up elsewhere): while a killed
    broker is down, a retrying client can be given that very port, connect to itself, and keep the broker out.
    """
    draw = random.SystemRandom()  # not the module's generator: property tests seed it, parallel runs would agree
    while True:
        port = draw.randrange(15_000, 32_000)
        if _can_bind(port):
            return port


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def await_ready(name: str, runner: Runner, probe: Callable[[], None], deadline_s: float = 180.0) -> None:
    """Call `probe` until it returns without an exception; a dead process or the deadline ends the wait.

    Raises ComponentError with the probe's last error and the end of the component's own log.
    """
    give_up = time.monotonic() + deadline_s
    while True:
        try:
            probe()
        except Exception as error:  # whatever a client library raises means "not ready yet"
            if runner.alive() and time.monotonic() < give_up:
                time.sleep(0.1)
                continue
            state = f"did not answer within {deadline_s:.0f} s" if runner.alive() else "ended while starting"
            message = f"{name} {state}: {error!r}\n--- end of its log ---\n{runner.log_tail()}"
            raise ComponentError(message) from error
        return
