"""New cases go around: of a task each in turn to the next of those who are there and may do it. Pure, deterministic."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from services.triage.core.assignments import CaseNow, Refusal, Worker, may_work
from services.triage.core.cases import Queue
from services.triage.core.limits import Limits
from services.triage.core.tasks import TASKS, Task

ALL: Final = "all"
PRESENT: Final = timedelta(minutes=15)
"""Who used a session of theirs within that time is there."""
SETTLED: Final = timedelta(minutes=2)
"""A case waits so long before it goes around: what belongs to an attack has become a part of its cluster by then."""


class Present(NamedTuple):
    """Somebody who is there; `held`: how many cases of each queue they work on."""

    name: str
    worker: Worker
    held: Mapping[Queue, int]


class Waits(NamedTuple):
    """A case that nobody ever worked on."""

    case: CaseNow
    task: Task


class Dealt(NamedTuple):
    """Whose turn it was for which case."""

    case: CaseNow
    task: Task
    name: str
    person_id: str


def tasks_in(text: str) -> frozenset[Task]:
    """Read `manual_kyc_review,fraud_analyst_review`, `all` or nothing. Raises `ValueError`: what would be right."""
    named = {each.strip() for each in text.split(",")} - {""}
    if named == {ALL}:
        return frozenset(TASKS)
    found = frozenset(each for each in TASKS if each in named)
    if unknown := named - found:
        raise ValueError(f"{min(unknown)!r} is no task whose cases go around: there are {', '.join(TASKS)}; or {ALL}")
    return found


def dealt(
    waiting: Sequence[Waits], present: Sequence[Present], last: Mapping[Task, str], limits: Limits
) -> list[Dealt]:
    """Return who is given which case, in the order of `waiting`; of what nobody there may take, nothing.

    `last`: by task the name of whose turn it was last. The next is the first behind it in the order of names who may
    work on that case and has not enough in hand; behind the last name comes the first again.
    """
    people = {each.name: each for each in sorted(present, key=lambda each: each.name)}
    held = {name: dict(each.held) for name, each in people.items()}
    turn, found = dict(last), list[Dealt]()
    for case, task in waiting:
        after = turn.get(task, "")
        for name in sorted(people, key=lambda each: (each <= after, each)):
            worker = people[name].worker
            if not may_work(case, worker) or isinstance(limits.open_to(name, held[name], [case.queue]), Refusal):
                continue
            held[name][case.queue] = held[name].get(case.queue, 0) + 1
            turn[task] = name
            found.append(Dealt(case, task, name, worker.person_id))
            break
    return found
