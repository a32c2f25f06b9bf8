"""The rates that need no truth: proxies of how the system does, until labels arrive."""

from collections.abc import Mapping
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


_MATCHED: Final = ("match.pass", "match.marginal", "match.fail")
_JUDGED: Final = ("liveness.pass", "liveness.fail")
_NOT_ACQUIRED: Final = ("match.missing", "liveness.missing")
PROXIES: Final = (
    Proxy("rejection_rate", ("decision.retry", "decision.refer"), ("transactions",)),
    Proxy("retry_rate", ("decision.retry",), ("transactions",)),
    Proxy("refer_rate", ("decision.refer",), ("transactions",)),
    Proxy("match_fail_rate", ("match.fail",), _MATCHED),
    Proxy("liveness_fail_rate", ("liveness.fail",), _JUDGED),
    Proxy("fta_rate", _NOT_ACQUIRED, (*_MATCHED, *_JUDGED, *_NOT_ACQUIRED)),
)


def proxies(counts: Mapping[str, int]) -> tuple[Figure, ...]:
    """Return every proxy with its Wilson 95 % interval; no trials give null, and no policy limits a proxy."""
    return tuple(_figure(proxy.metric, _sum(counts, proxy.k), _sum(counts, proxy.n)) for proxy in PROXIES)


def counted(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return k and n of every proxy."""
    return {proxy.metric: (_sum(counts, proxy.k), _sum(counts, proxy.n)) for proxy in PROXIES}


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
    return sum(map(counts.get, names, repeat(0)))
