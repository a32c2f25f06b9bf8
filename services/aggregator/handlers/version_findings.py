"""What a step finds in the versions of its tenants, five minutes by five minutes: records of anomalies, and markers."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import ANOMALY
from proofwatch.events.wire import Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.governed_markers import Governed, GovernedMarker
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.real_time.due import DueTimes
from services.aggregator.core.versions.tenant import TenantVersions, closed, silence_ms, silent
from services.aggregator.core.versions.told import publish
from services.aggregator.handlers.found_record import found_record
from services.aggregator.ports.watches import VersionsStore

_UNATTENDED: Final = 50
"""Five minutes of tenants between two looks at the clock: see `minute_findings`."""
_Fives = tuple[BucketKey, list[WindowRevision]]


class VersionFindings:
    """Moves the states of the tenants, stores them and their markers, and makes records of what is found."""

    def __init__(self, monitoring: Monitoring, grace_ms: int, wire: Wire, store: VersionsStore) -> None:
        """`grace_ms`: how long after its end a window closes, and after a silence what ended by it."""
        self._grace_ms = grace_ms
        self._rule = monitoring.versions
        self._store = store
        self._encode = wire.encoder(ANOMALY)

    async def publish(
        self,
        revised: Sequence[WindowRevision],
        timestamp_ms: int | None,
        due: DueTimes,
        silent_ms: int | None,
        partition: int,
        days_of: DaysOf,
        governed: Governed,
        tx: Any,
    ) -> list[Outgoing]:
        """Return what the revised windows of five minutes tell, and what ends because none came up to `silent_ms`.

        What a closing tells has the time at which it was due; what a restatement does, `timestamp_ms`. `governed`: the
        markers of these tenants, and of those that are `due`.
        """
        outgoing: list[Outgoing] = []
        fives = fives_of(revised)
        states = await self._store.load_versions(tx, {key.tenant for key, _ in fives})
        for number, (key, windows) in enumerate(fives):
            if number % _UNATTENDED == 0:
                await self._store.attend(tx)
            due_ms, markers = windows[0].due_ms, governed.get(key.tenant, ())
            if due_ms is not None:  # what is restated is no sign that time went on
                outgoing += await self._silent(key.tenant, states, key.end_ms, days_of, markers, tx)
            shown = [each.window for each in windows]
            states[key.tenant] = closed(
                states[key.tenant], key.start_ms, shown, self._rule, days_of(key.tenant), markers
            )
            at_ms = timestamp_ms if due_ms is None else due_ms
            outgoing += await self._published(key.tenant, states, at_ms, days_of, tx)
        _note(states, states, due)
        late = dict.fromkeys(due.by(silent_ms))
        states |= await self._store.load_versions(tx, late.keys() - states.keys())
        for tenant in late:
            assert silent_ms is not None, "nobody is due before time has begun"
            outgoing += await self._silent(tenant, states, silent_ms, days_of, governed.get(tenant, ()), tx)
        _note(late, states, due)
        await self._store.save_versions(tx, partition, states, {tenant: due.at(tenant) for tenant in states})
        return sorted(outgoing, key=lambda each: each.timestamp_ms or 0)

    async def _silent(
        self,
        tenant: str,
        states: dict[str, TenantVersions],
        until_ms: int,
        days_of: DaysOf,
        markers: Sequence[GovernedMarker],
        tx: Any,
    ) -> list[Outgoing]:
        due_ms = silence_ms(states[tenant])
        if due_ms is None or until_ms < due_ms:
            return []
        states[tenant] = silent(states[tenant], until_ms, self._rule, markers)
        return await self._published(tenant, states, due_ms + self._grace_ms, days_of, tx)

    async def _published(
        self, tenant: str, states: dict[str, TenantVersions], at_ms: int | None, days_of: DaysOf, tx: Any
    ) -> list[Outgoing]:
        found = publish(tenant, states[tenant])
        states[tenant] = found.state
        if found.markers or found.taken_back:
            await self._store.save_markers(tx, tenant, found.markers, found.taken_back)
        return [found_record(self._encode, each, days_of, at_ms) for each in found.events]


def _note(tenants: Iterable[str], states: Mapping[str, TenantVersions], due: DueTimes) -> None:
    for tenant in tenants:
        due.note(tenant, silence_ms(states[tenant]))


def fives_of(revised: Sequence[WindowRevision]) -> list[_Fives]:
    """Return the five minutes of tenants that are looked at, with their windows."""
    judged = (each for each in revised if each.key.length_s == FIVE_MINUTES_S and not each.backfill)
    return [(key, list(windows)) for key, windows in groupby(judged, key=lambda each: each.key)]
