"""A simulated year of a tenant whose every rate is a constant share of its limit: whatever is found is a false finding.

False rejections come with retries: a failure is tried again, and 28 % of the retries fail, so errors come in runs. Days
are judged as they close, with all their labels. `python -m tests.unit.aggregator.limits.null_year YEARS` prints the
table of the documentation.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.limits.judging import TenantLimits, promises
from services.aggregator.core.limits.reading import DESIGN_EFFECT
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.segments import Segment
from tests.unit.aggregator.limits.tenant import GRACE_MS, POLICY, counted

PROMISED: Final = promises(POLICY.limits.model_copy(update={"fnmr_target": None, "iapar": 0.07}), POLICY.min_trials)
SPECIES: Final = ("mask", "print", "replay")
FAILS_AGAIN: Final = 0.28


class Volume(NamedTuple):
    """Labelled trials a day: mated comparisons (and as many bona fide presentations), impostors, attacks a species."""

    genuine: int
    impostor: int
    attacks: int


SMALL: Final = Volume(70, 20, 20)
LARGE: Final = Volume(2_000, 500, 200)


def year(seed: int, share: float, volume: Volume, segments: int = 0, days: int = 365) -> Counter[str]:
    """Return how often each rule found something false of each metric; of segments under "segment/…"."""
    random = np.random.default_rng(seed)
    cohorts: dict[Segment, CohortState] = {}
    found: Counter[str] = Counter()
    for day in range(days):
        limits = TenantLimits("bank", cohorts, PROMISED, GRACE_MS, UTC_DAYS)
        counts = dict(_day(random, day, share, volume, segments))
        for event in limits.judge(counts, max(each.effective for each in counts)):
            if event.state == "firing" and event.revision == 1:
                found[("segment/" if event.segment_name else "") + f"{event.rule}/{event.metric}"] += 1
    return found


def _day(
    random: np.random.Generator, day: int, share: float, volume: Volume, segments: int
) -> Iterator[tuple[Counted, tuple[int, int]]]:
    sizes = {"fnmr": volume.genuine, "bpcer": volume.genuine, "fmr": volume.impostor}
    members = [(metric, "", n) for metric, n in sizes.items()]
    members += [(metric, species, volume.attacks) for metric in ("apcer", "iapar") for species in SPECIES]
    for metric, species, n in members:
        rate = share * PROMISED[metric].limit
        parts = [n // 4] * 4 if segments else [n]
        errors = [_errors(random, rate, part, retried=metric in DESIGN_EFFECT) for part in parts]
        yield counted(metric, day, species=species), (sum(errors), sum(parts))
        for name in range(segments // 4):  # each attribute cuts the day's trials into four values of its own
            for value in range(4):
                k = errors[value] if name == 0 else _errors(random, rate, n // 4, retried=metric in DESIGN_EFFECT)
                yield counted(metric, day, species=species, segment=(f"s{name}", str(value))), (k, n // 4)


def _errors(random: np.random.Generator, rate: float, n: int, *, retried: bool) -> int:
    """Return errors among n trials; with retries in runs of geometric length, the rate the same in the mean."""
    if not retried:
        return int(random.binomial(n, rate))
    runs = random.binomial(n, rate * (1 - FAILS_AGAIN))
    return min(n, int(random.geometric(1 - FAILS_AGAIN, runs).sum())) if runs else 0


def main(years: int) -> None:
    """Print false findings a tenant-year by share of the limit, volume and rule."""
    for segments in (0, 20):
        for name, volume in (("small", SMALL), ("large", LARGE)):
            for share in (0.5, 0.9):
                total: Counter[str] = Counter()
                runs = max(1, years // (10 if segments else 1))
                for seed in range(runs):
                    total += year(seed, share, volume, segments)
                shown = ", ".join(f"{rule} {n / runs:.4f}" for rule, n in sorted(total.items()))
                line = (
                    f"{segments} segments, {name}, {share} x limit, {runs} years: {total.total() / runs:.4f} ({shown})"
                )
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
