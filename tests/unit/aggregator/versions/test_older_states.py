"""What the release before wrote is read by this one: states without what came later."""

from typing import Any

import msgspec
import pytest

from services.aggregator.core.cusum.state import HourRow, RateState
from services.aggregator.core.versions.memory import Ending, Marker, Memory
from services.aggregator.core.versions.part import Part
from services.aggregator.core.versions.reading import Reading
from services.aggregator.core.versions.state import Comparison
from services.aggregator.core.versions.sums import Usual
from services.aggregator.core.versions.tenant import Told

READING = ["match_score", "up", 1, 2, 3, 4, 0.5, 1.6, 1.5, 0.001, True, False, 9.0]
SUMS = [4, {12: [1, 4, 0, 4, 0, 8, 1, 4, 1, 4]}, {"match": {435: 4}}]
USUAL = [SUMS, [[0, {"match": [1, 4]}]]]
FOUND = [300_000, 600_000, 2, 100, READING, 1]
COMPARISON = [
    "sdk_version",
    0,
    "1",
    600_000,
    300_000,
    100,
    400,
    0.0,
    1,
    SUMS,
    SUMS,
    USUAL,
    {"match_score": FOUND},
    SUMS,
    SUMS,
]
MARKER = {
    "name": "sdk_version", "version": "2", "previous": "1", "since_ms": 0, "known_ms": 1, "n": 40, "share": 0.5,
    "state": "changed",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "older"),
    [
        (Reading, READING),
        (Usual, USUAL),
        (Part, [4, [1, 4, 0, 4, 0, 8, 1, 4, 1, 4], {}]),
        (Comparison, COMPARISON),
        (Ending, [300_000, READING]),
        (Ending, [300_000, None]),
        (Told, ["an id", 2, 3, True]),
        (Marker, MARKER),
        (Memory, [600_000, 0, 400, {"sdk_version": {"1": 0}}, {"sdk_version": {"2": COMPARISON}}, {"k": MARKER}, {}]),
        (RateState, [[0.01, 1, 100, 2], None, 1.8, 1, 2, 3, 4]),
        (HourRow, [{"fta_rate": b""}, {}, {"fta_rate": 1}, {}]),
    ],
)
def test_a_state_without_what_came_later_is_read(kind: type, older: object) -> None:
    """It has what was written, and of what came later the default."""
    found: Any = msgspec.msgpack.decode(msgspec.msgpack.encode(older), type=kind)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(found))
    assert again[0] == older[0] if isinstance(older, list) else again.items() >= MARKER.items()
    if kind is Comparison:
        assert found.found["match_score"].reading.people == 1.0
        assert (found.gone, found.touches, found.by) == (None, None, "")
