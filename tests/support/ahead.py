"""What tests need from elsewhere, fetched and built ahead, while lint, types and unit tests leave a core idle.

    python -m tests.support.ahead

Every part has a lock: a test that needs it first waits for it, and for nothing else. What fails here fails no run: the
test that needs it tries again, and tells why.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.support import asyncapi_parser, go, kafka_jars, registry_files, s3_server
from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

_PROGRAMS: Final = {
    "java": "default-jre-headless",
    "mvn": "maven",
    "redis-server": "redis-server",
    "promtool": "prometheus",
    "chromium": "chromium",
    "node": "nodejs",
    "npm": "npm",
}
_NICE: Final = 10


def main() -> int:
    """Get everything; return 0, or 1 when something is missing, with a line for each."""
    os.nice(_NICE)
    with ThreadPoolExecutor() as together:
        parts = [together.submit(_tried, part) for part in (_fetched, s3_server.program, go.reader)]
    missing = [said for part in parts if (said := part.result())]
    sys.stderr.writelines(f"{said}\n" for said in missing)
    return 1 if missing else 0


def _fetched() -> None:
    ensure_programs(list(_PROGRAMS), list(_PROGRAMS.values()))
    kafka_jars.kafka_jars()
    registry_files.registry_jar()
    asyncapi_parser.parser()


def _tried(part: Callable[[], object]) -> str:
    try:
        part()
    except ComponentError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main())
