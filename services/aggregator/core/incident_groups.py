"""Which anomalies are taken together: those that a closing brings, however many records and batches they come in.

A group begins with the first anomaly of a tenant that waits, and takes what comes in the next `SETTLE_MS` of log time.
It is complete when nothing of that time can come any more; so it is a function of the log's records and timestamps.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of

SETTLE_MS: Final = 10_000
"""Relays publish a closing within a second or two; who is told waits so much longer, of the two minutes there are."""


class Arrival(NamedTuple):
    """An anomaly and when it came, in milliseconds of log time."""

    at_ms: int
    anomaly: Anomaly


class Group(NamedTuple):
    """Anomalies of a tenant that are taken together, complete at `end_ms`."""

    end_ms: int
    tenant: str
    anomalies: tuple[Anomaly, ...]

    @property
    def known_at(self) -> datetime:
        """Return when what it brings became known: the last of its findings."""
        return max((each.known_at or each.window_end for each in self.anomalies), key=ms_of)


class Split(NamedTuple):
    """Groups that are complete, in the order of their ends, and what waits."""

    groups: list[Group]
    waiting: list[Arrival]


def split(arrivals: Iterable[Arrival], complete_ms: int | None) -> Split:
    """Return the groups that are complete when everything of before `complete_ms` has come (None: nothing is known)."""
    by_tenant: dict[str, list[Arrival]] = {}
    for each in arrivals:
        by_tenant.setdefault(each.anomaly.tenant, []).append(each)
    groups: list[Group] = []
    waiting: list[Arrival] = []
    for tenant, those in by_tenant.items():
        left = sorted(those, key=_order)
        while left and complete_ms is not None and (end_ms := left[0].at_ms + SETTLE_MS) <= complete_ms:
            taken = [each for each in left if each.at_ms < end_ms]
            groups.append(Group(end_ms, tenant, tuple(each.anomaly for each in taken)))
            left = left[len(taken) :]
        waiting += left
    return Split(sorted(groups, key=lambda each: (each.end_ms, each.tenant)), waiting)


def _order(arrival: Arrival) -> tuple[int, str, int]:
    return (arrival.at_ms, arrival.anomaly.anomaly_id, arrival.anomaly.revision)
