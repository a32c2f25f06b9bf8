"""The proof: what a reader of committed records saw against what the input says must be there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Order = Mapping[Any, Sequence[bytes]]
"""Values in order, by what keeps them in order: a partition, or a key."""


@dataclass(frozen=True)
class Verdict:
    """`exact`: every value is there, once, in order, byte by byte. The counts say what is wrong if not."""

    exact: bool
    wanted: int
    seen: int
    lost: int
    twice: int
    strange: int
    disordered: int


def judge(wanted: Order, seen: Order) -> Verdict:
    """Compare; `strange` counts values that nobody asked for, `disordered` those that come after a later one."""
    lost = twice = strange = disordered = 0
    for scope in wanted.keys() | seen.keys():
        due, got = wanted.get(scope, ()), seen.get(scope, ())
        places = {value: place for place, value in enumerate(due)}
        missing, surplus = Counter(due) - Counter(got), Counter(got) - Counter(due)
        lost += missing.total()
        twice += sum(count for value, count in surplus.items() if value in places)
        strange += sum(count for value, count in surplus.items() if value not in places)
        disordered += _descents([places[value] for value in got if value in places])
    return Verdict(
        exact={scope: list(due) for scope, due in wanted.items() if due}
        == {scope: list(got) for scope, got in seen.items() if got},
        wanted=sum(map(len, wanted.values())),
        seen=sum(map(len, seen.values())),
        lost=lost,
        twice=twice,
        strange=strange,
        disordered=disordered,
    )


def _descents(places: Sequence[int]) -> int:
    return sum(after < before for before, after in pairwise(places))
