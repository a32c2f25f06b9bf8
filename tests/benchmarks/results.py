"""Results as JSON: one file a day, a section for each benchmark, each section replaced by its newest run."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from tests.benchmarks.context import Result


def keep(home: Path, date: str, kafka: str, name: str, result: Result, *, quick: bool) -> Path:
    """Write `result` as section `name` of HOME/benchmarks/DATE.json and return the file."""
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
        "benchmarks": {**known["benchmarks"], name: result},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1) + "\n")
    return file


def load(file: Path) -> dict[str, Any]:
    """Read a day's results."""
    read: dict[str, Any] = json.loads(file.read_text())
    return read
