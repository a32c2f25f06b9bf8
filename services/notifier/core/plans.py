"""Every plan by which somebody is told: those of the routes file, and those that the service has of its own."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from services.notifier.core.intervals import Interval
from services.notifier.core.routes import LOG_CHANNEL, Plan, Route, nodes
from services.notifier.core.routing import UNMATCHED
from services.notifier.core.telling import DIGEST

ESCALATED: Final = "escalated"
"""The last name in the path of whom a route tells when nobody acknowledges."""
_DIGEST_WAIT_MS: Final = 60_000
_ALWAYS: Final = (Interval(),)


class Plans(NamedTuple):
    """The routing tree, and how each of its nodes tells, by its path."""

    root: Route
    by_path: Mapping[tuple[str, ...], Plan]

    @classmethod
    def of(cls, root: Route, times: Mapping[str, tuple[Interval, ...]]) -> "Plans":
        """Return those of a routes file."""
        return cls(root, {plan.path: plan for _, plan in nodes(root, times)})

    def plan(self, path: tuple[str, ...], channel: str) -> Plan:
        """Return how a group tells, that once began by this path on this channel.

        One whose route or channel the file does not have any more tells of ends only: what was told firing is told
        resolved, whatever has become of the file.
        """
        if path == (DIGEST,):
            return DIGESTED
        if path == (UNMATCHED,):
            return Plan(path)
        if path[-1:] == (ESCALATED,):
            base = self.by_path.get(path[:-1])
            if base and base.escalate and channel in base.escalate.channels:
                return base._replace(path=path, channels=base.escalate.channels, wait_ms=0, escalate=None)
            return _leftover(path)
        found = self.by_path.get(path)
        return found if found and channel in found.channels else _leftover(path)


DIGESTED: Final = Plan((DIGEST,), (LOG_CHANNEL,), (), wait_ms=_DIGEST_WAIT_MS)
"""How what was long past when it came is told: all of it together."""


def _leftover(path: tuple[str, ...]) -> Plan:
    return Plan(path, wait_ms=0, repeat_ms=0, mute=_ALWAYS)
