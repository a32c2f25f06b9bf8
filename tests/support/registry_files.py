"""Apicurio Registry's own distribution, fetched once through Maven into a cache outside the tree."""

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

VERSION = "3.0.9"  # the last that runs on Java 17
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_FETCH_S = 600


def registry_jar() -> Path:
    """Return the jar to run, its libraries beside it. Safe for parallel sessions."""
    ensure_programs(["java"], ["default-jre-headless"])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    folder = cache / f"apicurio-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "apicurio.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            ensure_programs(["mvn"], ["maven", "default-jre-headless"])
            fetched = Path(tempfile.mkdtemp(prefix="apicurio-", dir=cache))
            try:
                _fetch(fetched)
                fetched.rename(folder)
            finally:
                shutil.rmtree(fetched, ignore_errors=True)
    return folder / f"apicurio-registry-app-{VERSION}-runner.jar"


def _fetch(into: Path) -> None:
    # not a newer plugin: it wants the artifact's parent pom too, which Maven Central does not have
    goal = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"
    command = ["mvn", "-q", "-B", goal, f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={into}"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_FETCH_S
    )
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ComponentError(f"Maven could not fetch {_ARTIFACT}:\n{last}")
    (archive,) = into.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    archive.unlink()
