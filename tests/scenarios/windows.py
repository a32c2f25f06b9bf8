"""A day of transactions, as the counts that its closed windows would have."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from proofwatch.detection.findings import PEOPLE_REFERRED, counted_as
from tests.scenarios.arrivals import Values
from tests.scenarios.effects import CHECKS, DAY_S, SLICES, VALUES, Effect
from tests.scenarios.scores import MINUTES, Counts, Flags, Floats, Habit, Outcomes, ScoreCounts, score_counts
from tests.scenarios.tries import Tried

MONDAY_MS: Final = 1_767_571_200_000  # 2026-01-05
METRICS: Final = ("rejection_rate", "retry_rate", "refer_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
FIRST: Final = ("rejection_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
FIVES: Final = 288
REFERRED_FROM: Final = 3


class Day(NamedTuple):
    """A day of UTC. `n[metric][slice, window]` trials and `k` failures of five-minute windows; minutes of the whole.

    Those of first attempts have a name of their own (`findings.counted_as`), of the rates in `FIRST`; people who are
    referred count once, and not among the trials when they come again.
    Slices are in the order of `SLICES`. Of minutes: transactions, rejected, failures by check, and missing liveness
    scores; `scores`, by check.
    """

    start_ms: int
    n: dict[str, Counts]
    k: dict[str, Counts]
    minutes: dict[str, Counts]
    scores: dict[str, ScoreCounts]

    def of(self, attributes: int) -> "Day":
        """Return the day with the values of the first so many attributes only."""
        rows = 1 + attributes * len(VALUES)
        n, k = ({metric: each[:rows] for metric, each in counts.items()} for counts in (self.n, self.k))
        return self._replace(n=n, k=k)


def counted(
    random: np.random.Generator, day: int, tried: Sequence[Tried], effects: Sequence[Effect], habit: Habit
) -> Day:
    """Return the counts of what was tried on a day of the run."""
    at = np.concatenate([each.at for each in tried])
    attributes = np.concatenate([each.attributes for each in tried], axis=1)
    match, liveness, missing = (np.concatenate([each.failed[check] for each in tried]) for check in CHECKS)
    number = np.concatenate([each.number for each in tried])
    rejected, referred = match | liveness | missing, number >= REFERRED_FROM
    every = np.ones(len(at), dtype=np.bool_)
    all_of = _by_window(at, attributes, every)
    missed = _by_window(at, attributes, missing)
    refer = _by_window(at, attributes, rejected & referred)
    rejections = _by_window(at, attributes, rejected)
    k = {
        "rejection_rate": rejections,
        "retry_rate": rejections - refer,
        "refer_rate": refer,
        "match_fail_rate": _by_window(at, attributes, match),
        "liveness_fail_rate": _by_window(at, attributes, liveness),
        "fta_rate": missed,
    }
    judged = {"liveness_fail_rate": all_of - missed, "fta_rate": 2 * all_of}
    n = {metric: judged.get(metric, all_of) for metric in METRICS}
    first = number == 1
    firsts, missed = _by_window(at, attributes, first), _by_window(at, attributes, first & missing)
    judged = {"liveness_fail_rate": firsts - missed, "fta_rate": 2 * firsts}
    for metric, which in zip(FIRST, (rejected, match, liveness, missing), strict=True):
        name = counted_as(metric, "first_attempts")
        k[name], n[name] = _by_window(at, attributes, first & which), judged.get(metric, firsts)
    known = _by_window(at, attributes, rejected & (number > REFERRED_FROM))
    k[PEOPLE_REFERRED], n[PEOPLE_REFERRED] = refer - known, all_of - known
    outcomes = Outcomes((at // 60).astype(np.int64), rejected, match, liveness, missing)
    scores = score_counts(random, day, outcomes, effects, habit)
    return Day(MONDAY_MS + day * DAY_S * 1_000, n, k, _minutes(outcomes), scores)


def _by_window(at: Floats, attributes: Values, which: Flags) -> Counts:
    """Return [slice, window] counts of five-minute windows."""
    windows = (at[which] // 300).astype(np.int64)
    rows = [np.bincount(windows, minlength=FIVES).reshape(1, FIVES)]
    for row in attributes[:, which]:
        cells = np.bincount(windows + FIVES * row.astype(np.int64), minlength=FIVES * len(VALUES))
        rows.append(cells.reshape(len(VALUES), FIVES))
    found: Counts = np.concatenate(rows)
    assert len(found) == len(SLICES)
    return found


def _minutes(outcomes: Outcomes) -> dict[str, Counts]:
    names = ("rejected", "match_failed", "failed", "missing")
    counts: dict[str, Counts] = {"transactions": np.bincount(outcomes.minute, minlength=MINUTES)}
    for name, which in zip(names, outcomes[1:], strict=True):
        counts[name] = np.bincount(outcomes.minute[which], minlength=MINUTES)
    return counts
