"""The event schemas as files: `events/<event>.v<version>.schema.json`, and the definitions that they share."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FILE: Final = re.compile(r"(?P<event>[a-z][a-z-]*)\.v(?P<version>[1-9][0-9]*)\.schema\.json")
DEFINITIONS: Final = "definitions"


def events(root: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield name, version and schema of every event; `root` is the directory of `events/` and `topics/`."""
    for path in sorted((root / "events").iterdir()):
        named = FILE.fullmatch(path.name)
        if named and named["event"] != DEFINITIONS:
            yield named["event"], int(named["version"]), json.loads(path.read_text(encoding="utf-8"))


def definitions(root: Path) -> dict[str, Any]:
    """Return the shared parts by their name."""
    shared: dict[str, Any] = json.loads((root / "events" / f"{DEFINITIONS}.v1.schema.json").read_text(encoding="utf-8"))
    parts: dict[str, Any] = shared["$defs"]
    return parts
