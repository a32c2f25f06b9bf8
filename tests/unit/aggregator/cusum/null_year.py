"""How often charts accuse a tenant that does nothing wrong: simulated years, with retries that fail again.

    python -m tests.unit.aggregator.cusum.null_year 10 365

Ten tenant-years of 1,000 first attempts an hour at 1 %, by six rates, with four values of 25 % of each of five
attributes. Whoever fails tries again at once and fails again in 28 %, so failures come in clusters (phi = 1.78).
"""

import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from proofwatch.governance.policy import Monitoring
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.cusum.kinds import Trials
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.figures import PROXIES
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.merge import BucketKey
from tests.unit.aggregator.cusum.traffic import POLICY

RATE = 0.01
AGAIN = 0.28
ATTRIBUTES = 5
VALUES = 4
_CHUNK = 288


def null_monitoring(**rule: float) -> Monitoring:
    """Return the policy with every rate expected at 1 %."""
    cusum = POLICY.cusum.model_copy(update=rule)
    return POLICY.model_copy(update={"expected": {each.metric: RATE for each in PROXIES}, "cusum": cusum})


def null_findings(
    monitoring: Monitoring,
    seed: int,
    days: int,
    per_hour: int = 1000,
    attributes: int = ATTRIBUTES,
    *,
    firsts: bool = True,
) -> Counter[str]:
    """Return how many findings of each kind a tenant has in so many days; `firsts`: first attempts are known."""
    rows, hours, found = dict[RowKey, RateRow](), dict[RowKey, HourRow](), Counter[str]()
    anomalies: dict[object, object] = {}
    watch = RateWatch(monitoring, rows, hours, anomalies, utc_days)  # type: ignore[arg-type]
    for number, counts in enumerate(_windows(np.random.default_rng(seed), days, per_hour, attributes)):
        bucket = BucketKey("bank", FIVE_MINUTES_S, number * FIVE_MS)
        for key, _ in counts:
            if key not in rows:
                rows[key], hours[key] = RateRow(), HourRow()
        counts = counts if firsts else [(key, Trials(trials.attempts)) for key, trials in counts]
        for event in watch.judge_counts(bucket, counts, bucket.end_ms):
            if event.state == "firing":
                whole = "whole" if event.segment_name is None else "value"
                found[f"{event.severity} {whole} {event.direction}"] += 1
    return found


def _windows(
    chance: np.random.Generator, days: int, per_hour: int, attributes: int
) -> Iterator[list[tuple[RowKey, Trials]]]:
    """Yield k and n of each rate of the whole tenant and of its values; of one attribute they sum up to the whole."""
    keys = [
        RowKey("bank", None, None),
        *(RowKey("bank", f"a{a}", f"v{v}") for a in range(attributes) for v in range(VALUES)),
    ]
    metrics = [each.metric for each in PROXIES]
    shape = (len(metrics), _CHUNK)
    for _ in range(days * 288 // _CHUNK):
        first = chance.poisson(per_hour / 12, shape)
        failing = chance.binomial(first, RATE * (1 - AGAIN))
        # a cluster is a person who failed, with the retries that failed again; its size is geometric
        sizes = chance.geometric(1 - AGAIN, int(failing.sum()))
        where = np.repeat(np.arange(failing.size), failing.ravel())
        columns = [(_summed(where, sizes, shape), first + _summed(where, sizes - 1, shape), failing, first)]
        for _ in range(attributes):
            value, of_first = chance.integers(VALUES, size=len(sizes)), chance.multinomial(first, [1 / VALUES] * VALUES)
            for v in range(VALUES):
                mine = value == v
                k, people = (_summed(where[mine], each[mine], shape) for each in (sizes, np.ones_like(sizes)))
                own = np.maximum(people, of_first[:, :, v])
                columns.append((k, own + _summed(where[mine], sizes[mine] - 1, shape), people, own))
        for place in range(_CHUNK):
            yield [
                (key, Trials(_by(metrics, k, n, place), _by(metrics, people, own, place)))
                for key, (k, n, people, own) in zip(keys, columns, strict=True)
            ]


def _by(metrics: list[str], k: NDArray[np.int64], n: NDArray[np.int64], place: int) -> dict[str, tuple[int, int]]:
    return dict(zip(metrics, zip(k[:, place].tolist(), n[:, place].tolist(), strict=True), strict=True))


def _summed(where: NDArray[np.int64], what: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    return np.bincount(where, what, shape[0] * shape[1]).astype(np.int64).reshape(shape)


if __name__ == "__main__":
    years, length = int(sys.argv[1]), int(sys.argv[2])
    total: Counter[str] = Counter()
    for seed in range(years):
        total += null_findings(null_monitoring(), seed, length)
        told = {kind: round(count / ((seed + 1) * length / 365), 3) for kind, count in sorted(total.items())}
        sys.stdout.write(f"{seed + 1} tenant-years of {length} days: a year {told}\n")
        sys.stdout.flush()
