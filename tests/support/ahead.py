"""What tests need from elsewhere, fetched and built ahead, while lint, types and unit tests leave a core idle.

    python -m tests.support.ahead

Every part has a lock: a test that needs it first waits for it, and for nothing else. What fails here fails no run: the
test that needs it tries again, and tells why.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.support import asyncapi_parser, axe, go, kafka_jars, registry_files, s3_server
from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

PROGRAMS: Final = {
    "java": "default-jre-headless",
    "mvn": "maven",
    "redis-server": "redis-server",
    "promtool": "prometheus",
    "chromium": "chromium",
    "node": "nodejs",
    "npm": "npm",
    "pgbouncer": "pgbouncer",
}


def main() -> int:
    """Get everything; return 0, or 1 when something is missing, with a line for each."""
    with ThreadPoolExecutor() as together:
        missing = [said for each in together.map(_tried, _PARTS) for said in each]
    sys.stderr.writelines(f"{said}\n" for said in missing)
    return 1 if missing else 0


def _programs() -> None:
    ensure_programs(list(PROGRAMS), list(PROGRAMS.values()))


_PARTS: Final[tuple[tuple[Callable[[], object], ...], ...]] = (
    (_programs, kafka_jars.kafka_jars, registry_files.registry_jar, asyncapi_parser.parser, axe.script),
    (s3_server.program,),
    (go.reader,),
)
"""What goes side by side, each one after another: Debian's programs come by one call, before what needs them."""


def _tried(parts: Iterable[Callable[[], object]]) -> list[str]:
    missing = []
    for part in parts:
        try:
            part()
        except (ComponentError, OSError, subprocess.SubprocessError) as error:
            missing.append(str(error))
    return missing


if __name__ == "__main__":
    sys.exit(main())
