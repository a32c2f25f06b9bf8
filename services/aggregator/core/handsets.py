"""How handsets, operating systems, SDK releases and countries fare: what is captured, how fast, who is turned away.

Excess is what a value has beyond what it would have at the rate of the rest of its tenant: k - n × rest. It is the
harm in people and not in ratios: 3 of 10 is less than 500 of 10,000.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from proofwatch.biometrics.figures import Figure, rate
from proofwatch.biometrics.sketch_sum import Between
from services.aggregator.core.figures import PROXIES
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.span import Counted, values_of
from services.aggregator.core.times import MICROSECONDS

DIMENSIONS: Final = ("device_model", "os", "sdk_version", "country")
TIMINGS: Final = ("capture_ms", "upload_ms", "match_ms", "liveness_ms")
QUANTILES: Final = (0.5, 0.95, 0.99)
_PROXIES: Final = {proxy.metric: proxy for proxy in PROXIES}


class Timing(NamedTuple):
    """Durations in milliseconds: how many, their mean, and bounds of p50, p95 and p99."""

    n: int
    mean: float | None
    quantiles: tuple[Between, ...]


class Handset(NamedTuple):
    """A segment value beside the rest of its tenant (`…_rest`).

    `failure`: checks without a score of those requested (fta); `rejection`: transactions not accepted; `response`:
    requested liveness checks that brought a score (ISO/IEC 30107-3: the others are non-responses). Excess is in checks
    and in transactions; None where there is no rest to compare with.
    """

    segment: Segment
    transactions: int
    failure: Figure
    failure_rest: Figure
    excess_failures: float | None
    rejection: Figure
    rejection_rest: Figure
    excess_rejections: float | None
    response: Figure
    response_rest: Figure
    timings: Mapping[str, Timing]
    timings_rest: Mapping[str, Timing]


class Handsets(NamedTuple):
    """Those of one dimension after the other, the most harm first; how much is kept back because it is too small."""

    rows: tuple[Handset, ...]
    small_values: int
    small_transactions: int


def handsets(found: Mapping[Segment, Counted], *, names: Sequence[str] = DIMENSIONS, small_cell: int) -> Handsets:
    """Return the values of the dimensions that have at least `small_cell` transactions."""
    whole = found.get(WHOLE, Counted())
    rows: list[Handset] = []
    small = [0, 0]
    for name in dict.fromkeys(names):
        ranked: list[Handset] = []
        for segment, total in values_of(found, (name,)):
            if total.transactions < small_cell:
                small = [small[0] + 1, small[1] + total.transactions]
            else:
                ranked.append(_handset(segment, total, whole.without(total)))
        rows += sorted(ranked, key=_harm)
    return Handsets(tuple(rows), *small)


def _harm(row: Handset) -> tuple[float, float, str]:
    return -(row.excess_failures or 0.0), -(row.excess_rejections or 0.0), row.segment[1] or ""


def _handset(segment: Segment, total: Counted, rest: Counted) -> Handset:
    failure, failure_rest = _proxy("fta_rate", total), _proxy("fta_rate", rest)
    rejection, rejection_rest = _proxy("rejection_rate", total), _proxy("rejection_rate", rest)
    return Handset(
        segment,
        total.transactions,
        failure,
        failure_rest,
        _excess(failure, failure_rest),
        rejection,
        rejection_rest,
        _excess(rejection, rejection_rest),
        _response(total),
        _response(rest),
        _timings(total),
        _timings(rest),
    )


def _proxy(metric: str, total: Counted) -> Figure:
    proxy = _PROXIES[metric]
    return rate(_sum(total, proxy.k), _sum(total, proxy.n))


def _response(total: Counted) -> Figure:
    came = _sum(total, ("liveness.pass", "liveness.fail"))
    return rate(came, came + _sum(total, ("liveness.missing",)))


def _excess(own: Figure, rest: Figure) -> float | None:
    if own.k is None or own.n is None or rest.value is None:
        return None
    return own.k - own.n * rest.value


def _timings(total: Counted) -> dict[str, Timing]:
    found = {}
    for name in TIMINGS:
        sketch = total.sketches.get(name)
        n = sketch.total() if sketch else 0
        if sketch and n:
            mean = total.sums.get(name, 0) / MICROSECONDS / n
            found[name] = Timing(n, mean, tuple(sketch.quantile(share) for share in QUANTILES))
    return found


def _sum(total: Counted, names: Sequence[str]) -> int:
    return sum(total.counts.get(name, 0) for name in names)
