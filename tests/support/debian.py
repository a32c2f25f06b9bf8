"""Programs that a component needs: found on PATH, or installed when we are root on Debian."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.runner import ComponentError

_POLICY = Path("/usr/sbin/policy-rc.d")


def ensure_programs(programs: list[str], packages: list[str]) -> None:
    """Make sure that all `programs` are on PATH; `packages` are the Debian names that bring them.

    Raises ComponentError with one line that says what to install where we may not do it ourselves.
    """
    if all(map(shutil.which, programs)):
        return
    with (Path(tempfile.gettempdir()) / "proofwatch-programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one installs
        _install([program for program in programs if shutil.which(program) is None], packages)


def _install(missing: list[str], packages: list[str]) -> None:
    if not missing:
        return
    wanted = f"{' and '.join(missing)} not found: install {' '.join(packages)} (Debian names), or make Docker reachable"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ComponentError(wanted)
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_daemons():
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*apt, *command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                last = "\n".join(done.stderr.splitlines()[-5:])
                raise ComponentError(f"{wanted}; apt-get {command[0]} failed:\n{last}")


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Keep packages from starting their daemons (invoke-rc.d asks policy-rc.d: 101 = forbidden)."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
