"""The counts that slices of a tenant are compared by in one window of a metric, and how far they are known. Pure."""

from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from typing import Final

from proofwatch.detection.findings import WHOLE, FindingHistory, Slice, excess
from proofwatch.detection.root_slice import Counts

_KNOWN: Final = 0.8
_DISTINCT: Final = 6.0
"""Standard deviations of a slice's failures above what the rest of its tenant shows meanwhile: then it is a cause of
its own beside the tenant's. While a whole tenant fires, the highest of its slices come to five by chance, for they are
looked at all the time."""


def table_of(
    group: Sequence[FindingHistory], raised: Collection[Slice], known: Mapping[Slice, tuple[int, int]], *, down: bool
) -> dict[Slice, Counts]:
    """Return the counts of the findings' slices as they state them, and of those that are raised as far as known."""
    own = {each.where: worst for each in group if (worst := each.worst)}
    usual = own[WHOLE if WHOLE in own else min(own, key=str)].baseline_rate
    table = {each: Counts(*known[each], usual, down) for each in {WHOLE, *raised} if each in known}
    for where, worst in own.items():
        stated = excess(worst) if worst.affected is not None else None
        table[where] = Counts(worst.k, worst.n, worst.baseline_rate, down, stated)
    return table


def partly_known(known: Mapping[Slice, tuple[int, int]]) -> frozenset[str]:
    """Return the segments whose values together lack more than one in five of their tenant's trials, or failures."""
    sums: dict[str, tuple[int, int]] = {}
    for (name, _), (k, n) in known.items():
        if name is not None:
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + k, before[1] + n)
    whole = known.get(WHOLE, (0, 0))
    return frozenset(
        name for name, each in sums.items() if any(own < _KNOWN * all_ for own, all_ in zip(each, whole, strict=True))
    )


def is_distinct(table: Mapping[Slice, Counts], where: Slice) -> bool:
    """Return whether a slice differs from the rest of its tenant by more than chance makes of the highest of many."""
    own, whole = table[where], table.get(WHOLE)
    if whole is None or whole.n <= own.n:
        return False
    rest = max(0, whole.k - own.k) / (whole.n - own.n)
    usual = own.n * (min(own.baseline, rest) if own.down else max(own.baseline, rest))
    beyond = usual - own.k if own.down else own.k - usual
    return beyond >= _DISTINCT * sqrt(max(usual, 1.0))
