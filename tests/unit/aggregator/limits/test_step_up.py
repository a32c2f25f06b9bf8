"""Step-up goes on with a finding that attacks pass, is renewed once a day, and is left to expire."""

from proofwatch.governance.cohort import Cohort
from proofwatch.governance.tenant_days import UTC_DAYS
from proofwatch.instants import instant_of
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.step_up import demand
from services.aggregator.core.step_up_control import HOLD_MS, LEAD_MS, StepUpState
from services.aggregator.core.times import DAY_MS
from tests.unit.aggregator.limits.tenant import MONDAY, PROMISED, Tenant, counted

NOW = (MONDAY + 2) * DAY_MS
BANK = Cohort("bank")


def state(k: int, n: int) -> CohortState:
    tenant = Tenant()
    tenant.evaluate({counted("apcer", 0, species="mask"): (k, n)})
    return tenant.cohorts[None, None]


def test_a_finding_turns_it_on_for_a_week() -> None:
    """By either rule: 28 days that prove it, or evidence that adds up."""
    for k, n in ((180, 20_000), (4, 4)):
        standing, control = demand(BANK, state(k, n), PROMISED, None, NOW, UTC_DAYS)
        assert control is not None
        assert (control.state, control.reason, control.segment_name) == ("on", "apcer_breach", None)
        assert control.expires_at == instant_of(NOW + LEAD_MS + HOLD_MS)
        assert (control.evidence["k"], control.evidence["n"]) == (k, n)
        assert control.evidence["e_value"] >= 10_000
        assert standing == StepUpState(MONDAY * DAY_MS, NOW + LEAD_MS + HOLD_MS)


def test_it_is_renewed_once_a_day() -> None:
    """Not by every batch; and what decided last never goes back in time."""
    first = demand(BANK, state(180, 20_000), PROMISED, None, NOW, UTC_DAYS).state
    assert demand(BANK, state(180, 20_000), PROMISED, first, NOW + DAY_MS // 2, UTC_DAYS) == (first, None)
    newer = StepUpState((MONDAY + 1) * DAY_MS, NOW + HOLD_MS)
    renewed, control = demand(BANK, state(180, 20_000), PROMISED, newer, NOW + 2 * DAY_MS, UTC_DAYS)
    assert control is not None
    assert renewed == StepUpState((MONDAY + 1) * DAY_MS, NOW + 2 * DAY_MS + LEAD_MS + HOLD_MS)


def test_without_a_finding_nothing_changes() -> None:
    """It ends by itself, or by a day that passes."""
    on = StepUpState(MONDAY * DAY_MS, NOW + 5)
    assert demand(BANK, state(0, 2_000), PROMISED, on, NOW, UTC_DAYS) == (on, None)
    assert demand(BANK, CohortState(), PROMISED, None, NOW, UTC_DAYS) == (None, None)
    assert demand(BANK, state(180, 20_000), {}, None, NOW, UTC_DAYS) == (None, None)
