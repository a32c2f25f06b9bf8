"""What becomes of a group when a fact comes to it."""

import pytest

from services.notifier.core.arriving import Arrival, taken
from services.notifier.core.decisions import Decision
from services.notifier.core.groups import FLAPS_MS, Group, Member, Told
from tests.unit.notifier.courses import PLAN, fact, ms


def member(revision: int = 1, told: int | None = None, **given: object) -> Member:
    known = None if told is None else Told(told, over=False, rank=3, sequence=1)
    return Member(fact("a", revision, **given), ms(0), told=known)


@pytest.mark.parametrize(
    ("told_s", "due_s", "expected_s"),
    [
        (None, None, 1_030),  # a new group waits for more of the kind
        (0, None, 1_030),  # so does one that was quiet for its interval
        (900, None, 1_200),  # one that has just told something, until its interval is over
        (900, 1_100, 1_100),  # what it is looked at for anyway is not put off
        (0, 50_000, 1_030),  # and a repeat of hours later is not waited for
    ],
)
def test_when_a_group_is_due_after_a_fact(told_s: int | None, due_s: int | None, expected_s: int) -> None:
    """It came at 1,000 s; the wait is 30 s and the interval 300 s."""
    group = Group(
        told_ms=None if told_s is None else ms(told_s), due_ms=None if due_s is None else ms(due_s), sequence=1
    )
    after, decisions, _ = taken(group, PLAN, [Arrival(fact(), ms(1_000))])
    assert after.due_ms == ms(expected_s)
    assert decisions == ()
    assert [(each.fact, each.came_ms, each.told) for each in after.members] == [(fact(), ms(1_000), None)]


def test_what_is_not_newer_changes_nothing() -> None:
    """A repeat is none of our business; an older revision is told to be overtaken."""
    group = Group((member(3, told=3),), sequence=1)
    assert taken(group, PLAN, [Arrival(fact(revision=3, severity="critical"), ms(9))]) == (group, (), 1)
    overtaken = Decision("incident/a", 2, ms(9), "overtaken")
    assert taken(group, PLAN, [Arrival(fact(revision=2), ms(9))]) == (group, (overtaken,), 1)


@pytest.mark.parametrize(("told", "says"), [(None, ["overtaken"]), (1, ["overtaken"]), (2, [])])
@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_what_a_newer_revision_overtook_has_its_reason(told: int | None, says: list[str], state: str) -> None:
    """Unless people were told of it."""
    group = Group((member(2, told=told, state=state),), sequence=1)
    after, decisions, _ = taken(group, PLAN, [Arrival(fact(revision=5), ms(9))])
    assert [each.reason for each in decisions] == says
    assert all(each.revision == 2 for each in decisions)
    assert after.members[0].fact.source_revision == 5
    assert after.members[0].told == group.members[0].told


def test_when_it_fired_anew_and_since_when_it_is_as_it_is() -> None:
    """Changes between firing and over count; further revisions do not."""
    states = ["firing", "firing", "resolved", "resolved", "firing", "firing"]
    come = [Arrival(fact(revision=each + 1, state=state), ms(each)) for each, state in enumerate(states)]
    group = taken(Group(), PLAN, come).group
    (known,) = group.members
    assert (known.began_ms, known.since_ms, known.came_ms) == ((ms(4),), ms(4), ms(5))
    later = FLAPS_MS // 1000 + 4
    group = taken(group, PLAN, [Arrival(fact(revision=9, state="resolved"), ms(later))]).group
    assert group.members[0].began_ms == (), "an hour ago is forgotten"
    assert group.members[0].since_ms == ms(later)


def test_what_comes_after_the_group_is_due_is_left_for_later_where_that_matters() -> None:
    """The first makes it due in 30 s; what comes at that moment is of it."""
    come = [Arrival(fact(str(each)), ms(each)) for each in (0, 30, 31)]
    assert taken(Group(), PLAN, come, until_due=True).came == 2
    assert taken(Group(), PLAN, come).came == 3
