"""Every rate of a span: the proxies from verdicts alone, and with labels those of ISO/IEC 19795-1 and 30107-3."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from proofwatch.events.types import Figure
from proofwatch.governance.policy import Policy
from services.aggregator.core.figures import proxies
from services.aggregator.core.labelled_figures import figures
from services.aggregator.core.segments import Segment
from services.aggregator.core.span import Counted, Truth, values_of


class SpanRate(NamedTuple):
    """A rate of a segment value over the span; `source` says what it was counted from."""

    segment: Segment
    source: Literal["decisions", "labelled"]
    figure: Figure


class SpanRates(NamedTuple):
    """The rates, and how many segment values with how many transactions are kept back because they are too small."""

    rates: tuple[SpanRate, ...]
    small_values: int
    small_transactions: int


def span_rates(
    found: Mapping[Segment, Counted],
    labelled: Mapping[Segment, Truth],
    policy: Policy,
    *,
    names: Sequence[str] = (),
    small_cell: int,
) -> SpanRates:
    """Return the rates of the values of `names` (none: of the whole tenant), judged by the policy's limits.

    A value with fewer than `small_cell` transactions shows single people and proves nothing: it is kept back.
    """
    rates: list[SpanRate] = []
    small = [0, 0]
    for segment, total in values_of(found, names):
        if names and total.transactions < small_cell:
            small = [small[0] + 1, small[1] + total.transactions]
            continue
        rates += [SpanRate(segment, "decisions", figure) for figure in proxies(total.counts)]
        if segment in labelled:
            known = labelled[segment]
            judged = figures(known.outcomes, known.requested, policy)
            rates += [SpanRate(segment, "labelled", figure) for figure in judged]
    return SpanRates(tuple(rates), *small)
