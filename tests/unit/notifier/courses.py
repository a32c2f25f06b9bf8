"""One group under a clock that the test moves: what comes to it, what lies beside it, and what it told. In seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from proofwatch.events.types import Notification
from proofwatch.instants import ms_of
from services.notifier.core.around import Around, Silence
from services.notifier.core.arriving import Arrival
from services.notifier.core.course import followed
from services.notifier.core.decisions import Decision
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Acknowledged, Group
from services.notifier.core.matchers import matcher
from services.notifier.core.messages import notification
from services.notifier.core.routes import Plan
from services.notifier.core.routing import target
from services.notifier.core.telling import Message

START_S = 1_767_225_600
"""2026-01-01T00:00Z, a Thursday."""
PLAN = Plan(("root", "soc"), ("pager",), ("tenant",), wait_ms=30_000, interval_ms=300_000, repeat_ms=3_600_000)
MINUTE, HOUR = 60, 3_600


def ms(at_s: float) -> int:
    """Milliseconds of the epoch, of seconds since the start of the test."""
    return round((START_S + at_s) * 1000)


def fact(alert: str = "a", revision: int = 1, **given: Any) -> Fact:
    """An incident of acme that fires; `labels` are added to its own."""
    labels: Mapping[str, str] = given.pop("labels", {})
    fields: dict[str, Any] = {
        "source_topic": "metrics.incidents.v1",
        "source_id": alert,
        "source_revision": revision,
        "tenant": "acme",
        "severity": "high",
        "state": "firing",
        "title": f"Too many rejections ({alert})",
        "summary": f"Numbers of {alert}.",
        "at": datetime.fromtimestamp(START_S, UTC),
    } | given
    own = {"source": "incident", "tenant": "acme", "severity": fields["severity"], "kind": alert}
    return Fact(labels={**own, **labels}, **fields)


def silence(begins_s: float, ends_s: float, *conditions: str, name: str = "quiet") -> Silence:
    """Of everything of acme, where no conditions are given."""
    return Silence(name, tuple(map(matcher, conditions or ("tenant=acme",))), ms(begins_s), ms(ends_s))


@dataclass
class Story:
    """What happens to one group; times are seconds since the start."""

    plan: Plan = PLAN
    beside: Around = field(default_factory=Around)
    exact: bool = True
    group: Group = field(default_factory=Group)
    messages: list[Message] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    escalated: list[tuple[str, float]] = field(default_factory=list)
    _coming: list[Arrival] = field(default_factory=list)
    _others_ms: list[int] = field(default_factory=list)

    def comes(self, at_s: float, alert: str = "a", revision: int = 1, **given: Any) -> None:
        """A revision comes."""
        self._coming.append(Arrival(fact(alert, revision, **given), ms(at_s)))

    def ends(self, at_s: float, alert: str = "a", revision: int = 2, **given: Any) -> None:
        """The revision with which it is over comes."""
        self.comes(at_s, alert, revision, state="resolved", **given)

    def acknowledge(self, at_s: float, sequence: int, by: str = "kim") -> None:
        """Somebody takes care of what was told up to `sequence`."""
        known = (*self.beside.acknowledged, Acknowledged(by, sequence, ms(at_s)))
        self.beside = replace(self.beside, acknowledged=known)

    def channel_is_sent(self, *at_s: float) -> None:
        """Other groups have told the channel something."""
        self._others_ms += map(ms, at_s)

    def until(self, now_s: float) -> list[tuple[float, str]]:
        """Go on, and return what was told on the way: when, and what, as `+a` news, `=a` still, `-a` ended."""
        given = [each for each in self._coming if each.at_ms <= ms(now_s)]
        self._coming = [each for each in self._coming if each.at_ms > ms(now_s)]
        course = followed(self.group, self.plan, given, ms(now_s), self._around, exact=self.exact)
        self.group = course.group
        self.messages += course.messages
        self.decisions += course.decisions
        self.escalated += [(each.source_id, at_ms / 1000 - START_S) for each, at_ms in course.escalated]
        return [(each.at_ms / 1000 - START_S, shown(each)) for each in course.messages]

    def reasons(self, alert: str = "a", revision: int = 1) -> list[str]:
        """What was decided of a revision, one after the other."""
        return [each.reason for each in self.decisions if each[:2] == (f"incident/{alert}", revision)]

    def _around(self, _at_ms: int) -> Around:
        return replace(self.beside, channel_told_ms=(*self._others_ms, *(each.at_ms for each in self.messages)))


def told_alone(fact: Fact) -> Notification:
    """The first message of a group, which tells this."""
    ended = fact.is_over
    message = Message(1, ms_of(fact.at), () if ended else (fact,), (), (fact,) if ended else (), ())
    return notification(target(fact, Plan(("all",)), "log"), message)


def shown(message: Message) -> str:
    """What is told, in one line."""

    def of(sign: str, facts: Sequence[Fact]) -> list[str]:
        return [sign + each.source_id + ("~" if each in message.flapping else "") for each in facts]

    return " ".join([*of("+", message.news), *of("=", message.standing), *of("-", message.ended)])
