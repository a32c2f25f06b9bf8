"""What decides beside a group: silences, inhibition, acknowledgements and what a channel may take. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from services.notifier.core.decisions import Reason
from services.notifier.core.groups import Acknowledged, Member
from services.notifier.core.matchers import Matcher, all_hold
from services.notifier.core.routes import Plan
from services.notifier.core.routing import RANK

_LOOK_MS: Final = 1_000


class Silence(NamedTuple):
    """Nobody is told of what fires and matches, from `begins_ms` until before `ends_ms`. Ends are told."""

    silence_id: str
    matchers: tuple[Matcher, ...]
    begins_ms: int
    ends_ms: int

    def covers(self, labels: Mapping[str, str], at_ms: int) -> bool:
        """Return whether it holds now for what has these labels; one without a condition covers nothing."""
        return self.begins_ms <= at_ms < self.ends_ms and bool(self.matchers) and all_hold(self.matchers, labels)


class Fired(NamedTuple):
    """Something that fires, or fired: what may inhibit others."""

    alert_id: str
    labels: Mapping[str, str]
    since_ms: int
    until_ms: int | None

    def fires(self, at_ms: int) -> bool:
        """Return whether it does so at a moment."""
        return self.since_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


class Inhibition(NamedTuple):
    """While a source fires, nobody is told of targets that equal it in the labels named."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def sources(self, fired: Sequence[Fired]) -> Mapping[tuple[str, ...], Sequence[tuple[Fired, bool]]]:
        """Return what may inhibit, by the values that a target must equal, and whether it is a target as well."""
        found: dict[tuple[str, ...], list[tuple[Fired, bool]]] = {}
        for each in fired:
            if all_hold(self.source, each.labels):
                found.setdefault(self._values(each.labels), []).append((each, all_hold(self.target, each.labels)))
        return found

    def by(
        self,
        alert_id: str,
        labels: Mapping[str, str],
        sources: Mapping[tuple[str, ...], Sequence[tuple[Fired, bool]]],
        at_ms: int,
    ) -> str | None:
        """Return what inhibits, by its id; nothing inhibits itself.

        What matches both sides is not inhibited by what does so too: two of a kind would silence each other.
        """
        equal = sources.get(self._values(labels), ())
        if not equal or not all_hold(self.target, labels):
            return None
        is_both = all_hold(self.source, labels)
        for each, is_target in equal:
            if each.alert_id != alert_id and each.fires(at_ms) and not (is_both and is_target):
                return each.alert_id
        return None

    def _values(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(labels.get(name, "") for name in self.equal)


class Limit(NamedTuple):
    """How many messages a channel takes within a time; what ends is told beyond it."""

    messages: int
    per_ms: int

    def free_ms(self, told_ms: Sequence[int], at_ms: int) -> int:
        """Return from when on there is room for one more, at the earliest `at_ms`."""
        recent = sorted(each for each in told_ms if at_ms - self.per_ms < each <= at_ms)
        return at_ms if len(recent) < self.messages else recent[len(recent) - self.messages] + self.per_ms


@dataclass(frozen=True)
class Around:
    """All of it, as it is known while one group is looked at."""

    silences: Sequence[Silence] = ()
    inhibitions: Sequence[Inhibition] = ()
    fired: Sequence[Fired] = ()
    limit: Limit | None = None
    channel_told_ms: Sequence[int] = ()
    """When the channel was sent something lately, by any group."""
    acknowledged: Sequence[Acknowledged] = field(default=())

    def silenced_by(self, labels: Mapping[str, str], at_ms: int) -> Silence | None:
        """Return the silence that holds longest of those that cover it."""
        covering = [each for each in self.silences if each.covers(labels, at_ms)]
        return max(covering, key=lambda each: (each.ends_ms, each.silence_id), default=None)

    def inhibited_by(self, alert_id: str, labels: Mapping[str, str], at_ms: int) -> str | None:
        """Return what inhibits it, by its id."""
        found = (each.by(alert_id, labels, sources, at_ms) for each, sources in self._sources)
        return next(filter(None, found), None)

    @cached_property
    def _sources(self) -> Sequence[tuple[Inhibition, Mapping[tuple[str, ...], Sequence[tuple[Fired, bool]]]]]:
        # once for all members of a group: thousands may fire
        return [(each, each.sources(self.fired)) for each in self.inhibitions]

    def acknowledgement(self, at_ms: int) -> Acknowledged | None:
        """Return the one by now that goes furthest: one of an older message takes nothing back."""
        by_now = (each for each in self.acknowledged if each.at_ms <= at_ms)
        return max(by_now, key=lambda each: (each.sequence, each.at_ms), default=None)


class Held(NamedTuple):
    """Why something that fires is not told."""

    reason: Reason
    by: str
    again_ms: int | None
    """When it is to be looked at again."""


def why_not(member: Member, plan: Plan, around: Around, at_ms: int) -> Held | None:
    """Return why people are not told that it fires; None: nothing is against it.

    They look again after an interval at the latest: a silence may be over before its end, and an inhibition any time.
    """
    fact, later = member.fact, at_ms + max(plan.interval_ms, _LOOK_MS)
    if silence := around.silenced_by(fact.labels, at_ms):
        return Held("silenced", silence.silence_id, min(silence.ends_ms, later))
    if source := around.inhibited_by(fact.alert_id, fact.labels, at_ms):
        return Held("inhibited", source, later)
    if plan.is_muted(at_ms):
        return Held("muted", plan.name, later)
    told = member.told
    if told is None or told.over or RANK[fact.severity] > told.rank:
        return None
    ack = around.acknowledgement(at_ms)
    if ack and told.sequence <= ack.sequence:
        return Held("acknowledged", ack.by, None)
    if member.flapping and (unstable_ms := member.unstable_until_ms(at_ms)):
        return Held("flapping", "", unstable_ms)
    return None
