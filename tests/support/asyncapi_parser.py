"""AsyncAPI's own parser for Node.js, fetched once through npm into a cache outside the tree."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

_SOURCES = Path(__file__).parent / "asyncapi"
_FETCH_S = 600
_PARSE_S = 120
_ERRORS_AND_WARNINGS = 1
"""The parser counts severity from 0, an error, to 3, a hint."""


class Parsed(NamedTuple):
    """What the parser found wrong (place and message), and what it read."""

    findings: list[str]
    channels: int
    operations: int
    payloads: int


def parse(document: Path) -> Parsed:
    """Return what the parser says of an AsyncAPI document; files that it refers to are read too."""
    command = ["node", "validate.mjs", str(document)]
    done = subprocess.run(
        command, cwd=parser(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_PARSE_S
    )
    if done.returncode != 0:
        raise ComponentError(f"@asyncapi/parser failed on {document}:\n{done.stderr[-2000:]}")
    *said, read = map(json.loads, done.stdout.splitlines())
    return Parsed([_shown(each) for each in said if each["severity"] <= _ERRORS_AND_WARNINGS], **read)


def _shown(said: dict[str, Any]) -> str:
    return f"{said['path']}: {said['message']}"


def parser() -> Path:
    """Return the folder with the parser; a changed lock file fetches it anew. Safe for parallel sessions."""
    ensure_programs(["node", "npm"], ["nodejs", "npm"])
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_SOURCES.iterdir()))).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    folder = cache / f"asyncapi-{wanted}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "asyncapi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            fetched = Path(tempfile.mkdtemp(prefix="asyncapi-", dir=cache))
            try:
                _fetch(fetched)
                fetched.rename(folder)
            finally:
                shutil.rmtree(fetched, ignore_errors=True)
    return folder


def _fetch(into: Path) -> None:
    shutil.copytree(_SOURCES, into, dirs_exist_ok=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(
        command, cwd=into, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_FETCH_S
    )
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ComponentError(f"npm could not fetch @asyncapi/parser (is registry.npmjs.org reachable?):\n{last}")
