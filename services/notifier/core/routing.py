"""Which nodes of the routing tree tell a fact, on which channels, and in which group."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from proofwatch.events import topics
from proofwatch.events.enumerations import NotificationSeverity
from proofwatch.events.identity import derived_id
from services.notifier.core.facts import Fact
from services.notifier.core.matchers import all_hold
from services.notifier.core.routes import ALONE, LOG_CHANNEL, Match, Plan, Route

UNMATCHED: Final = "unmatched"
"""The route that a notification names when no channel of the file was for it."""

LISTED: Final = frozenset({topics.ESCALATIONS})
"""What people work off a list: a notice of each would be read by nobody. What is wrong, incidents say."""
RANK: Final[Mapping[NotificationSeverity, int]] = {
    "info": 0,
    "low": 1,
    "medium": 2,
    "warning": 2,
    "high": 3,
    "critical": 4,
}
"""How grave a severity is; warning is a platform alert's word for medium."""


class Target(NamedTuple):
    """One conversation: what a channel hears of the facts that a node groups together."""

    group_id: str
    channel: str
    plan: Plan
    labels: Mapping[str, str]
    """Those that all its facts have in common, by `group_by`."""


def targets(fact: Fact, plans: Mapping[tuple[str, ...], Plan], root: Route) -> Iterator[Target]:
    """Yield where a fact goes, each channel once, by the first node that names it.

    What reaches no channel goes to the log: nothing is dropped unseen. Cases are in their queue, so they do not.
    """
    told: set[str] = set()
    for path in _deepest(fact, root, (), named=False):
        plan = plans[path]
        for channel in plan.channels:
            if channel not in told:
                told.add(channel)
                yield target(fact, plan, channel)
    if not told and fact.source_topic not in LISTED:
        yield target(fact, Plan((UNMATCHED,)), LOG_CHANNEL)


def target(fact: Fact, plan: Plan, channel: str, kind: str = "group") -> Target:
    """Return the group of a fact on one channel; `kind`: what else than routes makes such a group."""
    labels = {name: fact.labels[name] for name in plan.group_by if fact.labels.get(name)}
    alone = fact.alert_id if ALONE in plan.group_by else None
    named = (part for pair in sorted(labels.items()) for part in pair)
    return Target(derived_id(kind, "/".join(plan.path), channel, alone, *named), channel, plan, labels)


def matches(fact: Fact, match: Match, *, named: bool = False) -> bool:
    """Return whether every condition holds.

    What is `LISTED` must be named as the source, here or (`named`) by a node above.
    """
    return (
        (named or fact.source_topic not in LISTED if match.source is None else fact.source_topic in match.source)
        and (match.severity is None or RANK[fact.severity] >= RANK[match.severity])
        and (match.tenant is None or fact.tenant in match.tenant)
        and (match.state is None or fact.state in match.state)
        and all_hold(match.labels, fact.labels)
    )


def _deepest(fact: Fact, route: Route, above: tuple[str, ...], *, named: bool) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the nodes that tell it: its deepest ones, as Alertmanager walks its tree."""
    path = (*above, route.name)
    # the root takes everything; of the lists a node tells only what it names, or one above, but lets it through to
    # children that do
    if above and not matches(fact, route.match, named=True):
        return
    named = named or route.match.source is not None
    found = False
    for child in route.routes:
        below = list(_deepest(fact, child, path, named=named))
        yield from below
        found = found or bool(below)
        if below and not child.goes_on:
            break
    if not found and (named or fact.source_topic not in LISTED):
        yield path
