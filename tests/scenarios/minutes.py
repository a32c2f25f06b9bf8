"""Minutes of a simulated day, in the form that the detectors of minutes take."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from services.aggregator.core.real_time.minute import Minute, Scores
from services.aggregator.core.real_time.shape import packed
from services.aggregator.core.times import MINUTE_MS
from tests.scenarios.scores import MINUTES, Counts
from tests.scenarios.windows import Day

_MOST_PAIRS: Final = 0.05


def minutes_of(day: Day) -> Iterator[Minute]:
    """Yield the minutes that had transactions."""
    counts = {name: column.tolist() for name, column in day.minutes.items()}
    shares = day.alike.tolist()
    shapes = {check: _shapes(cells) for check, cells in day.scores.items()}
    for at in range(MINUTES):
        n = counts["transactions"][at]
        if not n:
            continue
        missing = counts["missing"][at]
        judged = n - missing
        pairs, all_pairs = judged * (judged - 1), n * (n - 1)
        match = Scores(n, counts["match_failed"][at], 0, 0, 0, all_pairs, round(_MOST_PAIRS * all_pairs))
        liveness = Scores(
            judged,
            counts["failed"][at],
            missing,
            counts["at_zero"][at],
            counts["at_one"][at],
            pairs,
            round(shares[at] * pairs),
        )
        bins = [shapes[check].get(at, b"") for check in ("match", "liveness")]
        yield Minute(day.start_ms + at * MINUTE_MS, n, counts["rejected"][at], match, liveness, *bins)


def _shapes(cells: Counts) -> dict[int, bytes]:
    """Return the bins of each minute that has scores."""
    found: dict[int, dict[int, int]] = {}
    minutes, bins = np.nonzero(cells)
    for minute, place, count in zip(minutes.tolist(), bins.tolist(), cells[minutes, bins].tolist(), strict=True):
        found.setdefault(minute, {})[place] = count
    return {minute: packed(counts) for minute, counts in found.items()}
