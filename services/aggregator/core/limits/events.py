"""The event of a finding about a promised limit."""

from collections.abc import Sequence
from typing import NamedTuple

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.enumerations import AnomalyAction
from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.limits.begun import Begun
from services.aggregator.core.limits.findings import Moved, SeriesId
from services.aggregator.core.limits.reading import CONFIDENCE, DAYS, DESIGN_EFFECT, Promise, lower_bound, p_value
from services.aggregator.core.limits.trials import APCER

_MOST_LISTED = 50
_MANY = 10**9


class Telling(NamedTuple):
    """What an event says beside the finding itself.

    `known_ms`: the log time at which it became known; `labelled`: the day of the tenant's first labelled transaction,
    before which no window begins; `begun`: on which day, None: nobody knows; `statistic` and
    `threshold`: None stands for the lower bound and the limit.
    """

    promise: Promise
    known_ms: int
    labelled: int
    begun: Begun | None
    segments: Sequence[str] = ()
    statistic: float | None = None
    threshold: float | None = None


def event(series: SeriesId, moved: Moved, telling: Telling, days: TenantDays) -> Anomaly:
    """Return the event; its window is the 28 days that say so, as far as there were labels, or those without any."""
    action: AnomalyAction = "step_up_mfa" if series.metric == APCER else "audit_and_threshold_proposal"
    reading, state, promise = moved.reading, moved.state, telling.promise
    first = telling.begun if state.firing else None
    k, n = (reading.k, reading.n) if reading else (0, 0)
    broken = reading.broken if reading else promise.limit
    low, high = wilson(k, n) if n else (0.0, 1.0)
    effect = DESIGN_EFFECT.get(series.metric, 1.0)
    rate = k / n if n else 0.0
    began = max(moved.end - DAYS + 1, min(telling.labelled, moved.end))
    unproven = state.firing and state.severity == "low_evidence"
    evidence = Evidence(
        rate, low, high, 0, 0, broken, 0, rate / broken, p_value(k / effect, n / effect, broken) if n else 1.0
    )
    return build_anomaly(
        series,
        Stated(state.anomaly_id, state.revision, state.state, state.severity),
        Counted(days.numbered(began).start_ms, days.numbered(moved.end).end_ms, k, n, evidence),
        cadence="at_once",
        action=action,
        resolution=None if reading else "no_traffic",
        direction="up",
        since=instant_of(days.numbered(first.day).start_ms) if first else None,
        since_low=instant_of(days.numbered(first.low).start_ms) if first else None,
        since_high=instant_of(days.numbered(first.high).end_ms) if first else None,
        known_at=instant_of(telling.known_ms),
        statistic=telling.statistic if telling.statistic is not None else reading.bound if reading else None,
        threshold=broken if telling.threshold is None else telling.threshold,
        affected=reading.excess if reading and state.firing else None,
        trials_needed=trials_needed(k, n, promise.limit, effect) if unproven else None,
        species=(reading.species or None) if reading else None,
        segments=tuple(telling.segments[:_MOST_LISTED]) or None,
    )


def trials_needed(k: int, n: int, limit: float, effect: float) -> int | None:
    """Return how many more trials at the rate k / n would prove the limit broken; None: no number would."""
    if not n or k <= limit * n:
        return None

    def proven(total: int) -> bool:
        return lower_bound(k / n * total / effect, total / effect, CONFIDENCE) > limit

    least, most = n, 2 * n
    while not proven(most):
        least, most = most, 2 * most
        if most > _MANY:
            return None
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if proven(middle) else (middle, most)
    return most - n
