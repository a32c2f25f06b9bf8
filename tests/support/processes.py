"""Proofwatch's own processes under test: `proofwatch run NAME` as an operator starts it, and its other commands."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import supervise
from tests.support.runner import free_port

_PROOFWATCH = Path(sys.executable).with_name("proofwatch")
_COMMAND_S = 180.0
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


class ProcessFailed(AssertionError):
    """A process of ours did what it must not; the message ends with what it logged last."""


def command(*arguments: str, env: Mapping[str, str]) -> str:
    """Run `proofwatch ARGUMENTS` to its end and return what it printed. Raises `ProcessFailed`."""
    done = subprocess.run(
        [_PROOFWATCH, *arguments],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_S,
    )
    if done.returncode != 0:
        raise ProcessFailed(f"proofwatch {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


class ServiceProcess:
    """One `proofwatch run NAME`; it keeps its instance id and its port when it is started again.

    A supervisor stands between, so that the service never outlives the test session; signals go to the service.
    """

    def __init__(
        self,
        name: str,
        env: Mapping[str, str],
        directory: Path,
        *,
        number: int = 0,
        program: Sequence[str] | None = None,
    ) -> None:
        """`env`: the PROOFWATCH_ settings beyond instance id and health port; `directory` gets the log.

        `number`: which replica. `program`: the command to run in place of `proofwatch run NAME`.
        """
        self.name = name
        self.instance = f"{name}-{number}"
        self.pid = 0
        self._program = program or (str(_PROOFWATCH), "run", name)
        self._port = free_port()
        self._scratch = directory / self.instance
        self._scratch.mkdir()
        self._env = {
            **environment(env),
            "PROOFWATCH_INSTANCE_ID": self.instance,
            "PROOFWATCH_HEALTH_PORT": str(self._port),
        }
        self._supervisor: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; returns before it is ready."""
        assert self._supervisor is None, f"{self.name} runs already"
        # as for the components: no user site, no PYTHON* variables, no site packages in the supervisor itself
        watch = [sys.executable, "-I", "-S", supervise.__file__, str(os.getpid()), str(self._scratch), "-"]
        self._supervisor = subprocess.Popen(
            [*watch, *self._program],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._supervisor.stdout is not None
        with self._supervisor.stdout as announced:
            self.pid = int(announced.readline())

    def await_ready(self, deadline_s: float = 180.0) -> None:
        """Return when GET /ready answers 200. Raises `ProcessFailed` when it ends, or is not ready in time."""
        give_up = time.monotonic() + deadline_s
        while not self._ready():
            self.check()
            if time.monotonic() > give_up:
                raise ProcessFailed(f"{self.name} was not ready within {deadline_s:.0f} s{self._tail()}")
            time.sleep(0.05)

    def await_unready(self, reason: str, deadline_s: float = 180.0) -> str:
        """Return what GET /ready answers when it names `reason`. Raises `ProcessFailed` when it ends, or does not."""
        give_up = time.monotonic() + deadline_s
        while reason not in (said := self._asked()[1]):
            self.check()
            if time.monotonic() > give_up:
                raise ProcessFailed(f"{self.name} did not say {reason!r} but {said!r}{self._tail()}")
            time.sleep(0.05)
        return said

    def check(self) -> None:
        """Raise `ProcessFailed` if it has ended by itself."""
        if self._supervisor and (code := self._supervisor.poll()) is not None:
            raise ProcessFailed(f"{self.name} ended by itself with {code}{self._tail()}")

    def ended(self, within_s: float) -> int:
        """Return the code with which it ended by itself. Raises `subprocess.TimeoutExpired` if it goes on."""
        assert self._supervisor is not None, f"{self.name} does not run"
        code = self._supervisor.wait(within_s)
        self._supervisor = None
        return code

    def freeze(self) -> None:
        """SIGSTOP: it does nothing until `thaw`; beyond its session timeout the group goes on without it."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self._supervisor is not None, f"{self.name} does not run"
        os.kill(self.pid, signal.SIGKILL)
        self._supervisor.wait()
        self._supervisor = None

    def stop(self, within_s: float = 60.0) -> float:
        """SIGTERM; return after how many seconds it ended with code 0. Raises `ProcessFailed` if it did not."""
        self.check()
        assert self._supervisor is not None, f"{self.name} does not run"
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        try:
            code = self._supervisor.wait(within_s)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"{self.name} did not end within {within_s:.0f} s of SIGTERM{self._tail()}") from None
        self._supervisor = None
        if code != 0:
            raise ProcessFailed(f"{self.name} ended with {code} on SIGTERM, not 0{self._tail()}")
        return time.monotonic() - began

    def close(self) -> None:
        """End it whatever its state; for clean-up after failures."""
        if self._supervisor and self._supervisor.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                self.kill()
        self._supervisor = None

    def log(self, lines: int) -> str:
        """Return the last lines of its log, over all its lives."""
        path = self._scratch / "log"
        text = path.read_text(errors="replace") if path.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _tail(self) -> str:
        return f"\n--- end of the log of {self.name} ---\n{self.log(25)}"

    def _ready(self) -> bool:
        return self._asked()[0] == http.client.OK

    def _asked(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=3)
        try:
            connection.request("GET", "/ready")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return what a process may see of ours, and its settings; a PROOFWATCH_ variable of ours would decide a test."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(env)
