"""The promised limits at each closing of a day: what became known since, what is found, and step-up for attacks."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, CONTROL
from proofwatch.events.types import Anomaly, Control
from proofwatch.events.wire import Wire
from proofwatch.governance.cohort import Cohort
from proofwatch.governance.policy import Policy
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.labelled_days import Closed
from services.aggregator.core.limits.judging import TenantLimits, promises
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.step_up import demand
from services.aggregator.core.step_up_control import StepUpState
from services.aggregator.handlers.found_record import found_record
from services.aggregator.ports.ledger import LedgerStores

_TENANTS_PER_STEP: Final = 100


class PromisedLimits:
    """Judges what is due, and demands step-up of cohorts whose attacks are found to pass too often."""

    def __init__(self, policy: Policy, grace_ms: int, wire: Wire, stores: LedgerStores) -> None:
        self._promised = promises(policy.limits, policy.min_trials)
        self._grace_ms = grace_ms
        self._limits, self._controls = stores.limits, stores.controls
        self._anomaly, self._control = wire.encoder(ANOMALY), wire.encoder(CONTROL)

    async def judge(
        self, closed: Closed, days_of: DaysOf, timestamp_ms: int, heard_ms: int | None, tx: Any
    ) -> tuple[list[Outgoing], bool]:
        """Return the records of what is due by the closing of these days, and whether that was all.

        For the one publisher only; whoever is at their closing has every lane past it. `heard_ms`: where the log ends;
        None: it goes on.
        """
        tenants = await self._limits.due(tx, closed, _TENANTS_PER_STEP)
        if not tenants:
            return [], True
        known = await self._limits.take(tx, tenants, closed)
        cohorts = await self._limits.load(tx, tenants)
        found: list[Anomaly] = []
        changed: dict[Cohort, CohortState] = {}
        for tenant in tenants:
            days = days_of(tenant)
            limits = TenantLimits(tenant, cohorts[tenant], self._promised, self._grace_ms, days, heard_ms)
            found += limits.judge(known[tenant], closed.of(tenant))
            mine = {Cohort(tenant, *segment): cohorts[tenant][segment] for segment in limits.changed}
            await self._limits.save(tx, mine)  # at once: a transaction that is silent for five seconds is ended
            changed |= mine
        controls = await self._demand(changed, tenants, days_of, timestamp_ms, tx)
        records = [
            *(found_record(self._anomaly, each, days_of, timestamp_ms) for each in found),
            *(_outgoing(topics.CONTROLS, each.control_id, self._control(each), timestamp_ms) for each in controls),
        ]
        return records, len(tenants) < _TENANTS_PER_STEP

    async def _demand(
        self, changed: Mapping[Cohort, CohortState], tenants: Collection[str], days_of: DaysOf, now_ms: int, tx: Any
    ) -> list[Control]:
        states = await self._controls.load(tx, tenants)
        moved: dict[Cohort, StepUpState] = {}
        controls: list[Control] = []
        for cohort in sorted(changed, key=lambda each: tuple(part or "" for part in each)):
            state, control = demand(
                cohort, changed[cohort], self._promised, states.get(cohort), now_ms, days_of(cohort.tenant)
            )
            if control and state:
                moved[cohort] = state
                controls.append(control)
        await self._controls.save(tx, moved)
        return controls


def _outgoing(topic: str, key: str, value: bytes, timestamp_ms: int) -> Outgoing:
    return Outgoing(topic, key.encode(), value, timestamp_ms=timestamp_ms)
