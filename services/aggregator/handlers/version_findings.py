"""What a step finds in the versions of its tenants, five minutes by five minutes: records of anomalies, and markers."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY
from proofwatch.events.wire import Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.versions.tenant import closed
from services.aggregator.core.versions.told import Published, publish
from services.aggregator.ports.watches import VersionsStore

_AT_ONCE: Final = 100
"""Five minutes of tenants between two statements: see `minute_findings`."""
_Fives = tuple[BucketKey, list[WindowRevision]]


class VersionFindings:
    """Moves the states of the tenants, stores them and their markers, and makes records of what is found."""

    def __init__(self, monitoring: Monitoring, wire: Wire, store: VersionsStore) -> None:
        self._rule = monitoring.versions
        self._store = store
        self._encode = wire.encoder(ANOMALY)

    async def publish(
        self, revised: Sequence[WindowRevision], timestamp_ms: int | None, partition: int, tx: Any
    ) -> list[Outgoing]:
        """Return what the revised windows of five minutes tell.

        What a closing tells has the time at which it was due; what a restatement does, `timestamp_ms`.
        """
        outgoing: list[Outgoing] = []
        fives = _fives(revised)
        for begin in range(0, len(fives), _AT_ONCE):
            some = fives[begin : begin + _AT_ONCE]
            states = await self._store.load_versions(tx, {key.tenant for key, _ in some})
            for key, windows in some:
                state = closed(states[key.tenant], key.start_ms, [each.window for each in windows], self._rule)
                found = publish(key.tenant, state)
                states[key.tenant] = found.state
                if found.markers or found.taken_back:
                    await self._store.save_markers(tx, key.tenant, found.markers, found.taken_back)
                due_ms = windows[0].due_ms
                outgoing += self._records(found, timestamp_ms if due_ms is None else due_ms)
            await self._store.save_versions(tx, partition, states)
        return sorted(outgoing, key=lambda each: each.timestamp_ms or 0)

    def _records(self, found: Published, at_ms: int | None) -> list[Outgoing]:
        return [
            Outgoing(topics.ANOMALIES, each.tenant.encode(), self._encode(each), None, at_ms) for each in found.events
        ]


def _fives(revised: Sequence[WindowRevision]) -> list[_Fives]:
    judged = (each for each in revised if each.key.length_s == FIVE_MINUTES_S and not each.backfill)
    return [(key, list(windows)) for key, windows in groupby(judged, key=lambda each: each.key)]
