"""The threshold with the lowest FNMR whose FMR is *shown* to keep its limit (likewise BPCER for APCER).

The search looks at every threshold, yet needs no correction: FMR falls with the threshold, so the chosen one is wrong
only if the bound fails at the first threshold whose true FMR keeps the limit, which is one test (risk-controlling
prediction sets: Bates, Angelopoulos, Lei, Malik & Jordan 2021, Journal of the ACM 68:43). Repeating the search every
week is another matter: spend alpha over the year (a confidence of 1 - alpha / 52).
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from proofwatch.biometrics.intervals import clopper_pearson_upper, trials_needed


class ThresholdProposal(msgspec.Struct, frozen=True):
    """The lowest threshold that qualifies, with what it was chosen by.

    `threshold`, `fmr`, `fmr_upper` (one-sided, at the confidence asked for) and `fnmr` are null when none qualifies;
    `trials_needed` impostor comparisons without a false match would then be the least that could show any.
    """

    threshold: float | None
    fmr: float | None
    fmr_upper: float | None
    fnmr: float | None
    trials_needed: int | None


def propose_threshold(
    thresholds: Sequence[float],
    impostors_at_or_above: Sequence[int],
    genuines_below: Sequence[int],
    *,
    n_impostor: int,
    n_genuine: int,
    limit: float,
    confidence: float = 0.95,
) -> ThresholdProposal:
    """Return the lowest of these ascending thresholds from which on every FMR upper bound is at most `limit`.

    Counts are those at each threshold (accept when score >= threshold). Impostors must be independent trials of the
    traffic that the threshold is for. Raises ValueError when lists differ in length, thresholds or counts are not
    monotone or not within 0..n, or the limit is not strictly between 0 and 1.
    """
    _check(thresholds, impostors_at_or_above, genuines_below, n_impostor, n_genuine)
    found = ThresholdProposal(None, None, None, None, trials_needed(limit, confidence))
    if n_impostor == 0:
        return found
    for t, passed, rejected in zip(
        reversed(thresholds), reversed(impostors_at_or_above), reversed(genuines_below), strict=True
    ):
        upper = clopper_pearson_upper(passed, n_impostor, confidence)
        if upper > limit:
            break
        found = ThresholdProposal(t, passed / n_impostor, upper, rejected / n_genuine if n_genuine else None, None)
    return found


def _check(
    thresholds: Sequence[float], passed: Sequence[int], rejected: Sequence[int], n_impostor: int, n_genuine: int
) -> None:
    if not len(thresholds) == len(passed) == len(rejected):
        raise ValueError(f"{len(thresholds)} thresholds, but {len(passed)} and {len(rejected)} counts")
    if any(one >= other for one, other in pairwise(thresholds)):
        raise ValueError("thresholds must ascend")
    for what, counts, n in (("impostors", passed[::-1], n_impostor), ("genuines", rejected, n_genuine)):
        if any(one > other for one, other in pairwise(counts)):
            raise ValueError(f"{what}: counts must be monotone in the threshold")
        if counts and not 0 <= counts[0] <= counts[-1] <= n:
            raise ValueError(f"{what}: counts must lie within 0..{n}")
