"""`python -m services.console.openapi`: writes `schemas/openapi.json`; `--check`: is it in step?"""

import sys
from pathlib import Path
from typing import Any, Final

import orjson

from proofwatch.bus.local.bus import LocalBus
from proofwatch.runtime.clock import SystemClock
from services.console.application import Inside, application
from services.console.config import Settings
from services.console.restored import ErasuresKnown

FILE: Final = Path(__file__).parents[2] / "schemas" / "openapi.json"


def document() -> bytes:
    """Return the document of the application; nothing is opened for it."""
    nothing: Any = None
    clock = SystemClock()
    inside = Inside.of(Settings(), nothing, clock, nothing, nothing, ErasuresKnown(LocalBus({}, clock), nothing), None)
    found = application(Settings(), inside).openapi()
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def main(arguments: list[str]) -> int:
    """Write the file, or return 1 when it is not what would be written."""
    if arguments == ["--check"]:
        if FILE.exists() and FILE.read_bytes() == document():
            return 0
        sys.stderr.write("schemas/openapi.json is out of step: python -m services.console.openapi\n")
        return 1
    FILE.write_bytes(document())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
