"""Results as JSON: one file a day, a section for each benchmark, each section replaced by its newest run."""

import json
import os
import platform
import re
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.context import Result
from tests.benchmarks.interpreter import interpreter

_INNERMOST: Final = re.compile(r"\[\s+([-0-9.e,\s]+?)\s+\]")
"""A list of numbers, spread over lines: hundreds of samples would make a file that nobody looks through."""


def keep(home: Path, date: str, kafka: str, name: str, result: Result, *, quick: bool) -> Path:
    """Write `result` as section `name` of HOME/benchmarks/DATE.json and return the file.

    `remark` in it is whoever's measured, by hand: what else was so on that day.
    """
    file = home / "benchmarks" / f"{date}.json"
    known = load(file) if file.exists() else {"benchmarks": {}}
    kept = {
        "date": date,
        "machine": {
            "cores": os.cpu_count(),
            "python": ".".join(platform.python_version_tuple()[:2]),
            "kafka": kafka,
            "brokers": "one broker on the same machine",
        },
        "quick": quick,
        "remark": known.get("remark", ""),
        "interpreters": {**known.get("interpreters", {}), name: interpreter()},
        "benchmarks": {**known["benchmarks"], name: result},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(kept, indent=1)
    file.write_text(_INNERMOST.sub(lambda found: f"[{', '.join(found[1].split())}]".replace(",,", ","), text) + "\n")
    return file


def load(file: Path) -> dict[str, Any]:
    """Read a day's results."""
    read: dict[str, Any] = json.loads(file.read_text())
    return read
