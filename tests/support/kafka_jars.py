"""The official Kafka jars, fetched once through Maven into a cache outside the tree."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

KAFKA_DIR = Path(__file__).parents[2] / "deploy" / "kafka"
_POM = KAFKA_DIR / "pom.xml"
_FETCH_S = 600


def kafka_version() -> str:
    """Return the version that the pom names, e.g. `4.1.0`."""
    found = ET.parse(_POM).findtext(".//{*}kafka.version")  # noqa: S314 - our own file
    assert found, f"{_POM} names no kafka.version"
    return found


def kafka_jars() -> Path:
    """Return the folder with the broker's jars; a changed pom fetches them anew. Safe for parallel sessions."""
    ensure_programs(["java"], ["default-jre-headless"])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proofwatch"
    libs = cache / f"kafka-{kafka_version()}"
    stamp = libs / ".pom.sha256"
    wanted = hashlib.sha256(_POM.read_bytes()).hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            ensure_programs(["mvn"], ["maven", "default-jre-headless"])
            fetched = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
            try:
                _fetch(fetched)
                (fetched / stamp.name).write_text(wanted)
                shutil.rmtree(libs, ignore_errors=True)
                fetched.rename(libs)
            finally:
                shutil.rmtree(fetched, ignore_errors=True)
    return libs


def _fetch(into: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_FETCH_S
    )
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ComponentError(f"Maven could not fetch the Kafka jars that {_POM} names:\n{last}")
