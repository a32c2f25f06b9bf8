"""How many cases one person works on before they are given no next one: in all, of a queue, and of whom otherwise."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from services.triage.core.assignments import RESEARCH, Refusal
from services.triage.core.cases import QUEUE, Queue

MOST_IN_HAND: Final = 20
_QUEUES: Final[Mapping[str, Queue]] = {QUEUE: QUEUE, RESEARCH: RESEARCH}


class Limits(NamedTuple):
    """`by_person`: by the names of accounts, in the place of `in_all`. A queue without a limit has that alone."""

    in_all: int = MOST_IN_HAND
    by_queue: Mapping[Queue, int] = {}
    by_person: Mapping[str, int] = {}

    @classmethod
    def read(cls, in_all: int, by_queue: str, by_person: str) -> "Limits":
        """Read `research=5` and `a.rao=30,b.ito=10`. Raises `ValueError`, saying what would be right."""
        queues = dict(_read(by_queue, "research=5"))
        if unknown := queues.keys() - _QUEUES.keys():
            msg = f"a limit of the queue {min(unknown)!r}: there are {', '.join(_QUEUES)}, such as research=5"
            raise ValueError(msg)
        return cls(in_all, {_QUEUES[name]: most for name, most in queues.items()}, dict(_read(by_person, "a.rao=30")))

    def of(self, name: str | None) -> int:
        """Return how many cases the person of this name works on at most."""
        return self.by_person.get(name or "", self.in_all)

    def open_to(
        self, name: str | None, held: Mapping[Queue, int], queues: Collection[Queue]
    ) -> Collection[Queue] | Refusal:
        """Return of which of their queues somebody is given cases, who works on `held`; or why of none."""
        total, most = sum(held.values()), self.of(name)
        if total >= most:
            said = f"you work on {total} cases, and {most} is the most: close or release one first"
            return Refusal("enough_in_hand", said)
        found = [each for each in queues if held.get(each, 0) < self.by_queue.get(each, most)]
        if not found:
            full = " and ".join(f"{self.by_queue[each]} is the most of the queue {each}" for each in queues)
            return Refusal("enough_in_hand", f"you have enough cases in hand: {full}; close or release one first")
        return found


def _read(text: str, example: str) -> list[tuple[str, int]]:
    found = []
    for each in filter(None, map(str.strip, text.split(","))):
        name, _, most = each.partition("=")
        if not name or not most.isascii() or not most.isdigit() or not 1 <= int(most) <= 1000:
            msg = f"a limit of cases in hand, {each!r}: must be a name and a number from 1 to 1,000, such as {example}"
            raise ValueError(msg)
        found.append((name, int(most)))
    return found
