"""The labelled days that are due, and what follows from them: windows, anomalies, controls."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, CONTROL, WINDOW
from proofwatch.events.types import Anomaly, Control, Window
from proofwatch.events.wire import Wire
from proofwatch.governance.cohort import Cohort
from proofwatch.governance.policy import Policy
from proofwatch.instants import ms_of
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.labelled_counts import class_counts, transactions_by_policy
from services.aggregator.core.labelled_days import slot_of_day, watched, window_of_day
from services.aggregator.core.labelled_windows import Labelled, window_event
from services.aggregator.core.log_end import breaks_off
from services.aggregator.core.quiet import LABELS_SILENCE_MS, firing_slots
from services.aggregator.core.step_up_control import StepUpState, cohort_of, rule
from services.aggregator.core.watch import Watch
from services.aggregator.handlers.found_record import found_record
from services.aggregator.ports.ledger import Due, LedgerStores

_UNATTENDED: Final = 20
"""Windows that are made or judged between two statements: see `window_findings`; these have thousands of cells."""


class LabelledDays:
    """Makes records of the days that are due, judges them, and turns controls on and off."""

    def __init__(self, policy: Policy, wire: Wire, stores: LedgerStores) -> None:
        self._policy = policy
        self._ledger, self._anomalies = stores.ledger, stores.anomalies
        self._controls, self._limits = stores.controls, stores.limits
        self._window, self._anomaly = wire.encoder(WINDOW), wire.encoder(ANOMALY)
        self._control = wire.encoder(CONTROL)

    async def publish(
        self,
        due: Sequence[Due],
        timestamp_ms: int,
        until: Callable[[str], int],
        heard_ms: int | None,
        days_of: DaysOf,
        tx: Any,
    ) -> list[Outgoing]:
        """Return the records; store what is known of anomalies and controls now.

        `until`: up to when everything of a tenant is judged (ms since 1970); what had no labels for too long by then
        has ended. `heard_ms`: where the log ends; None: it goes on.
        """
        windows = await self._windows(due, days_of, tx)
        anomalies = await self._judge(windows, until, heard_ms, days_of, tx)
        controls = await self._rule(windows, timestamp_ms, tx)
        return [
            *(_outgoing(topics.WINDOWS, each.tenant, self._window(each), timestamp_ms) for each in windows),
            *(found_record(self._anomaly, each, days_of, timestamp_ms) for each in anomalies),
            *(_outgoing(topics.CONTROLS, each.control_id, self._control(each), timestamp_ms) for each in controls),
        ]

    async def _windows(self, due: Sequence[Due], days_of: DaysOf, tx: Any) -> list[Window]:
        edges = await self._ledger.edge_sets(tx, (cell for each in due for cell, _ in each.cells))
        windows = []
        for number, each in enumerate(due):
            if number % _UNATTENDED == 0:
                await self._ledger.attend(tx)
            counts, by_policy = class_counts(each.cells, edges), transactions_by_policy(each.cells)
            labelled = Labelled(each.key, each.revision, not each.live, counts, each.requested, by_policy)
            windows.append(window_event(labelled, self._policy, days_of(each.key.tenant)))
        return windows

    async def _judge(
        self,
        windows: Sequence[Window],
        until: Callable[[str], int],
        heard_ms: int | None,
        days_of: DaysOf,
        tx: Any,
    ) -> list[Anomaly]:
        """Judge the windows in their order, and end what had no labels for too long, at its place among them."""
        anomalies = await self._anomalies.load_firing(tx)
        anomalies |= await self._anomalies.load_anomalies(tx, {window.tenant for window in windows})
        if not anomalies and not windows:
            return []
        slots = {*(slot_of_day(window, days_of) for window in windows), *firing_slots(anomalies, days_of)}
        baselines = await self._anomalies.load_baselines(tx, slots)
        watch = Watch(self._policy.monitoring, baselines, anomalies, silence_ms=LABELS_SILENCE_MS, days_of=days_of)
        tenants = {key.tenant for key in anomalies} | {window.tenant for window in windows}
        events: list[Anomaly] = []
        silent_ms = {tenant: until(tenant) for tenant in sorted(tenants)}
        if heard_ms is not None:
            silent_ms = {tenant: min(at_ms, heard_ms) for tenant, at_ms in silent_ms.items()}
        judged = _judged(watch, windows, silent_ms, heard_ms, days_of)
        for number, found in enumerate(judged):
            events += found
            if number % _UNATTENDED == 0:
                await self._ledger.attend(tx)
        await self._anomalies.save(tx, watch.changed_baselines, watch.ends.changed)
        return events

    async def _rule(self, windows: Sequence[Window], now_ms: int, tx: Any) -> list[Control]:
        """Return the step-up controls that these windows turn on and off, the oldest day first."""
        tenants = {window.tenant for window in windows}
        states = await self._controls.load(tx, tenants)
        breached = await self._limits.breached(tx, tenants)
        moved: dict[Cohort, StepUpState] = {}
        controls: list[Control] = []
        for window in sorted(windows, key=lambda each: each.start):
            cohort = cohort_of(window)
            state, control = rule(window, states.get(cohort), now_ms)
            if control and control.state == "off" and cohort in breached:
                continue  # a day that passes does not outweigh 28 days in breach
            if control and state:
                states[cohort] = moved[cohort] = state
                controls.append(control)
        await self._controls.save(tx, moved)
        return controls


def _judged(
    watch: Watch,
    windows: Sequence[Window],
    silent_ms: Mapping[str, int],
    heard_ms: int | None,
    days_of: DaysOf,
) -> Iterator[Iterable[Anomaly]]:
    """Yield what each window and each silence tells; it is judged when it is asked for."""
    for (tenant, day), those in groupby(windows, key=lambda each: (each.tenant, each.start)):
        yield [event for _, event in watch.ends.silent(ms_of(day), tenant)]
        for window in those:
            ref = window_of_day(window)
            ref = ref._replace(broken_off=breaks_off(ref.end_ms, heard_ms))
            yield watch.judge_window(slot_of_day(window, days_of), ref, watched(window))
    for tenant, at_ms in silent_ms.items():
        yield [event for _, event in watch.ends.silent(at_ms, tenant)]


def _outgoing(topic: str, key: str, value: bytes, timestamp_ms: int) -> Outgoing:
    return Outgoing(topic, key.encode(), value, timestamp_ms=timestamp_ms)
