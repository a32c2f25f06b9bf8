"""What a step finds in the minutes of whole tenants, and in their absence: records of anomalies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import ANOMALY
from proofwatch.events.wire import Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.governed_markers import Governed
from services.aggregator.core.merge import totals
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.due import DueTimes
from services.aggregator.core.real_time.findings import Published, publish
from services.aggregator.core.real_time.minute import minute_of
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState
from services.aggregator.core.times import MINUTE_S
from services.aggregator.handlers.found_record import found_record
from services.aggregator.ports.watches import MinuteWatchStore

_UNATTENDED: Final = 50
"""Minutes between two looks at the clock: a transaction that says nothing for five seconds loses its connection."""


class MinuteFindings:
    """Moves the states of the tenants, stores them, and makes records of what is found."""

    def __init__(self, monitoring: Monitoring, grace_ms: int, wire: Wire, store: MinuteWatchStore) -> None:
        """`grace_ms`: how long after its end a minute closes."""
        self._watch = MinuteWatch(monitoring.real_time, DETECTORS, monitoring.expected)
        self._grace_ms = grace_ms
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
        """Return what the revised minutes tell, and what the absence of minutes does that ended by `silent_ms`.

        What a closing tells has the time at which it was due; what a restatement does, `timestamp_ms`. `governed`: the
        markers of these tenants.
        """
        minutes = [each for each in revised if _is_judged(each)]
        outgoing: list[Outgoing] = []
        states = await self._store.load_tenants(tx, {each.key.tenant for each in minutes})
        for number, each in enumerate(minutes):
            if number % _UNATTENDED == 0:
                await self._store.attend(tx)
            tenant, minute = each.key.tenant, minute_of(each.key.start_ms, totals(each.window))
            days = days_of(tenant)
            state, changes = self._watch.closed(states[tenant], minute, days, governed.get(tenant, ()))
            states[tenant], found = publish(tenant, state, changes, self._watch.standing(state, days), DETECTORS)
            outgoing += self._records(found, None if each.due_ms is not None else timestamp_ms, days_of)
        self._note(states, states, due, days_of)
        silent = dict.fromkeys(due.by(silent_ms))
        states |= await self._store.load_tenants(tx, silent.keys() - states.keys())
        for tenant in silent:
            outgoing += self._absence(tenant, states[tenant], silent_ms, states, days_of)
        self._note(silent, states, due, days_of)
        self._watch.step_ended()
        await self._store.save_tenants(tx, partition, {each: (state, due.at(each)) for each, state in states.items()})
        return sorted(outgoing, key=lambda each: each.timestamp_ms or 0)

    def _note(self, tenants: Iterable[str], states: Mapping[str, TenantState], due: DueTimes, days_of: DaysOf) -> None:
        for tenant in tenants:
            due.note(tenant, self._watch.due_ms(states[tenant], days_of(tenant)))

    def _absence(
        self, tenant: str, state: TenantState, until_ms: int | None, states: dict[str, TenantState], days_of: DaysOf
    ) -> list[Outgoing]:
        days = days_of(tenant)
        if until_ms is None or not (changes := self._watch.absent(state, until_ms, days)):
            return []
        states[tenant], found = publish(tenant, state, changes, self._watch.standing(state, days), DETECTORS)
        return self._records(found, None, days_of)

    def _records(self, found: Sequence[Published], at_ms: int | None, days_of: DaysOf) -> list[Outgoing]:
        return [
            found_record(self._encode, each.event, days_of, each.at_ms + self._grace_ms if at_ms is None else at_ms)
            for each in found
        ]


def _is_judged(revised: WindowRevision) -> bool:
    return revised.key.length_s == MINUTE_S and revised.window.name is None and not revised.backfill
