"""Of how many transactions the imagery was opened, and how many reached the Research Group, as shares of all.

The interval is the two-sided one of Clopper and Pearson at 95 %. A count of fewer than k people is kept back, also a
zero and the other way round: what is said of it then is the bound that holds whatever the count is.
"""

from typing import Final, NamedTuple

from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper

CONFIDENCE: Final = 0.95
_EACH_SIDE: Final = (1 + CONFIDENCE) / 2


class Counted(NamedTuple):
    """A tenant's month: transactions in all, those whose imagery was opened, those in cases of the Research Group."""

    transactions: int
    opened: int
    research: int


class Share(NamedTuple):
    """A share with its interval; `number` and `estimate` None: kept back, `lower` and `upper` hold all the same."""

    number: int | None
    estimate: float | None
    lower: float
    upper: float


def share(count: int, transactions: int, k: int) -> Share | None:
    """Return the share; None: there are fewer than k transactions, and nothing is said of them."""
    if transactions < k:
        return None
    # numbers that were kept for another time may be of one transaction more or fewer
    count = min(count, transactions)
    if count < k:
        return Share(None, None, 0.0, _upper(min(k - 1, transactions), transactions))
    if transactions - count < k:
        return Share(None, None, _lower(transactions - k + 1, transactions), 1.0)
    return Share(count, count / transactions, _lower(count, transactions), _upper(count, transactions))


def _lower(count: int, of: int) -> float:
    return clopper_pearson_lower(count, of, _EACH_SIDE)


def _upper(count: int, of: int) -> float:
    return clopper_pearson_upper(count, of, _EACH_SIDE)
