"""Which tenants are due to be told of although nothing came: found without looking at the others."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush


class DueTimes:
    """The time of each tenant, or none."""

    def __init__(self, due_ms: Mapping[str, int]) -> None:
        self._due = dict(due_ms)
        self._heap = [(at_ms, tenant) for tenant, at_ms in due_ms.items()]
        heapify(self._heap)

    def note(self, tenant: str, at_ms: int | None) -> None:
        """Replace the time of a tenant; None: it has none any more."""
        if at_ms is None:
            self._due.pop(tenant, None)
        elif self._due.get(tenant) != at_ms:
            self._due[tenant] = at_ms
            heappush(self._heap, (at_ms, tenant))

    def at(self, tenant: str) -> int | None:
        """Return the time of a tenant; None: it has none."""
        return self._due.get(tenant)

    def by(self, until_ms: int | None) -> list[str]:
        """Return the tenants due by then, in the order of their times; what is past stays until it is noted anew."""
        due: list[tuple[int, str]] = []
        while until_ms is not None and self._heap and self._heap[0][0] <= until_ms:
            at_ms, tenant = heappop(self._heap)
            if self._due.get(tenant) == at_ms and (at_ms, tenant) not in due[-1:]:
                due.append((at_ms, tenant))
        for each in due:
            heappush(self._heap, each)
        return [tenant for _, tenant in due]
