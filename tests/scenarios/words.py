"""How figures are shown."""

from typing import Any


def shown(name: str, value: Any) -> str:
    """Return a figure as a person reads it: delays in seconds, minutes or hours, shares in percent."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(value) or "none"
    if name.endswith("_s"):
        return duration(float(value))
    if name in {"right", "told", "within_3h", "high_within_3h", "since_held"} or name.endswith("_found"):
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"
