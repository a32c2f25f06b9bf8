"""Results of a day, kept as JSON: what the page is made of."""

from pathlib import Path
from typing import Any

import msgspec


def keep(home: Path, date: str, name: str, result: dict[str, Any]) -> Path:
    """Put a scenario's result to those of the day, in HOME/scenarios/DATE.json; return the file."""
    file = home / "scenarios" / f"{date}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    day: dict[str, Any] = load(file) if file.exists() else {"date": date, "scenarios": {}}
    day["scenarios"][name] = result
    file.write_bytes(msgspec.json.format(msgspec.json.encode(day), indent=1) + b"\n")
    return file


def load(file: Path) -> dict[str, Any]:
    """Return the results of a day."""
    day: dict[str, Any] = msgspec.json.decode(file.read_bytes())
    return day
