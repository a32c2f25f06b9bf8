"""What a closed window has for the charts of its rates: k and n of the attempts that each counts, and of the rest."""

from collections.abc import Mapping
from typing import NamedTuple

from services.aggregator.core.cusum.chart import Counts
from services.aggregator.core.cusum.kinds import Trials
from services.aggregator.core.cusum.state import RateRow


class Whole(NamedTuple):
    """Failures of the whole tenant in a window, how many are usual, and whether they are of first attempts."""

    k: int
    expected: float
    firsts: bool


def wholes_of(row: RateRow, counts: Mapping[str, Counts]) -> dict[str, Whole]:
    """Return the whole of a tenant, by metric, from the counts of its own window."""
    rates = row.rates
    return {
        metric: Whole(each.k, each.n * rates[metric].usual.p0, rates[metric].firsts) for metric, each in counts.items()
    }


def counts_of(
    row: RateRow,
    start_ms: int,
    trials: Trials,
    begins: frozenset[str],
    tenant: Mapping[str, Whole],
    expected: Mapping[str, float],
) -> dict[str, Counts]:
    """Return the counts of a window, of the attempts that each rate counts, beside them those of the others.

    `begins`: rates that begin with first attempts; `tenant`: the whole tenant in that window, by metric, empty where
    the row is the whole itself; `expected`: what is usual of a rate that the row has not yet.
    """
    found: dict[str, Counts] = {}
    for metric, attempts in trials.attempts.items():
        if not attempts[1] or metric not in expected:
            continue
        state = row.rates.get(metric)
        firsts = metric in begins if state is None else state.firsts
        first = None if trials.first is None else trials.first.get(metric)
        (k, n), other = attempts, first
        if firsts:
            assert first is not None, "a rate counts first attempts only where they are known (kinds)"
            (k, n), other = first, attempts
        rest_k, rest_expected = 0, 0.0
        whole = tenant.get(metric)
        if whole is not None and whole.firsts == firsts:
            own = n * (state.usual.p0 if state else expected[metric])
            rest_k, rest_expected = max(0, whole.k - k), max(0.0, whole.expected - own)
        found[metric] = Counts(start_ms, k, n, rest_k, rest_expected, other)
    return found
