"""The product's lanes under stages that do nothing, or hardly anything: what is left is what Kafka costs."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Headers, Outgoing, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.topics import TRANSACTIONS, VERDICTS
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.service import Service
from tests.benchmarks.scorer import Built, Profile

_EVENT_HEADERS: Final[Headers] = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"tx-000000000000"),
    ("ce_source", b"/proofwatch/scorer"),
    ("ce_type", b"io.proofwatch.verdict.v1"),
    ("content-type", b"application/json"),
)
LANES: Final[dict[str, Headers | None]] = {
    "lane-reads": None,
    "lane-copies": (),
    "lane-copies-with-headers": _EVENT_HEADERS,
}
"""By kind of profile: the headers of each copy; None: no copy."""


class Copy:
    """A stage that copies every record to the verdicts, or with `headers` None drops it."""

    def __init__(self, headers: Headers | None) -> None:
        self._headers = headers

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Need nothing."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Copy."""
        headers = self._headers
        if headers is None:
            return []
        partition = batch.source.partition
        return [Outgoing(VERDICTS, r.key, r.value, partition, r.timestamp_ms, headers) for r in batch.records]

    async def closed(self, source: TopicPartition) -> None:
        """Know nothing."""


async def build_lane(profile: Profile) -> Built:
    """Wire lanes with a `Copy` for each partition of the transactions."""
    bus = KafkaBus(profile.bootstrap, "benchmark-lanes")
    await bus.start()
    group, clock = "lanes", SystemClock()
    settings = LaneSettings(max_records=profile.max_records)
    stage = Copy(LANES[profile.kind])
    worker = Worker(bus, [TRANSACTIONS], bus.fence(group), stage, settings, clock)
    return Built(Service("lanes", [worker], [bus.stop]), lambda: worker.positions, ())
