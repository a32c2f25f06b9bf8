"""One real S3-compatible server: versitygw over a folder, built once with Go into a cache outside the tree."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx

from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import ComponentError, await_ready, free_port, started

VERSION = "v1.8.0"
ACCESS_KEY, SECRET_KEY = "root-of-tests", "secret-of-tests"
_MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
_BUILD_S = 1_800


def versitygw() -> Path:
    """Return the program. Raises ComponentError with one line where it is not there and cannot be built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    program = cache / f"versitygw-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "versitygw.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(go).exists():
        raise ComponentError(
            "go not found: install Go 1.25 or later (https://go.dev/dl), which builds versitygw, an S3 server"
        )
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        env = {**os.environ, "GOBIN": folder, "GOFLAGS": "-buildvcs=false"}
        done = subprocess.run(
            [go, "install", _MODULE], env=env, capture_output=True, text=True, check=False, timeout=_BUILD_S
        )
        if done.returncode != 0:
            last = "\n".join(done.stderr.splitlines()[-5:])
            raise ComponentError(f"go could not build {_MODULE}:\n{last}")
        (Path(folder) / "versitygw").rename(program)


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


def native_s3() -> S3Server:
    """Start one on a free port of 127.0.0.1, with the root keys of this module."""
    program, scratch, port = versitygw(), scratch_dir("s3"), free_port()
    objects = scratch / "objects"
    objects.mkdir()
    options = ["--port", f"127.0.0.1:{port}", "--access", ACCESS_KEY, "--secret", SECRET_KEY]
    command = [str(program), *options, "posix", str(objects)]
    return started(S3Server(NativeRunner(command, scratch), f"http://127.0.0.1:{port}", port))
