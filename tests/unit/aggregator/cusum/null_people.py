"""How often the chart of people who are referred accuses a tenant that does nothing wrong.

    python -m tests.unit.aggregator.cusum.null_people 10 90 1000 0.0008

Ten tenants for 90 days, of 1,000 attempts an hour of people who were not referred yet, of whom 0.08 % are: 1 % of first
attempts fail, and 28 % of retries again, twice. `often` is what a chart at a limit does by itself, in years that no
computer plays window by window: each person is independent of the others, so the chart moves by exponential waits.
"""

import sys
from collections import Counter
from math import log

import numpy as np

from proofwatch.detection.findings import PEOPLE_REFERRED
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.cusum.kinds import Trials
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.merge import BucketKey
from tests.unit.aggregator.cusum.traffic import POLICY

_BANK = RowKey("bank", None, None)
_DAY = 288


def null_findings(seed: int, days: int, per_hour: float, rate: float) -> tuple[Counter[str], float]:
    """Return how many findings of each kind a whole tenant has in so many days, and its dispersion by then."""
    rows, hours, found = {_BANK: RateRow()}, {_BANK: HourRow()}, Counter[str]()
    watch = RateWatch(POLICY, rows, hours, {}, utc_days)
    chance = np.random.default_rng(seed)
    n = chance.poisson(per_hour / 12, days * _DAY)
    for number, (trials, k) in enumerate(zip(n.tolist(), chance.binomial(n, rate).tolist(), strict=True)):
        bucket = BucketKey("bank", FIVE_MINUTES_S, number * FIVE_MS)
        counts = [(_BANK, Trials({PEOPLE_REFERRED: (k, trials)}))] if trials else []
        for event in watch.judge_counts(bucket, counts, bucket.end_ms):
            if event.state == "firing":
                found[f"{event.severity} {event.direction}"] += 1
    return found, rows[_BANK].rates[PEOPLE_REFERRED].phi


def often(seed: int, limit: float, ratio: float, people: int, known: float = 1.0) -> float:
    """Return how often a chart reaches its limit for each of so many people; `known`: the baseline to the true rate."""
    chance, series = np.random.default_rng(seed), 20_000
    chart, over, alarms = np.zeros(series), np.zeros(series, bool), 0
    for _ in range(people // series):
        chart -= chance.exponential(known * (ratio - 1), series)
        over &= chart > 0.0
        chart = np.maximum(chart, 0.0) + log(ratio)
        alarms += int((~over & (chart >= limit)).sum())
        over |= chart >= limit
    return alarms / (people // series * series)


if __name__ == "__main__":
    tenants, length, size, share = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    total: Counter[str] = Counter()
    for tenant in range(tenants):
        told, phi = null_findings(tenant, length, size, share)
        total += told
        sys.stdout.write(f"{tenant + 1} tenants for {length} days: {dict(total)}, dispersion {phi:.3f}\n")
        sys.stdout.flush()
