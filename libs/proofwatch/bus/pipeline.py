"""What stands around a stage, in which order, for every service: here and nowhere else.

    lane ──► observed ──► dead-letter limit ──► placed ──► prepared ──► timely ──► the stage
    fence ◄─────────────────── outputs, and rejections in their places ◄───────────────┘

A batch goes from the left to the right, what comes of it from the right to the left. At the left end the fence writes
the dead letters (`dead_letters.letter`), so that everything between sees rejections and nothing parses headers. How far
time may move (`lanes.upstream`) is decided before a batch is taken, by the worker.
"""

from typing import Literal, TypeVar

from proofwatch.bus.dead_letters.limit import DeadLetterLimit
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.port import Bus
from proofwatch.bus.stage import Fence, Stage
from proofwatch.bus.wrappers.placed import Placed
from proofwatch.bus.wrappers.prepared import prepared
from proofwatch.bus.wrappers.timely import Timely
from proofwatch.events.wire import JSON, Wire

Tx = TypeVar("Tx")
Future = Literal["rejected", "passed over", "believed"]


def pipeline(
    stage: Stage[Tx],
    fence: Fence[Tx],
    bus: Bus,
    settings: LaneSettings,
    *,
    wire: Wire = JSON,
    by_key: bool = False,
    future: Future = "believed",
) -> Stage[Tx]:
    """Return `stage` with everything around it, the innermost first.

    `wire`: how its records are written. `by_key`: it keeps something for each key, so that records must lie where their
    keys belong. `future`: what becomes of a record whose timestamp cannot be so.
    """
    if future != "believed":  # it acts by records' times
        stage = Timely(stage, settings.ahead_ms, rejects=future == "rejected")
    stage = prepared(stage, wire)  # it decodes without waiting for a registry
    if by_key:
        stage = Placed(stage, bus)
    if settings.cap:  # outermost: it counts what all of them reject, under the name that the fence gives the letters
        stage = DeadLetterLimit(stage, settings.cap, fence.group, bus)
    return stage
