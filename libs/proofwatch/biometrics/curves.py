"""Error curves over all thresholds: EER, AUC, DET and rates at a fixed rate (ISO/IEC 19795-1).

One interface for two sources. `cumulate` turns either raw scores or sketches, per class of trials, into
counts of scores below each *candidate threshold*, ascending; everything else works on those counts alone.

* Raw scores: the candidates are the distinct scores of all classes and one value above the highest, at which
  nothing is accepted. Any real scores, any range.
* Sketches: the candidates are the edges that all have in common, and -inf and +inf. Every count at a
  candidate is exact, so each point of a sketched curve lies *on* the raw curve; there are only fewer of them.
  `resolution` says how far apart they are where it matters, and an edge at an operating point makes that
  point exact.

Accept when score >= threshold. "Mated" are the classes that ought to be accepted (genuine, bona fide),
"non-mated" those that ought to be rejected (impostor, attacks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.biometrics.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Per class of trials, the number of scores below each candidate threshold; an absent class has none."""

    thresholds: NDArray[np.float64]  # ascending; nothing is accepted at the last one
    totals: Mapping[str, int]  # class -> number of scores
    sketched: bool
    _sources: Mapping[str, NDArray[np.float64] | Sketch]

    def below(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return, per candidate threshold, how many scores of these classes together are below it."""
        total = np.zeros(len(self.thresholds), dtype=np.int64)
        for name in names:
            source = self._sources.get(name)
            if source is None:
                continue
            if isinstance(source, Sketch):
                counts = np.zeros(len(self.thresholds), dtype=np.int64)
                for i, n in source.counts.items():
                    counts[i + 2] = n  # bin -1 lies between -inf (place 0) and the first edge (place 1)
                total += np.cumsum(counts)
            else:
                total += np.searchsorted(source, self.thresholds, side="left")
        return total

    def n(self, names: Sequence[str]) -> int:
        """Return how many scores these classes have together."""
        return sum(self.totals.get(name, 0) for name in names)


@dataclass(frozen=True, slots=True)
class Eer:
    """The equal error rate and its threshold.

    From a sketch, `resolution` is the distance in score between the two candidates around the crossing, and
    the EER of the raw scores lies in low..high; from raw scores `resolution` is None and low = high = value.
    """

    value: float
    threshold: float
    low: float
    high: float
    resolution: float | None


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve.

    From a sketch, the AUC of the raw scores lies in low..high, which is within `resolution` of `value`; from raw scores
    `resolution` is None and low = high = value.
    """

    value: float
    low: float
    high: float
    resolution: float | None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """k of n mated trials rejected at `threshold`. `resolution`: as in `Eer`, to the candidate below.

    From a sketch, the raw scores reject `k_low` to `k` at their own operating point; raw: k_low = k.
    """

    threshold: float
    k: int
    n: int
    k_low: int
    resolution: float | None


@dataclass(frozen=True, slots=True)
class Det:
    """A DET curve: arrays of equal length by ascending threshold, one entry per distinct pair of rates."""

    thresholds: NDArray[np.float64]
    accepted_non_mated: NDArray[np.float64]  # FMR or pooled APCER
    rejected_mated: NDArray[np.float64]  # FNMR or BPCER


def cumulate(classes: Mapping[str, NDArray[np.float64] | Sketch]) -> Cumulative:
    """Return the cumulative counts of these classes: all raw (finite scores, any order) or all sketches.

    Raises ValueError when both kinds are mixed or a sketch holds negative counts (a difference, not a state).
    """
    sketches = {name: s for name, s in classes.items() if isinstance(s, Sketch)}
    if not sketches:
        raw = {name: np.sort(np.asarray(s, dtype=np.float64)) for name, s in classes.items()}
        candidates = np.unique(np.concatenate([*raw.values(), np.empty(0)]))
        above = nextafter(float(candidates[-1]), inf) if len(candidates) else inf
        return Cumulative(np.append(candidates, above), {k: len(s) for k, s in raw.items()}, False, raw)
    if len(sketches) != len(classes):
        raise ValueError("raw scores and sketches cannot share one curve")
    for name, sketch in sketches.items():
        if any(n < 0 for n in sketch.counts.values()):
            raise ValueError(f"the sketch of {name} holds negative counts: it is a difference, not a state")
    edges = _common_edges(list(sketches.values()))
    on_edges = {name: s.on(edges) for name, s in sketches.items()}
    candidates = np.array([-inf, *edges.edges, inf])
    return Cumulative(candidates, {k: s.total() for k, s in on_edges.items()}, True, on_edges)


def eer(c: Cumulative, mated: Sequence[str], non_mated: Sequence[str]) -> Eer | None:
    """Return the EER as the Fingerprint Verification Competition computes it (Maio et al., FVC2000).

    t2 is the lowest candidate with FMR <= FNMR, t1 the highest with FNMR <= FMR. Where both are one candidate the
    two rates are equal, and the EER is there, exactly. Else t1 is the candidate before t2; of the two the one with
    the smaller FMR + FNMR is taken (t1 on a tie), and the EER is the mean of its two rates. None when a side has no
    scores.
    """
    p, n = c.n(mated), c.n(non_mated)
    if not p or not n:
        return None
    rejected, accepted = c.below(mated), n - c.below(non_mated)
    # Compared as integers over the common denominator p n: no rounding can move the crossing. FMR - FNMR
    # falls from 1 to -1 over the candidates, so t2 exists and is never the first.
    t2 = int(np.argmax(accepted * p <= rejected * n))
    t1 = t2 if accepted[t2] * p == rejected[t2] * n else t2 - 1
    best = t1 if accepted[t1] * p + rejected[t1] * n <= accepted[t2] * p + rejected[t2] * n else t2

    def mean(at_accept: int, at_reject: int) -> float:
        return float(accepted[at_accept] / n + rejected[at_reject] / p) / 2

    value = mean(best, best)
    if not c.sketched:
        return Eer(value, float(c.thresholds[best]), value, value, None)
    return Eer(value, float(c.thresholds[best]), mean(t2, t1), mean(t1, t2), _gap(c, t2))


def auc(c: Cumulative, mated: Sequence[str], non_mated: Sequence[str]) -> Auc | None:
    """Return the probability that a mated score exceeds a non-mated one, ties counting one half (Mann-Whitney).

    Scores in one bin of a sketch are ties; half of those pairs is the resolution. None when a side has no
    scores.
    """
    p, n = c.n(mated), c.n(non_mated)
    if not p or not n:
        return None
    below_mated, below_non_mated = c.below(mated), c.below(non_mated)
    mated_at, non_mated_at = np.diff(below_mated), np.diff(below_non_mated)
    twice = int(np.sum(mated_at * (2 * below_non_mated[:-1] + non_mated_at)))
    tied = int(np.sum(mated_at * non_mated_at))
    pairs = 2 * p * n
    if not c.sketched:
        return Auc(twice / pairs, twice / pairs, twice / pairs, None)
    return Auc(twice / pairs, (twice - tied) / pairs, (twice + tied) / pairs, tied / pairs)


def at_fixed_rate(
    c: Cumulative, mated: Sequence[str], non_mated: Sequence[Sequence[str]], maximum: float
) -> OperatingPoint | None:
    """Return the rejected mated trials at the lowest candidate that accepts <= `maximum` of each non-mated group.

    Each group is a list of classes counted together. One group of impostors gives FNMR at FMR <= x. One group
    per PAI species gives BPCER at APCER <= x (BPCER10, BPCER20, BPCER100) with the same meaning of APCER as
    the headline: in ISO/IEC 30107-3 (classification metrics) APCER belongs to one species and the most
    successful one speaks for the system, so a threshold that holds 5 % on average over species is not
    BPCER20's. None without mated scores or without a group.
    """
    p = c.n(mated)
    if not p or not non_mated:
        return None
    kept = np.ones(len(c.thresholds), dtype=np.bool_)
    for group in non_mated:
        n = c.n(group)
        if not n:
            return None
        kept &= (n - c.below(group)) / n <= maximum
    i = int(np.argmax(kept))
    rejected = c.below(mated)
    k = int(rejected[i])
    if not c.sketched:
        return OperatingPoint(float(c.thresholds[i]), k, p, k, None)
    # The candidate before accepts too many, so the raw operating point lies above it, and at or below this one.
    return OperatingPoint(float(c.thresholds[i]), k, p, int(rejected[max(0, i - 1)]), _gap(c, i))


def det(c: Cumulative, mated: Sequence[str], non_mated: Sequence[str]) -> Det | None:
    """Return the DET curve (ISO/IEC 19795-1). None when a side has no scores."""
    p, n = c.n(mated), c.n(non_mated)
    if not p or not n:
        return None
    rejected, accepted = c.below(mated), n - c.below(non_mated)
    # Thresholds that change neither rate say nothing; of a run of equals the lowest is kept.
    new = np.append(True, (np.diff(rejected) != 0) | (np.diff(accepted) != 0))
    return Det(c.thresholds[new], accepted[new] / n, rejected[new] / p)


def _common_edges(sketches: Sequence[Sketch]) -> EdgeSet:
    edges = sketches[0].edge_set
    for sketch in sketches[1:]:
        edges = edges.common(sketch.edge_set)
    return edges


def _gap(c: Cumulative, i: int) -> float:
    """Return the score distance between candidate i and the one before; 0 where scores cannot lie in between."""
    low, high = float(c.thresholds[max(0, i - 1)]), float(c.thresholds[i])
    return 0.0 if low == -inf or high == inf else high - low
