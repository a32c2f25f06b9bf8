"""The rates that need no truth: proxies of how the system does, until labels arrive.

Of all attempts; and of first attempts, whose failures do not depend on each other (ADR 0042). A first attempt is one
before which no failure of its subject counted (`basis.attempts_before`). What is counted beside all attempts are the
further ones, which are few: so much is known of first attempts as `first_attempts` and the further ones sum up to.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Final, NamedTuple

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.types import Figure


class Proxy(NamedTuple):
    """A rate made of counters: sums of `k` over sums of `n`."""

    metric: str
    k: tuple[str, ...]
    n: tuple[str, ...]


class _Shared(NamedTuple):
    """Sums that several rates share, each once; and by rate the places of its k and n among them."""

    sums: list[tuple[str, ...]]
    rates: list[tuple[str, int, int]]


def _shared(proxies: Sequence[Proxy]) -> _Shared:
    sums = list(dict.fromkeys(names for each in proxies for names in (each.k, each.n)))
    return _Shared(sums, [(each.metric, sums.index(each.k), sums.index(each.n)) for each in proxies])


REFERRALS: Final = "refer_rate"
_REFER: Final = "decision.refer"
_MATCHED: Final = ("match.pass", "match.marginal", "match.fail")
_JUDGED: Final = ("liveness.pass", "liveness.fail")
_NOT_ACQUIRED: Final = ("match.missing", "liveness.missing")
PROXIES: Final = (
    Proxy("rejection_rate", ("decision.retry", _REFER), ("transactions",)),
    Proxy("retry_rate", ("decision.retry",), ("transactions",)),
    Proxy(REFERRALS, (_REFER,), ("transactions",)),
    Proxy("match_fail_rate", ("match.fail",), _MATCHED),
    Proxy("liveness_fail_rate", ("liveness.fail",), _JUDGED),
    Proxy("fta_rate", _NOT_ACQUIRED, (*_MATCHED, *_JUDGED, *_NOT_ACQUIRED)),
)


FIRST_ATTEMPTS: Final = "first_attempts"
"""The counter of transactions that are known to be first attempts; 0 is written, so that absent means not known."""
AGAIN: Final = "again."
"""Before the name of a counter: of further attempts."""
_FURTHER: Final = f"{AGAIN}transactions"
OF_FIRST: Final = frozenset({"rejection_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate"})
"""Rates that first attempts tell. Retries and referrals are what becomes of who failed: they need all attempts."""
_OF_ALL: Final = _shared(PROXIES)
_OF_FIRST: Final = _shared([each for each in PROXIES if each.metric in OF_FIRST])
_OF_FURTHER: Final = [tuple(AGAIN + name for name in names) for names in _OF_FIRST.sums]


REFERRED_ONCE: Final = "referred.once"
"""The counter of referrals of people who had not been referred yet; of an episode of failures there is one."""
REFERRED_AGAIN: Final = "referred.again"
"""That of referrals of people who had been."""


def proxies(counts: Mapping[str, int]) -> tuple[Figure, ...]:
    """Return every proxy with its Wilson 95 % interval; no trials give null, and no policy limits a proxy."""
    return tuple(_figure(metric, k, n) for metric, (k, n) in counted(counts).items())


def counted(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return k and n of every proxy."""
    sums = [_sum(counts, names) for names in _OF_ALL.sums]
    return {metric: (sums[k], sums[n]) for metric, k, n in _OF_ALL.rates}


def knows_first(counts: Mapping[str, int]) -> bool:
    """Return whether every transaction is known to be a first attempt or a further one."""
    return 0 < counts.get("transactions", 0) == counts.get(FIRST_ATTEMPTS, 0) + counts.get(_FURTHER, 0)


def counted_first(counts: Mapping[str, int]) -> dict[str, tuple[int, int]] | None:
    """Return k and n of the rates that first attempts tell; None where not all transactions are known to be one or not.

    Counters of releases that did not tell them apart, and sums with such counters in them, are not known.
    """
    if not knows_first(counts):
        return None
    sums = [_sum(counts, names) for names in _OF_FIRST.sums]
    if counts.get(_FURTHER):
        sums = [every - _sum(counts, names) for every, names in zip(sums, _OF_FURTHER, strict=True)]
    return {metric: (sums[k], sums[n]) for metric, k, n in _OF_FIRST.rates}


def people_referred(counts: Mapping[str, int]) -> tuple[int, int] | None:
    """Return k and n of the people who were referred; None where not all referrals are known to be a first one or not.

    Who is referred and comes again all day counts once, so failures do not depend on each other. No figure of windows:
    charts alone judge it (ADR 0042).
    """
    once, again = counts.get(REFERRED_ONCE, 0), counts.get(REFERRED_AGAIN, 0)
    if once + again != counts.get(_REFER, 0):
        return None
    return once, counts.get("transactions", 0) - again


@lru_cache(maxsize=65_536)  # windows are many and mostly small: the same few numbers again and again
def _figure(metric: str, k: int, n: int) -> Figure:
    low, high = wilson(k, n) if n else (None, None)
    return Figure(
        metric=metric,
        k=k,
        n=n,
        value=k / n if n else None,
        low=low,
        high=high,
        limit=None,
        status=None,
        coverage=None,
    )


def _sum(counts: Mapping[str, int], names: tuple[str, ...]) -> int:
    if len(names) == 1:
        return counts.get(names[0], 0)
    return sum(map(counts.get, names, repeat(0)))
