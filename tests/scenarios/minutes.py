"""Minutes of a simulated day, in the form that the detectors of minutes take."""

from collections.abc import Iterator

import numpy as np

from services.aggregator.core.real_time.minute import Minute, Scores
from services.aggregator.core.real_time.shape import packed
from services.aggregator.core.times import MINUTE_MS
from tests.scenarios.scores import MINUTES, Counts, ScoreCounts
from tests.scenarios.windows import Day


def minutes_of(day: Day) -> Iterator[Minute]:
    """Yield the minutes that had transactions."""
    n, missing = day.minutes["transactions"], day.minutes["missing"]
    none = np.zeros(MINUTES, dtype=np.int64)
    match = _scores(n, day.minutes["match_failed"], none, day.scores["match"])
    liveness = _scores(n - missing, day.minutes["failed"], missing, day.scores["liveness"])
    shapes = [_shapes(day.scores[check].bins) for check in ("match", "liveness")]
    transactions, rejected = n.tolist(), day.minutes["rejected"].tolist()
    for at in np.flatnonzero(n).tolist():
        yield Minute(
            day.start_ms + at * MINUTE_MS,
            transactions[at],
            rejected[at],
            Scores(*match[at]),
            Scores(*liveness[at]),
            *[shape.get(at, b"") for shape in shapes],
        )


def _scores(judged: Counts, failed: Counts, missing: Counts, scores: ScoreCounts) -> list[list[int]]:
    """Return the fields of `Scores`, minute by minute."""
    pairs = judged * (judged - 1)
    fields = np.stack([judged, failed, missing, scores.at_zero, scores.at_one, pairs, scores.alike], axis=1)
    found: list[list[int]] = fields.tolist()
    return found


def _shapes(cells: Counts) -> dict[int, bytes]:
    """Return the bins of each minute that has scores."""
    found: dict[int, dict[int, int]] = {}
    minutes, bins = np.nonzero(cells)
    for minute, place, count in zip(minutes.tolist(), bins.tolist(), cells[minutes, bins].tolist(), strict=True):
        found.setdefault(minute, {})[place] = count
    return {minute: packed(counts) for minute, counts in found.items()}
