"""What is counted of a tenant's minutes and hours: sums of rates and scores, shapes, volume."""

from collections.abc import Collection
from typing import Final, NamedTuple

from msgspec import Struct

from services.aggregator.core.real_time.minute import NO_SCORES, Check, Scores
from services.aggregator.core.real_time.shape import Bins

METRICS: Final = ("rejection_rate", "match_fail_rate", "liveness_fail_rate")


class Rate(Struct, array_like=True, frozen=True):
    """k in n."""

    k: int = 0
    n: int = 0

    def plus(self, k: int, n: int) -> "Rate":
        """Return the sum."""
        return Rate(self.k + k, self.n + n)


class Sums(Struct, array_like=True, frozen=True):
    """Of any number of minutes: rejections, and scores by check."""

    rejected: Rate = Rate()
    match: Scores = NO_SCORES
    liveness: Scores = NO_SCORES

    def plus(self, other: "Sums") -> "Sums":
        """Return the sum."""
        rejected = self.rejected.plus(other.rejected.k, other.rejected.n)
        return Sums(rejected, self.match.plus(other.match), self.liveness.plus(other.liveness))

    def halved(self) -> "Sums":
        """Return half of it."""
        return Sums(Rate(self.rejected.k // 2, self.rejected.n // 2), self.match.halved(), self.liveness.halved())

    def without(self, metrics: Collection[str]) -> "Sums":
        """Return it without what rates of these metrics are told by."""
        return Sums(
            Rate() if "rejection_rate" in metrics else self.rejected,
            NO_SCORES if "match_fail_rate" in metrics else self.match,
            NO_SCORES if "liveness_fail_rate" in metrics else self.liveness,
        )

    def rate(self, metric: str) -> Rate:
        """Return failures in trials of `rejection_rate`, `match_fail_rate` or `liveness_fail_rate`."""
        if metric == "rejection_rate":
            return self.rejected
        scores = self.match if metric == "match_fail_rate" else self.liveness
        return Rate(scores.failed, scores.judged)


class Compared(NamedTuple):
    """What of a minute is compared with later: sums, and how scores are distributed."""

    sums: Sums
    match_bins: Bins
    liveness_bins: Bins


class Hour(Struct, array_like=True, frozen=True):
    """An hour, counted from 1970: transactions, the most of them in five minutes, and what is compared with."""

    hour: int
    transactions: int = 0
    peak: int = 0
    block: int = 0
    in_block: int = 0
    sums: Sums = Sums()
    match_bins: Bins = {}
    liveness_bins: Bins = {}

    def bins(self, check: Check) -> Bins:
        """Return how the scores of a check are distributed."""
        return self.match_bins if check == "match" else self.liveness_bins


class HourRates(NamedTuple):
    """Failures in trials of an hour, by metric."""

    hour: int
    rates: dict[str, Rate]


class Volume(NamedTuple):
    """Transactions of an hour, and the most of them in five minutes."""

    hour: int
    transactions: int
    peak: int
