"""What differs between two documents, key by key, and which of the two is stricter where that is known."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

Direction = Literal["stricter", "laxer"]
_ABSENT: Final = "(absent)"

_HIGHER: Final = frozenset(
    {
        "match.threshold",
        "liveness.threshold",
        "attempts.window_hours",
        "suspicion.match_far_below",
        "suspicion.liveness_far_below",
        "step_up.flagged_days",
        "step_up.hold_hours",
        "monitoring.alpha",
    }
)
_LOWER: Final = frozenset({"attempts.limit", "max_ahead_seconds", "monitoring.factor"})
_LOWER_UNDER: Final = ("limits.", "monitoring.expected.")
_MORE: Final = frozenset({"required_checks", "suspicion.subject_velocity", "suspicion.device_velocity"})


class Change(NamedTuple):
    """One key of a policy or tenant that differs; `direction`: what the new value is, None where neither is known."""

    key: str
    old: Any
    new: Any
    direction: Direction | None


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return what changed, in the order of the keys. Documents are as `model_dump(mode="json")` gives them."""
    before, after = dict(_flat(old)), dict(_flat(new))
    return [
        Change(key, before.get(key, _ABSENT), after.get(key, _ABSENT), _direction(key, before.get(key), after.get(key)))
        for key in sorted({*before, *after})
        if before.get(key, _ABSENT) != after.get(key, _ABSENT)
    ]


def _flat(document: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{under}{key}.")
        else:
            yield f"{under}{key}", value


def _direction(key: str, old: Any, new: Any) -> Direction | None:
    if key in _MORE:
        return _of_lists(list(old or ()), list(new or ()))
    if key in _HIGHER and isinstance(old, int | float) and isinstance(new, int | float):
        return "stricter" if new > old else "laxer"
    if key in _LOWER or key.startswith(_LOWER_UNDER):
        # a limit that is not promised is the laxest
        lowest = float("inf")
        return "stricter" if (lowest if new is None else new) < (lowest if old is None else old) else "laxer"
    return None


def _of_lists(old: list[Any], new: list[Any]) -> Direction | None:
    if all(each in new for each in old):
        return "stricter" if len(new) > len(old) else None
    return "laxer" if all(each in old for each in new) else None
