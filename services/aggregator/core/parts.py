"""The windows that a rate of a span is the sum of, each with its own k and n. Exact, as the sums are."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from proofwatch.governance.policy import Policy
from services.aggregator.core.figures import PROXIES, proxies
from services.aggregator.core.found import Found
from services.aggregator.core.labelled_figures import figures
from services.aggregator.core.segments import Segment
from services.aggregator.core.span import Counted, Stretch, Truth

_PROXIES: Final = frozenset(each.metric for each in PROXIES)


class Part(NamedTuple):
    """A window with its k of n; `transactions` None: of a labelled day. `listed`: whether it is shown."""

    at: Stretch
    revision: int
    backfill: bool
    transactions: int | None
    k: int
    n: int
    listed: bool = True


def is_proxy(metric: str) -> bool:
    """Return whether a rate is made of decisions alone; others are of labels."""
    return metric in _PROXIES


def parts_of(found: Found, of: Segment, metric: str, policy: Policy) -> Iterator[Part]:
    """Yield the windows that count for a rate of a segment value, the oldest first."""
    if not is_proxy(metric):
        yield from _labelled(found, of, metric, policy)
        return
    for window in found.counted:
        if window.segment == of:
            total = Counted()
            for part in window.parts:
                total.add(part)
            figure = next(each for each in proxies(total.counts) if each.metric == metric)
            counts = (figure.k or 0, figure.n or 0)
            yield Part(window.at, window.revision, window.backfill, total.transactions, *counts)


def _labelled(found: Found, of: Segment, metric: str, policy: Policy) -> Iterator[Part]:
    for day in found.labelled:
        if day.segment == of:
            known = Truth()
            known.add(day)
            for figure in figures(known.outcomes, known.requested, policy):
                if figure.metric == metric and figure.n:
                    yield Part(day.at, day.revision, day.backfill, None, figure.k or 0, figure.n)
