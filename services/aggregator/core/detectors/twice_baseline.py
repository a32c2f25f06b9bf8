"""The guarded 2 × baseline rule: each window against earlier comparable periods, or the policy's expected rate.

* Daily windows report every excess: `high` when the guard test is significant, else `low_evidence`. Shorter windows
  report significant ones only: at their size the bare rule fires in every tenth window, and the longer windows decide
  what they cannot.
* A single failure is never reported, however small the window: one event cannot tell a rate.
"""

from typing import Final

from proofwatch.biometrics.baseline import Comparison, compare
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.baselines import BaselineState, earlier
from services.aggregator.core.detectors.detector import Detector, Reading, Trials
from services.aggregator.core.finding import Evidence
from services.aggregator.core.life import Observation
from services.aggregator.core.series import SeriesKey, cadence_of

_FEWEST: Final = 2


def watches(series: SeriesKey, monitoring: Monitoring) -> bool:
    """Return whether the policy expects a rate of this metric."""
    return series.metric in monitoring.expected


def read(trials: Trials, baseline: BaselineState, monitoring: Monitoring) -> Reading:
    """Return how the window compares with the periods before it."""
    series, k, n = trials.series, trials.k, trials.n
    before = earlier(baseline, series.length_s, trials.start_ms)
    expected = monitoring.expected[series.metric]
    found = compare(k, n, before, expected, monitoring.factor, monitoring.alpha, monitoring.min_periods)
    counts = (0, 0, 0) if found.basis == "expected rate" else (before.k, before.n, before.periods)
    evidence = Evidence(
        rate=found.rate or 0.0,
        low=found.low or 0.0,
        high=1.0 if found.high is None else found.high,
        baseline_k=counts[0],
        baseline_n=counts[1],
        baseline_rate=found.baseline_rate,
        baseline_periods=counts[2],
        ratio=found.ratio or 0.0,
        p_value=found.p_value,
    )
    return Reading(_observe(found, k, reports_low_evidence=cadence_of(series.length_s).reports_low_evidence), evidence)


def _observe(found: Comparison, k: int, *, reports_low_evidence: bool) -> Observation:
    if not found.exceeds:
        return "within"
    if k >= _FEWEST and found.severity == "high":
        return "high"
    return "low_evidence" if k >= _FEWEST and reports_low_evidence else "weak"


TWICE_BASELINE: Final = Detector("twice_baseline", watches, read, fewest=_FEWEST)
