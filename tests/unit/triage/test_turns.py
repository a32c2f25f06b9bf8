"""New cases go around: in turn, within limits, to who is there and may; the same from the same."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import Role
from services.triage.core.assignments import CaseNow, Worker
from services.triage.core.limits import Limits
from services.triage.core.tasks import TASKS, Task
from services.triage.core.turns import Dealt, Present, Waits, dealt, tasks_in

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TASK: Task = "manual_kyc_review"


def there(name: str, held: int = 0, role: Role = Role.ANALYST, tenants: frozenset[str] | None = None) -> Present:
    return Present(name, Worker(f"p-{name}", tenants, frozenset({role})), {"soc": held})


def waits(number: int, task: Task = TASK, **given: object) -> Waits:
    fields = {"tenant": "acme", "state": "open", "severity": "medium", "queue": "soc", "assignee": None} | given
    return Waits(CaseNow(case_id=f"c-{number}", **fields), task)  # type: ignore[arg-type]


def names(found: list[Dealt]) -> list[str]:
    return [each.name for each in found]


ABC = [there("c"), there("a"), there("b")]


def test_each_has_their_turn_from_where_it_was() -> None:
    """In the order of names, whatever order they come in; each task has turns of its own."""
    assert names(dealt([waits(each) for each in range(5)], ABC, {}, Limits())) == ["a", "b", "c", "a", "b"]
    assert names(dealt([waits(1), waits(2)], ABC, {TASK: "b"}, Limits())) == ["c", "a"]
    assert names(dealt([waits(1)], ABC, {TASK: "bo, who is gone"}, Limits())) == ["c"]
    mixed = [waits(1), waits(2, "subject_suspicion"), waits(3)]
    assert names(dealt(mixed, ABC, {TASK: "a"}, Limits())) == ["b", "a", "c"]


def test_who_has_enough_is_passed_over_and_what_nobody_may_take_waits() -> None:
    """By their own limit; of their tenants; not of who it is about; by their role."""
    limits = Limits(20, {}, {"a": 1})
    assert names(dealt([waits(each) for each in range(4)], ABC, {}, limits)) == ["a", "b", "c", "b"]
    assert names(dealt([waits(1)], [there("a", 20)], {}, Limits())) == []
    assert names(dealt([waits(1)], [there("a", tenants=frozenset({"other"})), there("b")], {}, Limits())) == ["b"]
    assert names(dealt([waits(1, about=frozenset({"p-a"}))], [there("a"), there("b")], {}, Limits())) == ["b"]
    assert (
        names(dealt([waits(1)], [there("a", role=Role.CHECKER), there("b", role=Role.RESEARCHER)], {}, Limits())) == []
    )
    assert dealt([waits(1)], [], {}, Limits()) == []


@given(st.integers(0, 40), st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 6))
def test_nobody_has_two_more_than_another_who_could_have_taken_it(cases: int, held: list[int], most: int) -> None:
    """And nobody more than the limit, unless they had; each case has one person, and no more wait than must."""
    people = [there(f"n-{number}", each) for number, each in enumerate(held)]
    found = dealt([waits(each) for each in range(cases)], people, {}, Limits(most))
    given_to = {each.name: names(found).count(each.name) for each in people}
    assert len({each.case.case_id for each in found}) == len(found)
    room = {each.name: max(0, most - each.held["soc"]) for each in people}
    assert all(given_to[name] <= room[name] for name in room)
    assert len(found) == min(cases, sum(room.values()))
    free = [given_to[name] for name in room if given_to[name] < room[name]]
    assert max(given_to.values()) - min(free, default=max(given_to.values())) <= 1


def test_which_tasks_go_around_is_read() -> None:
    """None unless they are named."""
    assert tasks_in(" ") == frozenset()
    assert tasks_in("all") == frozenset(TASKS)
    assert tasks_in("manual_kyc_review, system_audit") == {"manual_kyc_review", "system_audit"}
    for text in ("analyst", "all,system_audit"):
        with pytest.raises(ValueError, match=r"there are subject_suspicion, .*; or all"):
            tasks_in(text)
