"""One look at a group; and its state as it is kept."""

from datetime import UTC

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.around import Around, Limit
from services.notifier.core.decisions import REASONS, Decision
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Group, Member, Told
from services.notifier.core.telling import DIGEST, flushed
from tests.unit.notifier.courses import PLAN, fact, ms

AT = ms(1_000)


def known(alert: str, revision: int = 1, told: int | None = None, *, over: bool = False, **given: object) -> Member:
    was = None if told is None else Told(told, over, 3, 1)
    return Member(fact(alert, revision, **given), ms(0), told=was)


def test_each_member_is_told_as_what_it_is() -> None:
    """News, what fires still, what ended; the gravest first. What is over and known to be is no part of it."""
    group = Group(
        (
            known("news", severity="low"),
            known("worse", 2, told=1, severity="critical"),
            known("still", told=1),
            known("ended", 2, told=1, state="resolved"),
            known("past", 2, told=2, over=True, state="resolved"),
            known("back", 3, told=2, over=True),
            known("missed", 2, state="resolved"),
        ),
        sequence=1,
        told_ms=ms(0),
        due_ms=AT,
    )
    found = flushed(group, PLAN, Around(), AT)
    message = found.message
    assert message
    assert [each.source_id for each in message.news] == ["worse", "back", "news"]
    assert [each.source_id for each in message.standing] == ["still"]
    assert [each.source_id for each in message.ended] == ["ended"]
    assert (message.sequence, message.at_ms, message.lead.source_id) == (2, AT, "worse")
    assert [(each.alert_id, each.reason, each.sequence) for each in found.decisions] == [
        ("incident/news", "grouped", 2),
        ("incident/worse", "sent", 2),
        ("incident/ended", "grouped", 2),
        ("incident/back", "grouped", 2),
        ("incident/missed", "overtaken", None),
    ]
    told = {each.fact.source_id: each.told for each in found.group.members}
    assert told["worse"] == Told(2, over=False, rank=4, sequence=2)
    assert told["ended"] == Told(2, over=True, rank=3, sequence=2)
    assert told["still"] == Told(1, over=False, rank=3, sequence=1)
    assert (found.group.sequence, found.group.told_ms) == (2, AT)


def test_a_digest_says_so() -> None:
    """What was long past when it came."""
    found = flushed(Group((known("a"), known("b"))), PLAN._replace(path=(DIGEST,)), Around(), AT)
    assert [each.reason for each in found.decisions] == ["backfill", "backfill"]


def test_a_reason_is_given_once_and_not_at_each_look() -> None:
    """As long as it is the same."""
    full = Around(limit=Limit(1, 10_000), channel_told_ms=[AT - 1])
    first = flushed(Group((known("a"),)), PLAN, full, AT)
    assert first.decisions == (Decision("incident/a", 1, AT, "rate_limited"),)
    assert (first.message, first.group.due_ms) == (None, AT - 1 + 10_000)
    again = flushed(first.group, PLAN, full, AT + 1)
    assert (again.message, again.decisions) == (None, ())


def test_a_group_of_nothing_is_not_looked_at_again() -> None:
    """Until something comes."""
    assert flushed(Group(due_ms=AT), PLAN, Around(), AT).group == Group()


texts = st.text(max_size=20)
facts = st.builds(
    Fact,
    source_topic=st.just("metrics.incidents.v1"),
    source_id=texts,
    source_revision=st.integers(1, 2**63 - 1),
    tenant=st.none() | texts,
    severity=st.sampled_from(["info", "low", "medium", "warning", "high", "critical"]),
    state=st.sampled_from(["firing", "resolved", "raised"]),
    title=texts,
    summary=texts,
    at=st.datetimes(timezones=st.just(UTC)),
    labels=st.dictionaries(texts, texts, max_size=4),
    once=st.booleans(),
)
times = st.integers(-(2**53), 2**53)
members = st.builds(
    Member,
    fact=facts,
    came_ms=times,
    told=st.none() | st.builds(Told, st.integers(1, 9), st.booleans(), st.integers(0, 4), st.integers(1, 9)),
    reason=st.none() | st.sampled_from(REASONS),
    began_ms=st.lists(times, max_size=4).map(tuple),
    flapping=st.booleans(),
    since_ms=times,
)
groups = st.builds(
    Group,
    members=st.lists(members, max_size=4).map(tuple),
    sequence=st.integers(0, 2**31),
    told_ms=st.none() | times,
    due_ms=st.none() | times,
    unheard_ms=st.none() | times,
    escalated=st.integers(0, 2**31),
)


@given(group=groups)
def test_a_group_that_was_kept_is_the_same(group: Group) -> None:
    """With its facts, their times to the microsecond and their labels."""
    kept = msgspec.json.decode(msgspec.json.encode(group), type=Group)
    assert kept == group
    assert all(each.fact.at.tzinfo is not None for each in kept.members)
