"""Step-up MFA for a cohort of which a finding fires that its APCER is above the limit, beside the rule of single days.

| finding | step-up control off | on |
|---|---|---|
| fires, and something of it became known | on, expires after 7 days | renewed, once a day: 7 days more |
| has ended, or there is none | – | –, it ends by itself when it expires, or by a day that passes |

While it fires no day that passes turns the control off: 28 days prove more than one.
"""

from collections.abc import Mapping

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Control
from proofwatch.governance.cohort import Cohort
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.limits import attacks
from services.aggregator.core.limits.judging import breach
from services.aggregator.core.limits.reading import Promise, window
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import APCER
from services.aggregator.core.step_up_control import HOLD_MS, LEAD_MS, Ruling, StepUpState
from services.aggregator.core.times import DAY_MS


def demand(
    cohort: Cohort,
    limits: CohortState,
    promised: Mapping[str, Promise],
    state: StepUpState | None,
    now_ms: int,
    days: TenantDays,
) -> Ruling:
    """Return what the cohort's findings mean for its step-up control; `now_ms` is the log time."""
    finding, last = breach(limits), limits.last_day(APCER)
    if finding is None or last is None or APCER not in promised:
        return Ruling(state)
    if state and state.expires_ms is not None and state.expires_ms - now_ms > HOLD_MS - DAY_MS:
        return Ruling(state)
    begins_ms = now_ms + LEAD_MS
    expires_ms = begins_ms + HOLD_MS
    day_ms = max(days.numbered(last).start_ms, state.day_ms if state else 0)
    counted = [window(each, last) for each in limits.members(APCER).values()]
    k, n = max(((k, n) for k, n in counted if n), key=lambda each: each[0] / each[1], default=(0, 0))
    evidence = {"k": float(k), "n": float(n), "limit": promised[APCER].limit}
    if limits.evidence:
        evidence["e_value"] = attacks.statistic(limits.evidence)
    tenant, name, value = cohort
    control = Control(
        schema_version=1,
        control_id=derived_id("control", "step_up_mfa", tenant, name, value, "on", begins_ms),
        measure="step_up_mfa",
        state="on",
        tenant=tenant,
        segment_name=name,
        segment_value=value,
        effective_from=instant_of(begins_ms),
        expires_at=instant_of(expires_ms),
        reason="apcer_breach",
        evidence=evidence,
    )
    return Ruling(StepUpState(day_ms, expires_ms), control)
