"""How many attempts were rejected by slice, where no label says whom: read from the windows that a run wrote.

Without labels nobody knows who was rejected wrongly, but a version, a system or a handset whose people fail twice as
often as all others is seen at once.
"""

from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec

from proofwatch.biometrics.figures import rate
from proofwatch.report.forest import Forest, forest

_DAY_S: Final = 86_400
_MOST_VALUES: Final = 20
_FIRST: Final = ("sdk_version", "os", "os_version", "device_model")
"""What an engineer looks at first; the rest follows by name."""


class _Counts(msgspec.Struct):
    transactions: int = 0
    retry: int = msgspec.field(default=0, name="decision.retry")
    refer: int = msgspec.field(default=0, name="decision.refer")


class _Window(msgspec.Struct):
    kind: str
    tenant: str
    segment_name: str | None
    segment_value: str | None
    length_s: int
    revision: int
    start: str
    counts: _Counts


_window = msgspec.json.Decoder(_Window).decode


def read_rejections(path: Path, small_cell: int) -> list[Forest]:
    """Return the rejection rates of the values of each segment, by the days of `windows.jsonl`, all tenants together.

    Beside those of everybody. A value with fewer than `small_cell` attempts is kept back.
    """
    latest: dict[tuple[str, str | None, str | None, str], _Window] = {}
    with path.open("rb") as lines:
        for line in lines:
            window = _window(line)
            key = (window.tenant, window.segment_name, window.segment_value, window.start)
            if window.kind != "decisions" or window.length_s != _DAY_S:
                continue
            if key not in latest or latest[key].revision < window.revision:
                latest[key] = window
    sums: dict[str | None, dict[str, tuple[int, int]]] = defaultdict(dict)
    for (_, name, value, _), window in latest.items():
        k, n = sums[name].get(value or "", (0, 0))
        counts = window.counts
        sums[name][value or ""] = k + counts.retry + counts.refer, n + counts.transactions
    everybody = sums.pop(None, {}).get("")
    return [
        forest(
            f"Rejection rate by {name}",
            "value",
            {value: rate(*counts) for value, counts in sums[name].items()},
            limit=None,
            overall=rate(*everybody) if everybody else None,
            small_cell=small_cell,
            most=_MOST_VALUES,
        )
        for name in sorted((each for each in sums if each), key=_place)
    ]


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
