"""One real S3-compatible server: versitygw over a folder, built once with Go into a cache outside the tree."""

from pathlib import Path

import httpx

from tests.support.go import installed
from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import await_ready, free_port, started

ACCESS_KEY, SECRET_KEY = "root-of-tests", "secret-of-tests"
_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"


class S3Server:
    """Handle of the running server; `kill` and `start` keep its address and its objects."""

    def __init__(self, runner: NativeRunner, endpoint: str, port: int) -> None:
        self._runner = runner
        self.endpoint, self.port = endpoint, port

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._runner.start()
        await_ready("versitygw", self._runner, self._probe)

    def kill(self) -> None:
        """SIGKILL it; its objects stay."""
        self._runner.kill()

    def alive(self) -> bool:
        """Tell whether its process exists."""
        return self._runner.alive()

    def close(self) -> None:
        """End it and delete its objects."""
        self._runner.close()

    def _probe(self) -> None:
        httpx.get(self.endpoint, timeout=2)  # 403: it wants a signature


def program() -> Path:
    """Return the server's program. Raises `ComponentError`."""
    return installed(_MODULE)


def native_s3() -> S3Server:
    """Start one on a free port of 127.0.0.1, with the root keys of this module."""
    scratch, port = scratch_dir("s3"), free_port()
    objects = scratch / "objects"
    objects.mkdir()
    options = ["--port", f"127.0.0.1:{port}", "--access", ACCESS_KEY, "--secret", SECRET_KEY]
    command = [str(program()), *options, "posix", str(objects)]
    return started(S3Server(NativeRunner(command, scratch), f"http://127.0.0.1:{port}", port))
