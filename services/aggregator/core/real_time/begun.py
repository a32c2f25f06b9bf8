"""When what is usual of minutes begins anew: governed markers, by the metrics that they touch.

A marker takes effect with the first minute that begins with it or later: the series that it touches stand at nothing,
and what is told of them ends. Their reference has whole hours only, so it begins with the first hour that does so then;
minutes before it are compared with what was usual before, however late they are looked at again. Until the new
reference has its least n:

* scores (saturation, few values, shift) are judged by nothing; the comparison of before and after tells of them, and
  where everybody passes the rate of failures does;
* missing scores by what the policy expects, as those of a new tenant;
* that nobody fails by half of the least of what was usual before and what the policy expects, that nobody passes by
  half of how many passed before, for a week at most: a check that fails open with its release must not be what is
  looked for last.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.aggregator.core.governed_markers import GovernedMarker, due
from services.aggregator.core.times import HOUR_MS

FIRST_HOURS: Final = 7 * 24
"""For so long what was usual before stands in."""
Begun = Mapping[str, int]
"""By metric, the first hour (since 1970) that counts."""


def begun_by(markers: Iterable[GovernedMarker], at_ms: int) -> dict[str, int]:
    """Return from when on each metric counts for a minute that begins at `at_ms`, by the markers up to then."""
    found: dict[str, int] = {}
    for each in markers:
        if each.at_ms <= at_ms and each.touches(None, None):
            first = -(-each.at_ms // HOUR_MS)
            found |= {metric: max(first, found.get(metric, 0)) for metric in each.begins_anew}
    return found


def touched(markers: Sequence[GovernedMarker], last_ms: int, start_ms: int) -> frozenset[str]:
    """Return the metrics that begin anew with a minute, where the one before it began at `last_ms` (< 0: none did)."""
    found = (each.begins_anew for each in due(markers, last_ms, start_ms) if each.touches(None, None))
    return frozenset().union(*found)


def part_of(metric: str) -> str:
    """Return the metric by which a series is touched: scores that are missing are failures to acquire."""
    return "fta_rate" if metric.endswith("_missing_rate") else metric
