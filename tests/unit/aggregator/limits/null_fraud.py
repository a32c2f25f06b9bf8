"""Simulated years in which fraud is as frequent as ever, in labels that come days late.

`python -m tests.unit.aggregator.limits.null_fraud YEARS` prints findings a tenant-year.
"""

import sys

import numpy as np

from services.aggregator.core.limits.fraud import read
from services.aggregator.core.limits.state import KEPT_DAYS


def year(seed: int, a_day: float, accepted: int, delay: float = 8.0, days: int = 365, jump: float = 1.0) -> list[int]:
    """Return on which days a spike begins; after half of the year fraud is `jump` times as frequent."""
    rng = np.random.default_rng(seed)
    total = days + KEPT_DAYS
    known: dict[int, dict[int, int]] = {}
    for day in range(total):
        n = rng.poisson(a_day * (jump if day >= KEPT_DAYS + days // 2 else 1.0))
        for late in rng.exponential(delay, n).astype(int):
            coming = known.setdefault(day + int(late), {})
            coming[day] = coming.get(day, 0) + 1
    counts: dict[int, tuple[int, int]] = {}
    found, firing = [], False
    for at in range(total):
        counts[at] = counts.get(at, (0, 0))[0], accepted
        for day, k in known.get(at, {}).items():
            counts[day] = counts[day][0] + k, accepted
        counts.pop(at - KEPT_DAYS, None)
        if at >= KEPT_DAYS and (spike := read(counts, at)):
            if spike.observation == "high" and not firing:
                firing = True
                found.append(at - KEPT_DAYS)
            elif spike.observation == "within":
                firing = False
    return found


def main(years: int) -> None:
    """Print the table."""
    for a_day in (0.05, 0.2, 1.0, 5.0, 20.0):
        false = sum(len(year(seed, a_day, 2_000)) for seed in range(years))
        doubled = [year(seed, a_day, 2_000, jump=3.0) for seed in range(20)]
        delays = sorted(min((day - 182 for day in each if day >= 182), default=999) for each in doubled)
        line = f"{a_day} a day: {false / years:.4f} false a year; threefold seen after {delays[10]} days (median)"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
