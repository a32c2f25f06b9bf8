"""A component as a native process under a supervisor, so that it dies with the test session."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import supervise
from tests.support.runner import ComponentError


def scratch_dir(name: str) -> Path:
    """Make a private data directory with a short path (a unix socket's path ends at 107 characters)."""
    path = Path(tempfile.mkdtemp(prefix=f"pw-{name}-"))
    path.chmod(0o711)  # a server that refuses to run as root must be able to reach its own folder below
    return path


class NativeRunner:
    """A `Runner` for a local command; only ever signals the pid that it started itself."""

    def __init__(
        self,
        command: list[str],
        scratch: Path,
        *,
        uid: int | None = None,
        end_with: signal.Signals = signal.SIGKILL,
    ) -> None:
        """`uid`: run the command as this user (None: as ours). `end_with`: the signal of `close`."""
        self._command = command
        self._scratch = scratch
        self._uid = uid
        self._end_with = end_with
        self._supervisor: subprocess.Popen[str] | None = None
        self._pid = 0

    @property
    def pid(self) -> int:
        """Process id of the component, not of its supervisor."""
        return self._pid

    def start(self) -> None:
        """Start the command; its output goes to SCRATCH/log."""
        if self.alive():
            raise ComponentError(
                f"{self._command[0]} already runs as pid {self._pid}: kill it before starting it again"
            )
        uid = "-" if self._uid is None else str(self._uid)
        # -I: no user site, no PYTHON* variables; -S: quick start. A session of its own: Ctrl-C reaches us first.
        supervisor = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                supervise.__file__,
                str(os.getpid()),
                str(self._scratch),
                uid,
                *self._command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert supervisor.stdout is not None
        with supervisor.stdout as announced:
            line = announced.readline()
        self._supervisor = supervisor
        if not line.strip().isdigit():
            supervisor.wait()
            raise ComponentError(f"cannot run {self._command[0]}: the supervisor's message is above")
        self._pid = int(line)

    def kill(self) -> None:
        """SIGKILL the component and wait until it and its supervisor are gone."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End the component and delete its scratch directory."""
        self._end(self._end_with)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def alive(self) -> bool:
        """Tell whether the component's process exists; its supervisor ends with it."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines that the component wrote."""
        log = self._scratch / "log"
        text = log.read_text(errors="replace") if log.exists() else "(it wrote no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _end(self, with_signal: signal.Signals) -> None:
        if self._supervisor is None:
            return
        if self._supervisor.poll() is None:
            try:
                os.kill(self._pid, with_signal)
                os.kill(self._pid, signal.SIGCONT)  # a stopped process takes no other signal than SIGKILL
            except ProcessLookupError:
                pass  # it ended by itself in between
        try:
            self._supervisor.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.kill(self._pid, signal.SIGKILL)
            self._supervisor.wait()
        self._supervisor = None
