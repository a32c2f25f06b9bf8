"""The virtual environment of the peers whose packages cannot share the project's lock: made on first use.

`quixstreams` pins an older pydantic. What is installed is pinned with hashes in peers/requirements.txt, resolved by

    uv pip compile --generate-hashes --universal --python-version 3.11 \
        tests/benchmarks/peers/requirements.in -o tests/benchmarks/peers/requirements.txt
"""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
REQUIREMENTS: Final = Path(__file__).parent / "peers" / "requirements.txt"


@cache
def peer_python() -> Path:
    """Return the interpreter of the peers' environment; make it if need be. Raises `CalledProcessError`."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = ROOT / ".cache" / "benchmark-peers" / pinned
    python = home / "bin" / "python"
    if (home / ".complete").exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)]))
    assert uv, "uv is needed to install the peers: `make install` brings it"
    _quietly(uv, "venv", "--python", sys.executable, str(home))
    _quietly(uv, "pip", "sync", "--require-hashes", "--python", str(python), str(REQUIREMENTS))
    (home / ".complete").touch()
    return python


def _quietly(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)
