"""The guarded 2 × baseline rule: each window against earlier comparable periods, or the policy's expected rate.

* Days report every excess: `high` when the guard test is significant, else `low_evidence`. Three and seven days of a
  tenant (`core.cusum.rolling`) report significant ones only: what a day cannot prove they may. Windows shorter than a
  day are not judged by it; their evidence adds up in charts (`core.cusum`).
* Failures of one subject cluster, so the test divides the counts of all attempts by their design effect
  (`detectors.clusters`); first attempts, and attacks and impostors whose truth labels tell, count as they are.
* After a governed marker days are compared with days since it, once these have 20 failures or `min_periods`; until then
  nothing is said, nor of the marker's own day: what the policy expects is not what is usual there. The comparison of
  before and after judges meanwhile (`core.versions`), and the charts as soon as they know 20 failures.
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
_KNOWN: Final = 20


def watches(series: SeriesKey, monitoring: Monitoring) -> bool:
    """Return whether the policy expects a rate of this metric.

    Versions of matcher and PAD are compared with each other (`core.versions`); alone they are the whole tenant.
    """
    return series.metric in monitoring.expected and series.segment_name not in VERSIONS


def read(trials: Trials, baseline: BaselineState, monitoring: Monitoring) -> Reading:
    """Return how the window compares with the periods before it."""
    before = earlier(baseline, trials.series.length_s, trials.start_ms)
    reading = compared(trials, before, monitoring, began_anew=baseline.begun_ms > 0)
    return reading._replace(observation="weak") if trials.start_ms < baseline.begun_ms else reading


def compared(trials: Trials, before: Baseline, monitoring: Monitoring, *, began_anew: bool = False) -> Reading:
    """Return how k of n compare with what was before; `began_anew`: not long ago, by a governed marker or a person."""
    series, k, n = trials.series, trials.k, trials.n
    expected = monitoring.expected[series.metric]
    known = began_anew and before.k >= _KNOWN
    least = 1 if known else monitoring.min_periods
    effect = trials.design_effect
    found = compare(k, n, before, expected, monitoring.factor, monitoring.alpha, least, design_effect=effect)
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
    if began_anew and not known and before.periods < monitoring.min_periods:
        return Reading("weak", evidence)
    return Reading(_observe(found, enough=enough, lists_all=series.length_s <= DAY_S), evidence)


def _observe(found: Comparison, *, enough: bool, lists_all: bool) -> Observation:
    if not found.exceeds:
        return "within"
    if enough and found.severity == "high":
        return "high"
    return "low_evidence" if enough and lists_all else "weak"


TWICE_BASELINE: Final = Detector("twice_baseline", watches, read, fewest=_FEWEST)
