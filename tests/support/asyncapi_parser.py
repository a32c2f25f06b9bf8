"""AsyncAPI's own parser for Node.js, fetched once through npm into a cache outside the tree."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.npm import fetched
from tests.support.runner import ComponentError

_SOURCES = Path(__file__).parent / "asyncapi"
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
    return fetched("asyncapi", _SOURCES)
