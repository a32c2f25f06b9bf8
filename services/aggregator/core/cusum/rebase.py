"""A person's word that what a rate does now is what is usual: an entry that stays, with who, when and why.

It takes effect with the first five-minute window that begins at `effective_ms`, which the one who writes it chooses
later than anything that can have closed by then: so what follows is a function of the log and of the entries.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.aggregator.core.cusum.state import RowKey


class Rebase(NamedTuple):
    """Rates of a tenant that begin anew: what they did from `from_ms` on (since 1970) is what is usual.

    `segment_name` None: of the tenant and all its segment values; `metric` None: every rate.
    """

    tenant: str
    segment_name: str | None
    segment_value: str | None
    metric: str | None
    from_ms: int
    effective_ms: int
    by: str
    reason: str

    def touches(self, key: RowKey) -> bool:
        """Return whether the rates of a row begin anew."""
        if self.tenant != key.tenant:
            return False
        return self.segment_name is None or (self.segment_name, self.segment_value) == key[1:]


def due(rebases: Iterable[Rebase], key: RowKey, last_ms: int, start_ms: int) -> Sequence[Rebase]:
    """Return the entries that take effect between two windows of a row, in order; none before its first window."""
    if last_ms < 0:
        return ()
    found = [each for each in rebases if last_ms < each.effective_ms <= start_ms and each.touches(key)]
    return sorted(found, key=lambda each: each.effective_ms)
