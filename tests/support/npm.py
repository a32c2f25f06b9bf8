"""Packages for Node.js that tests need, fetched once through npm into a cache outside the tree."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

_FETCH_S = 600


def fetched(name: str, sources: Path) -> Path:
    """Return the folder with what the lock file of `sources` names, and with the sources.

    A changed file fetches it anew. Safe for parallel sessions. Raises `ComponentError`.
    """
    ensure_programs(["node", "npm"], ["nodejs", "npm"])
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources.iterdir()))).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    folder = cache / f"{name}-{wanted}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=cache))
            try:
                _fetch(name, sources, made)
                made.rename(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return folder


def _fetch(name: str, sources: Path, into: Path) -> None:
    shutil.copytree(sources, into, dirs_exist_ok=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(
        command, cwd=into, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_FETCH_S
    )
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ComponentError(f"npm could not fetch {name} (is registry.npmjs.org reachable?):\n{last}")
