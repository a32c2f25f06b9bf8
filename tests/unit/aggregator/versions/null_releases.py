"""Releases that change nothing: whatever is found is a false finding.

`python -m tests.unit.aggregator.versions.null_releases N` prints how many of N of each kind accuse one.
"""

import sys
from typing import Final, NamedTuple

from tests.unit.aggregator.versions.traffic import DAY, USUAL, fives, found_in, watched


class Release(NamedTuple):
    """How a version that changes nothing comes: after so many days, at an hourly volume, to a share of the traffic."""

    after_days: int
    days: float
    per_hour: float
    share: float
    spread: float


KINDS: Final = {
    "canary of 5 % beside the old version": Release(2, 6, 500, 0.05, 0.15),
    "half of the traffic": Release(2, 2, 500, 0.5, 0.15),
    "all at once, after two days": Release(2, 2, 300, 1.0, 0.15),
    "all at once, after two weeks": Release(14, 2, 300, 1.0, 0.15),
    "all at once, looked at for two weeks": Release(14, 14, 40, 1.0, 0.15),
    "all at once, of a day by day unsteady tenant": Release(14, 2, 300, 1.0, 0.3),
}


def accused(seed: int, release: Release) -> set[str]:
    """Return the metrics that were ever told of the release."""
    told: set[str] = set()
    begin = release.after_days * DAY
    traffic = fives(
        seed, release.after_days + release.days, release.per_hour, USUAL, {begin: release.share}, spread=release.spread
    )
    for memory in watched(traffic):
        told |= found_in(memory)
    return told


if __name__ == "__main__":
    runs = int(sys.argv[1])
    for name, release in KINDS.items():
        found = [accused(seed, release) for seed in range(runs)]
        metrics = sorted({metric for each in found for metric in each})
        sys.stdout.write(f"{name}: {sum(map(bool, found))} of {runs} {metrics}\n")
        sys.stdout.flush()
