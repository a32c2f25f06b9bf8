"""A group under a fake clock against what must hold of it, whatever happens: a model of a few lines for each rule.

The nightly run, with HYPOTHESIS_PROFILE=search, takes more than 100,000 steps.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.notifier.core.around import Around, Fired, Inhibition, Limit, Silence
from services.notifier.core.arriving import Arrival
from services.notifier.core.course import Course, followed
from services.notifier.core.decisions import TOLD, Decision
from services.notifier.core.facts import Fact
from services.notifier.core.groups import REMEMBERED_MS, Acknowledged, Group
from services.notifier.core.intervals import Interval
from services.notifier.core.matchers import matcher
from services.notifier.core.routes import Escalate, Plan
from services.notifier.core.routing import RANK
from services.notifier.core.telling import Message
from tests.unit.notifier.courses import fact, ms, silence

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
STABLE: Final = HOUR // 2
ALERTS: Final = ("a", "b", "c", "case")
"""The last is one of a list: raised instead of firing."""
CAUSE: Final = Inhibition((matcher("kind=down"),), (matcher("kind=~a|b"),), ("tenant",))
MUTED_MINUTES: Final = (50, 80)
alerts, severities = st.sampled_from(ALERTS), st.sampled_from(["low", "high", "critical"])


def alert_id(alert: str) -> str:
    return f"incident/{alert}"


class World:
    """What happened, and when: nothing that the code under test came to but its messages."""

    def __init__(self, plan: Plan, limit: Limit | None, *, muted: bool) -> None:
        self.plan, self.limit, self.muted = plan, limit, muted
        self.arrivals: list[Arrival] = []
        self.silences: list[tuple[int, Silence, int]] = []
        """When it was made, what it says, and when it ended."""
        self.fired: list[tuple[int, int | None]] = []
        self.acks: list[Acknowledged] = []
        self.others_ms: list[int] = []

    def around(self, at_ms: int) -> Around:
        """What was known by then."""
        return Around(
            [
                each if ended > at_ms else each._replace(ends_ms=min(ended, each.ends_ms))
                for made, each, ended in self.silences
                if made <= at_ms
            ],
            [CAUSE],
            [
                Fired("cause", {"kind": "down", "tenant": "acme"}, since, until if until and until <= at_ms else None)
                for since, until in self.fired
                if since <= at_ms
            ],
            self.limit,
            [each for each in self.others_ms if each <= at_ms],
            [each for each in self.acks if each.at_ms <= at_ms],
        )

    def course_of(self, alert: str, at_ms: int) -> Iterator[Arrival]:
        """Each arrival that was the newest revision."""
        newest = 0
        for each in self.arrivals:
            if each.fact.source_id == alert and each.at_ms <= at_ms and each.fact.source_revision > newest:
                newest = each.fact.source_revision
                yield each

    def newest(self, alert: str, at_ms: int) -> Arrival | None:
        return next(reversed(list(self.course_of(alert, at_ms))), None)

    def changes(self, alert: str, at_ms: int) -> list[int]:
        """When it fired, or was over, anew."""
        found: list[tuple[int, bool]] = []
        for each in self.course_of(alert, at_ms):
            if not found or found[-1][1] != each.fact.is_over:
                found.append((each.at_ms, each.fact.is_over))
        return [at for at, _ in found]

    def silenced(self, alert: str, at_ms: int) -> list[tuple[int, int]]:
        """From when until when, as far as begun by then."""
        of_it = [each for each in self.silences if each[1].matchers[0].value in (alert, "acme")]
        spans = [(max(made, each.begins_ms), min(ended, each.ends_ms)) for made, each, ended in of_it]
        return [each for each in spans if each[0] <= at_ms and each[0] < each[1]]

    def inhibited(self, alert: str, at_ms: int) -> list[tuple[int, int]]:
        spans = [(since, until or 10**15) for since, until in self.fired] if alert in ("a", "b") else []
        return [each for each in spans if each[0] <= at_ms]

    def mute(self, at_ms: int) -> list[tuple[int, int]]:
        """The same minutes of each day."""
        begun = at_ms - (at_ms - ms(0)) % (24 * HOUR)
        first, last = (each * MINUTE for each in MUTED_MINUTES)
        spans = [(day + first, day + last) for day in (begun - 24 * HOUR, begun)] if self.muted else []
        return [each for each in spans if each[0] <= at_ms]

    def held_until(self, alert: str, at_ms: int) -> int:
        """Return the end of the last silence, inhibition or mute time that had begun by then."""
        spans = [*self.silenced(alert, at_ms), *self.inhibited(alert, at_ms), *self.mute(at_ms)]
        return max((end for _, end in spans), default=0)

    def acked(self, at_ms: int) -> int:
        return max((each.sequence for each in self.acks if each.at_ms <= at_ms), default=0)


class Heard:
    """What the receivers of a group know, and whether each message was right."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: dict[str, tuple[Fact, int]] = {}
        """What was told last of each, and in which message."""
        self.told_rank: dict[str, int] = {}
        self.flapping: dict[str, int] = {}
        """When it was told that it comes and goes."""
        self.sent_ms: list[int] = []
        self.decided: list[Decision] = []

    def knows(self, alert: str) -> bool:
        return alert in self.told and not self.told[alert][0].is_over

    def take(self, course: Course) -> None:
        """Check what a course came to, in its order."""
        decisions = list(course.decisions)
        for each in course.messages:
            before = [one for one in decisions if one.at_ms < each.at_ms]
            decisions = decisions[len(before) :]
            self.decisions(before)
            self.message(each, [one for one in decisions if one.sequence == each.sequence])
        self.decisions(decisions)
        for escalated, at_ms in course.escalated:
            alert = escalated.source_id
            assert not escalated.is_over
            assert self.world.held_until(alert, at_ms) <= at_ms, "nobody else is woken by what is silenced"
            assert self.world.plan.escalate
            assert at_ms >= self.sent_ms[0] + self.world.plan.escalate.after

    def message(self, message: Message, decisions: list[Decision]) -> None:
        """Check one message, and know it."""
        plan, at_ms = self.world.plan, message.at_ms
        assert message.sequence == len(self.sent_ms) + 1
        assert message.news or message.ended or message.standing, "there is something in it"
        if self.sent_ms:
            assert at_ms >= self.sent_ms[-1] + plan.interval_ms
        else:
            assert at_ms >= min(each.at_ms for each in self.world.arrivals) + plan.wait_ms
        if not message.ended:
            assert self.full_until(at_ms - 1) <= at_ms, "the channel had room"
        if not message.news and not message.ended:
            assert plan.repeat_ms
            assert at_ms >= self.sent_ms[-1] + plan.repeat_ms
        told = {(alert_id(each.source_id), each.source_revision) for each in (*message.news, *message.ended)}
        assert {each[:2] for each in decisions if each.reason in TOLD} == told
        assert [each.reason for each in decisions].count("sent") == bool(told)
        for each in message.news:
            self.news(each, at_ms)
        for each in message.standing:
            assert self.told[each.source_id][0] == each == self.newest(each.source_id, at_ms)
            assert each.state == "firing"
            assert self.world.held_until(each.source_id, at_ms) <= at_ms
            assert self.told[each.source_id][1] > self.world.acked(at_ms)
        for each in message.ended:
            assert each.is_over
            assert each == self.newest(each.source_id, at_ms)
            assert self.knows(each.source_id), "never a resolved without a firing told"
            assert self.believed(each, at_ms)
        self.sent_ms.append(at_ms)
        for each in (*message.news, *message.ended):
            self.told[each.source_id] = each, message.sequence
            self.flapping.pop(each.source_id, None)
        self.flapping.update((each.source_id, at_ms) for each in message.flapping)

    def news(self, fact: Fact, at_ms: int) -> None:
        alert = fact.source_id
        assert not fact.is_over
        assert fact == self.newest(alert, at_ms)
        assert self.world.held_until(alert, at_ms) <= at_ms, "told through a silence, an inhibition or a mute time"
        assert self.full_until(at_ms - 1) <= at_ms
        assert self.believed(fact, at_ms)
        if self.knows(alert):
            before, sequence = self.told[alert]
            assert fact.source_revision > before.source_revision
            assert sequence > self.world.acked(at_ms) or RANK[fact.severity] > RANK[before.severity]

    def newest(self, alert: str, at_ms: int) -> Fact | None:
        found = self.world.newest(alert, at_ms)
        return found.fact if found else None

    def believed(self, fact: Fact, at_ms: int) -> bool:
        """Whether what comes and goes, and was told so, has been as it is for long enough, or is graver now."""
        since = self.flapping.get(fact.source_id)
        if since is None:
            return True
        changes = [each for each in self.world.changes(fact.source_id, at_ms) if each <= at_ms]
        recent = [*changes[bisect_right(changes, since) - 1 :], at_ms]
        graver = not fact.is_over and RANK[fact.severity] > RANK[self.told[fact.source_id][0].severity]
        return graver or any(later - sooner >= STABLE for sooner, later in pairwise(recent))

    def full_until(self, at_ms: int) -> int:
        """Return until when the channel has had as many as it may, by what was sent until then."""
        limit = self.world.limit
        if not limit:
            return 0
        sent = sorted(each for each in (*self.sent_ms, *self.world.others_ms) if each <= at_ms)
        of_each = zip(sent, sent[limit.messages - 1 :], strict=False)
        return max((first + limit.per_ms for first, last in of_each if last < first + limit.per_ms), default=0)

    def decisions(self, decisions: list[Decision]) -> None:
        """Check why people were not told."""
        for each in decisions:
            self.decided.append(each)
            alert, at_ms = each.alert_id.removeprefix("incident/"), each.at_ms
            match each.reason:
                case "silenced":
                    assert any(begin <= at_ms < end for begin, end in self.world.silenced(alert, at_ms))
                case "inhibited":
                    assert any(begin <= at_ms < end for begin, end in self.world.inhibited(alert, at_ms))
                case "muted":
                    assert any(begin <= at_ms < end for begin, end in self.world.mute(at_ms))
                case "overtaken":
                    newest = self.newest(alert, at_ms)
                    assert newest
                    assert newest.is_over or newest.source_revision > each.revision
                case "acknowledged":
                    assert self.world.acked(at_ms) > 0
                case "rate_limited":
                    assert self.full_until(at_ms) > at_ms
                case "flapping":
                    assert self.knows(alert)

    def complete(self, now_ms: int) -> None:
        """Check that nothing is owed to anybody."""
        plan = self.world.plan
        soon = plan.wait_ms + max(plan.interval_ms, SECOND)
        decided = {each[:2] for each in self.decided}
        for each in self.world.arrivals:
            if each.at_ms + soon <= now_ms:
                assert (alert_id(each.fact.source_id), each.fact.source_revision) in decided, "each has a reason"
        for alert in ALERTS:
            newest = self.world.newest(alert, now_ms)
            if newest is None:
                continue
            changed_ms = self.world.changes(alert, now_ms)[-1]
            if newest.fact.is_over:
                is_owed = self.knows(alert) and changed_ms + soon + STABLE <= now_ms
                assert not is_owed, "what was told firing is told to be over"
                continue
            since_ms = max(newest.at_ms, self.world.held_until(alert, now_ms), self.full_until(now_ms))
            if alert in self.flapping:
                since_ms = max(since_ms, changed_ms + STABLE)
            told, sequence = self.told.get(alert, (None, 0))
            is_told = told is not None and told.source_revision >= newest.fact.source_revision
            rises = told is None or told.is_over or RANK[newest.fact.severity] > RANK[told.severity]
            is_acked = sequence <= self.world.acked(now_ms) and not rises
            assert is_told or is_acked or since_ms + soon > now_ms, "what fires is told"


class Courses(RuleBasedStateMachine):
    @initialize(
        wait_s=st.sampled_from([0, 30, 120]),
        interval_s=st.sampled_from([60, 300, 900]),
        repeat_s=st.sampled_from([0, 600, 3_600]),
        after_s=st.sampled_from([None, 0, 60, 900]),
        limit=st.sampled_from([None, None, Limit(1, 20 * MINUTE), Limit(3, HOUR)]),
        muted=st.booleans(),
    )
    def begins(
        self, wait_s: int, interval_s: int, repeat_s: int, after_s: int | None, limit: Limit | None, muted: bool
    ) -> None:
        first, last = (f"{each // 60:02}:{each % 60:02}" for each in MUTED_MINUTES)
        plan = Plan(
            ("root", "soc"),
            ("pager",),
            wait_ms=wait_s * SECOND,
            interval_ms=interval_s * SECOND,
            repeat_ms=repeat_s * SECOND,
            mute=(Interval.model_validate({"from": first, "to": last}),) if muted else (),
            escalate=None if after_s is None else Escalate(after=f"{after_s}s", channels=("boss",)),
        )
        self.world = World(plan, limit, muted=muted)
        self.heard = Heard(self.world)
        self.now_ms = ms(0)
        self.looked_ms = self.pulled_ms = self.now_ms - 1
        self.group, self.pulled = Group(), Group()
        self.sent: list[Message] = []
        self.pulled_knows: dict[str, bool] = {}
        self.decided: list[Decision] = []
        self.escalated: list[tuple[Fact, int]] = []
        self.made: dict[str, list[Fact]] = {each: [] for each in ALERTS}

    def moment(self) -> int:
        """Each thing that happens has a time of its own."""
        self.now_ms += 1
        return self.now_ms

    @rule(alert=alerts, severity=severities, over=st.booleans(), comes=st.sampled_from([True, True, True, False]))
    def changes(self, alert: str, severity: str, over: bool, comes: bool) -> None:
        """A new revision; some come later, or never."""
        firing = "raised" if alert == "case" else "firing"
        revision = len(self.made[alert]) + 1
        made = fact(alert, revision, severity=severity, state="resolved" if over else firing)
        self.made[alert].append(made)
        if comes:
            self.world.arrivals.append(Arrival(made, self.moment()))

    @rule(alert=st.sampled_from(["a", "b"]), severity=severities)
    def fires(self, alert: str, severity: str) -> None:
        self.changes(alert, severity, False, True)

    @rule(severity=severities)
    def is_told_acknowledged_and_graver(self, severity: str) -> None:
        """What is taken care of changes."""
        self.is_acknowledged(0)
        self.changes("a", severity, False, True)

    @rule(alert=alerts, back=st.integers(1, 4))
    def comes_late_or_again(self, alert: str, back: int) -> None:
        """Any revision, newer than what came or not; what is forgotten is not known any more."""
        at_ms = self.moment()
        newest = self.world.newest(alert, at_ms)
        if back <= len(self.made[alert]) and (newest is None or at_ms < newest.at_ms + REMEMBERED_MS):
            self.world.arrivals.append(Arrival(self.made[alert][-back], at_ms))

    @rule(alert=alerts, minutes=st.sampled_from([1, 5, 6]), times=st.integers(4, 9))
    def comes_and_goes(self, alert: str, minutes: int, times: int) -> None:
        for each in range(times):
            self.changes(alert, "high", bool(each % 2), True)
            self.now_ms += minutes * MINUTE

    @rule(what=st.sampled_from(["kind=a", "kind=b", "kind=case", "tenant=acme"]), minutes=st.integers(1, 90))
    def is_silenced(self, what: str, minutes: int) -> None:
        at_ms = self.moment()
        made = silence(0, 0, what)._replace(begins_ms=at_ms, ends_ms=at_ms + minutes * MINUTE)
        self.world.silences.append((at_ms, made, made.ends_ms))

    @rule(back=st.integers(1, 2))
    def a_silence_is_ended(self, back: int) -> None:
        at_ms = self.moment()
        if back <= len(self.world.silences):
            made_ms, made, ended_ms = self.world.silences[-back]
            self.world.silences[-back] = made_ms, made, min(ended_ms, at_ms)

    @rule()
    def the_cause_fires_or_ends(self) -> None:
        at_ms, fired = self.moment(), self.world.fired
        if fired and fired[-1][1] is None:
            fired[-1] = fired[-1][0], at_ms
        else:
            fired.append((at_ms, None))

    @rule(back=st.sampled_from([0, 0, 0, 1]))
    def is_acknowledged(self, back: int) -> None:
        """What was told by now; rather, what they have seen of it."""
        self.looks()
        at_ms = self.moment()
        if self.group.sequence > back:
            self.world.acks.append(Acknowledged("kim", self.group.sequence - back, at_ms))

    @rule()
    def the_channel_is_sent_something(self) -> None:
        self.looks()
        self.world.others_ms.append(self.moment())

    @rule(
        passed=st.sampled_from([SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR]),
        looked=st.sampled_from([True, True, False]),
    )
    def time_passes(self, passed: int, looked: bool) -> None:
        self.now_ms += passed
        if looked:
            self.looks()

    @rule()
    def looks(self) -> None:
        """Somebody looks who is on time: nothing is owed by now."""
        arrivals = [each for each in self.world.arrivals if self.looked_ms < each.at_ms]
        self.looked_ms = self.now_ms
        course = followed(self.group, self.world.plan, arrivals, self.now_ms, self.around, exact=True)
        self.group = msgspec.json.decode(msgspec.json.encode(course.group), type=Group)
        assert self.group == course.group, "what is kept is what there is"
        self.sent += course.messages
        self.decided += course.decisions
        self.escalated += course.escalated
        self.heard.take(course)
        self.heard.complete(self.now_ms)

    @rule()
    def looks_after_a_pause(self) -> None:
        """Somebody looks who is late: one message, of how it is now."""
        arrivals = [each for each in self.world.arrivals if self.pulled_ms < each.at_ms]
        self.pulled_ms = self.now_ms
        before = self.pulled
        course = followed(before, self.world.plan, arrivals, self.now_ms, self.world.around, exact=False)
        self.pulled = course.group
        assert len(course.messages) <= 1
        for message in course.messages:
            assert (message.sequence, message.at_ms) == (before.sequence + 1, self.now_ms)
            assert before.told_ms is None or message.at_ms >= before.told_ms + self.world.plan.interval_ms
            for each in message.news:
                assert self.world.held_until(each.source_id, self.now_ms) <= self.now_ms
                self.pulled_knows[each.source_id] = True
            for each in message.ended:
                assert self.pulled_knows[each.source_id]
                self.pulled_knows[each.source_id] = False

    def around(self, at_ms: int) -> Around:
        around = self.world.around(at_ms)
        told = (each.at_ms for each in self.sent)
        return Around(
            around.silences, around.inhibitions, around.fired, around.limit,
            (*around.channel_told_ms, *told), around.acknowledged,
        )  # fmt: skip

    def teardown(self) -> None:
        """How often somebody looked made no difference."""
        if not hasattr(self, "world"):
            return
        self.looks()
        world = self.world
        course = followed(Group(), world.plan, world.arrivals, self.now_ms, world.around, exact=True)
        assert list(course.messages) == self.sent
        assert list(course.decisions) == self.decided
        assert list(course.escalated) == self.escalated
        assert course.group == self.group


IS_SEARCH: Final = settings().max_examples >= 1_000
Courses.TestCase.settings = settings(
    max_examples=1_100 if IS_SEARCH else 60, stateful_step_count=100 if IS_SEARCH else 40
)
TestCourses = Courses.TestCase
