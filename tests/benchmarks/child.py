"""A child process that prints lines of JSON while it works."""

import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from types import TracebackType
from typing import Any, Final, Self

from tests.benchmarks.contenders import ROOT, Failed, child_environment

_STOP_S: Final = 30.0


class Child:
    """`python -m MODULE ARGUMENTS…`, ended when the block is left; its lines wait until they are asked for."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._module = module
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the block is left
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def line(self, timeout_s: float) -> Any:
        """Return its next line. Raises `Failed` when it ended, or said nothing for `timeout_s`."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise Failed(f"{self._module} said nothing for {timeout_s} s\n{self._tail()}") from None
        if line is None:
            raise Failed(f"{self._module} ended: exit code {self._process.wait()}\n{self._tail()}")
        return line

    def newest(self) -> Any:
        """Return the newest line that has not been asked for, None without one. Raises `Failed` when it ended."""
        newest = None
        while not self._lines.empty():
            newest = self.line(0)
        return newest

    def end(self) -> None:
        """Ask it to end, with SIGTERM; what it prints until then can still be asked for."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def rss_mib(self) -> float:
        """Return its resident memory in MiB."""
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(shown.stdout) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.end()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._reader.join()
        self._errors.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def _tail(self) -> str:
        self._errors.seek(0)
        return "\n".join(self._errors.read().decode(errors="replace").splitlines()[-15:])
