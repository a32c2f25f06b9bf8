"""The guarded 2 × baseline rule: each window against earlier comparable periods, or the policy's expected rate.

* Days report every excess: `high` when the guard test is significant, else `low_evidence`. Three and seven days of a
  tenant (`core.cusum.rolling`) report significant ones only: what a day cannot prove they may. Windows shorter than a
  day are not judged by it; their evidence adds up in charts (`core.cusum`).
* Failures of one subject cluster, so the test divides the counts of all attempts by their design effect
  (`detectors.clusters`); first attempts, and attacks and impostors whose truth labels tell, count as they are.
* A single failure is never reported, however small the window, nor a whole tenant of fewer than `daily_trials`: they
  cannot tell a rate.
"""

from typing import Final

from proofwatch.biometrics.baseline import Baseline, Comparison, compare
from proofwatch.events.segments import VERSIONS
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.baselines import BaselineState, earlier
from services.aggregator.core.detectors.detector import Detector, Reading, Trials
from services.aggregator.core.finding import Evidence
from services.aggregator.core.life import Observation
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import DAY_S

_FEWEST: Final = 2


def watches(series: SeriesKey, monitoring: Monitoring) -> bool:
    """Return whether the policy expects a rate of this metric.

    Versions of matcher and PAD are compared with each other (`core.versions`); alone they are the whole tenant.
    """
    return series.metric in monitoring.expected and series.segment_name not in VERSIONS


def read(trials: Trials, baseline: BaselineState, monitoring: Monitoring) -> Reading:
    """Return how the window compares with the periods before it."""
    return compared(trials, earlier(baseline, trials.series.length_s, trials.start_ms), monitoring)


def compared(trials: Trials, before: Baseline, monitoring: Monitoring) -> Reading:
    """Return how k of n compare with what was before."""
    series, k, n = trials.series, trials.k, trials.n
    expected = monitoring.expected[series.metric]
    found = compare(
        k,
        n,
        before,
        expected,
        monitoring.factor,
        monitoring.alpha,
        monitoring.min_periods,
        design_effect=trials.design_effect,
    )
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
    enough = k >= _FEWEST and (series.segment_name is not None or n >= monitoring.daily_trials)
    return Reading(_observe(found, enough=enough, lists_all=series.length_s <= DAY_S), evidence)


def _observe(found: Comparison, *, enough: bool, lists_all: bool) -> Observation:
    if not found.exceeds:
        return "within"
    if enough and found.severity == "high":
        return "high"
    return "low_evidence" if enough and lists_all else "weak"


TWICE_BASELINE: Final = Detector("twice_baseline", watches, read, fewest=_FEWEST)
