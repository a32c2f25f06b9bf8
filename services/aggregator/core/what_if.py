"""What other thresholds would have made of the same scores: bounds from sketches, nothing simulated.

A sketch knows how many scores lie in each bin. At a threshold that is an edge (those in force are, and the grid's) the
counts are exact; elsewhere the bin that the threshold falls into is counted on either side, which gives low..high. The
true count, from the scores themselves, always lies in it.

Match and liveness are counted apart, so how many transactions fail both is not known. Those not accepted are bounded
by what the two marginals allow (Fréchet), and by how many can have changed sides since (see `_rejected`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from proofwatch.biometrics.intervals import wilson
from proofwatch.biometrics.sketch import Bounds
from proofwatch.biometrics.sketch_sum import SketchSum
from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR, INJECTION, is_attack
from services.aggregator.core.segments import Segment
from services.aggregator.core.span import Counted, Truth, values_of

Check = Literal["match", "liveness"]
_PASSED: Final = {ATTACK: "apcer", INJECTION: "injection_pass_rate"}
"""What it is called when an attack passes liveness; injection attacks are in no figure of ISO/IEC 30107-3."""


class Thresholds(NamedTuple):
    """The thresholds to try; None keeps those in force."""

    match: float | None = None
    liveness: float | None = None


class WhatIf(NamedTuple):
    """A rate as it is (`k` of `n`) and as it would be: between `would.low` and `would.high` of `n`.

    `low`, `high`: Wilson's 95 % interval around both ends. `coverage`: the share of transactions with the label that
    this needs; None for what needs none. `proxy`: more than counting is assumed, see `_proxies`.
    """

    metric: str
    k: int
    n: int
    would: Bounds
    coverage: float | None
    proxy: bool = False

    @property
    def low(self) -> float | None:
        """Return the lower end of the interval around the lower bound."""
        return wilson(self.would.low, self.n)[0] if self.n else None

    @property
    def high(self) -> float | None:
        """Return the upper end of the interval around the upper bound."""
        return wilson(self.would.high, self.n)[1] if self.n else None


def what_if(total: Counted, known: Truth, to: Thresholds) -> tuple[WhatIf, ...]:
    """Return the labelled rates that the new thresholds concern, then what would become of all transactions."""
    return (*_labelled(known, to), *_proxies(total, to))


class SpanWhatIf(NamedTuple):
    """The rates by segment value; how many values with how many transactions are kept back: they are too small."""

    rows: tuple[tuple[Segment, WhatIf], ...]
    small_values: int
    small_transactions: int


def span_what_if(
    found: Mapping[Segment, Counted],
    known: Mapping[Segment, Truth],
    to: Thresholds,
    *,
    names: Sequence[str] = (),
    small_cell: int,
) -> SpanWhatIf:
    """Return what would become of the values of `names` (none: of the whole tenant), as `span_rates` chooses them."""
    rows: list[tuple[Segment, WhatIf]] = []
    small = [0, 0]
    for segment, total in values_of(found, names):
        if names and total.transactions < small_cell:
            small = [small[0] + 1, small[1] + total.transactions]
        else:
            rows += [(segment, each) for each in what_if(total, known.get(segment, Truth()), to)]
    return SpanWhatIf(tuple(rows), *small)


def _labelled(known: Truth, to: Thresholds) -> Iterator[WhatIf]:
    if to.match is not None:
        covered = _coverage(known, (GENUINE, IMPOSTOR), 0)
        yield from _each(known, "fmr", IMPOSTOR, to.match, covered, passes=True)
        yield from _each(known, "fnmr", GENUINE, to.match, covered, passes=False)
    if to.liveness is not None:
        attacks = sorted(filter(is_attack, known.outcomes))
        covered = _coverage(known, (BONA_FIDE, *attacks), 1)
        for name in attacks:
            prefix, _, species = name.partition(":")
            yield from _each(known, f"{_PASSED[prefix]}:{species}", name, to.liveness, covered, passes=True)
        yield from _each(known, "bpcer", BONA_FIDE, to.liveness, covered, passes=False)


def _each(
    known: Truth, metric: str, trial_class: str, threshold: float, coverage: float | None, *, passes: bool
) -> Iterator[WhatIf]:
    outcomes = known.outcomes.get(trial_class)
    if outcomes is None or not outcomes.n:
        return
    below = known.scores.get(trial_class, SketchSum()).count_below(threshold)
    errors = Bounds(outcomes.n - below.high, outcomes.n - below.low) if passes else below
    yield WhatIf(metric, outcomes.passed if passes else outcomes.failed, outcomes.n, errors, coverage)


def _coverage(known: Truth, classes: Iterable[str], check: int) -> float | None:
    counted = [known.outcomes[name] for name in classes if name in known.outcomes]
    requested = known.requested[check]
    return sum(each.n + each.missing for each in counted) / requested if requested else None


def _proxies(total: Counted, to: Thresholds) -> Iterator[WhatIf]:
    """Yield the failed checks, those not accepted, and of these the retakes and reviews at today's share of reviews.

    A retry that would not have happened is still counted, and one that would have is not: attempts are as they were.
    Nor is it known which failure would have been a subject's last but one: reviews are a proxy.
    """
    n, counts = total.transactions, total.counts
    tried: tuple[tuple[Check, float | None], ...] = (("match", to.match), ("liveness", to.liveness))
    for check, threshold in tried:
        if threshold is not None:
            scored = _scores(total, check).total()
            below = _scores(total, check).count_below(threshold)
            yield WhatIf(f"{check}_fail_rate", counts.get(f"{check}.fail", 0), scored, below, None)
    retries, reviews = counts.get("decision.retry", 0), counts.get("decision.refer", 0)
    rejected = _rejected(total, to)
    yield WhatIf("rejection_rate", retries + reviews, n, rejected, None)
    for metric, today in (("retakes", retries), ("reviews", reviews)):
        if retries + reviews:
            scaled = Bounds(
                rejected.low * today // (retries + reviews), -(-rejected.high * today // (retries + reviews))
            )
        else:
            scaled = Bounds(0, rejected.high)
        yield WhatIf(metric, today, n, scaled, None, proxy=True)


def _rejected(total: Counted, to: Thresholds) -> Bounds:
    """Return the bounds of how many transactions have a check that fails or is missing."""
    n = total.transactions
    today = total.counts.get("decision.retry", 0) + total.counts.get("decision.refer", 0)
    failing: list[Bounds] = []
    down = up = 0
    tried: tuple[tuple[Check, float | None], ...] = (("match", to.match), ("liveness", to.liveness))
    for check, threshold in tried:
        missing, failed = (total.counts.get(f"{check}.{outcome}", 0) for outcome in ("missing", "fail"))
        if threshold is None:
            failing.append(Bounds(missing + failed, missing + failed))
            continue
        below = _scores(total, check).count_below(threshold)
        failing.append(Bounds(missing + below.low, missing + below.high))
        saved, lost = _moved(_scores(total, check), threshold, failed)
        down, up = down + saved, up + lost
    low = max(max(each.low for each in failing), today - down)
    high = min(n, sum(each.high for each in failing), today + up)
    return Bounds(low, max(low, high))


def _moved(scores: SketchSum, threshold: float, failed: int) -> tuple[int, int]:
    """Return how many can pass that failed, and how many can fail that passed, at most.

    A part whose edge set has one threshold was judged by it: nothing between the two can change sides but in one
    direction. Of other parts nothing is known but how many lie below the new threshold.
    """
    saved = lost = 0
    for part in scores.parts():
        below = part.count_below(threshold)
        if len(part.edge_set.thresholds) == 1:
            before = part.count_below(part.edge_set.thresholds[0]).low
            saved += max(0, before - below.low)
            lost += max(0, below.high - before)
        else:
            saved += failed
            lost += below.high
    return min(saved, failed), lost


def _scores(total: Counted, check: Check) -> SketchSum:
    return total.sketches.get(check, SketchSum())


def on_edges(found: Mapping[str, SketchSum], to: Thresholds) -> dict[str, bool]:
    """Return of each check that is tried whether its threshold is an edge of every sketch: then counts are exact."""
    tried: tuple[tuple[Check, float | None], ...] = (("match", to.match), ("liveness", to.liveness))
    return {
        check: all(threshold in part.edge_set.edges for part in found.get(check, SketchSum()).parts())
        for check, threshold in tried
        if threshold is not None
    }
