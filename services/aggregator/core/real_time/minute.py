"""What the detectors look at: one closed minute of a whole tenant, as a few integers."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from proofwatch.biometrics.edges import edge_set
from services.aggregator.core.merge import Histogram, PolicyCounts
from services.aggregator.core.real_time.shape import Bins, bins_of, packed, unpacked

Check = Literal["match", "liveness"]

_PASSED: Final = {"match": ("match.pass", "match.marginal"), "liveness": ("liveness.pass",)}


class Scores(Struct, array_like=True, frozen=True):
    """Counts of one check; they add up.

    `judged` scores, of which `failed`; `missing`: requested, but without a score. Of the judged ones `at_zero` and
    `at_one` lie at the bounds of the scale (0 as far as the sketch tells: below 1/512). Of the `pairs` of scores within
    one minute, `alike` share a bin of the sketch.
    """

    judged: int = 0
    failed: int = 0
    missing: int = 0
    at_zero: int = 0
    at_one: int = 0
    pairs: int = 0
    alike: int = 0

    def plus(self, other: "Scores") -> "Scores":
        """Return the sum."""
        return Scores(
            self.judged + other.judged,
            self.failed + other.failed,
            self.missing + other.missing,
            self.at_zero + other.at_zero,
            self.at_one + other.at_one,
            self.pairs + other.pairs,
            self.alike + other.alike,
        )

    def halved(self) -> "Scores":
        """Return half of it, so that older counts weigh less."""
        return Scores(*[getattr(self, name) // 2 for name in self.__struct_fields__])


NO_SCORES: Final = Scores()


class Minute(Struct, array_like=True, frozen=True):
    """One minute from `start_ms` (since 1970) on: transactions, how many of them were rejected, scores by check."""

    start_ms: int
    transactions: int
    rejected: int
    match: Scores = NO_SCORES
    liveness: Scores = NO_SCORES
    match_bins: bytes = b""
    liveness_bins: bytes = b""

    def bins(self, check: Check) -> Bins:
        """Return how the scores of a check are distributed."""
        return unpacked(self.match_bins if check == "match" else self.liveness_bins)


def minute_of(start_ms: int, total: PolicyCounts) -> Minute:
    """Return the minute of the counts of a whole tenant."""
    counts = total.counts
    rejected = counts.get("decision.retry", 0) + counts.get("decision.refer", 0)
    match, liveness = (_scores(check, counts, total.sketches.get(check)) for check in ("match", "liveness"))
    shapes = [packed(bins_of(total.sketches.get(check))) for check in ("match", "liveness")]
    return Minute(start_ms, counts.get("transactions", 0), rejected, match, liveness, *shapes)


def _scores(check: str, counts: Mapping[str, int], sketch: Histogram | None) -> Scores:
    failed, missing = counts.get(f"{check}.fail", 0), counts.get(f"{check}.missing", 0)
    judged = failed + sum([counts.get(name, 0) for name in _PASSED[check]])
    if sketch is None:
        return Scores(judged, failed, missing) if judged or missing else NO_SCORES
    edges = edge_set(sketch.thresholds, sketch.grid)
    zero, one = str(edges.bin_of(0.0)), str(edges.bin_of(1.0))
    n = sum(sketch.bins.values())
    alike = sum([count * (count - 1) for count in sketch.bins.values()])
    at_zero, at_one = sketch.bins.get(zero, 0), sketch.bins.get(one, 0)
    return Scores(judged, failed, missing, at_zero, at_one, n * (n - 1), alike)
