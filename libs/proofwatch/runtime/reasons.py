"""Why a service is not ready, told once: sentences that differ in the partition only become one."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

_PLACE: Final = re.compile(r"(?<![\w./-])([A-Za-z][\w.-]*)/(\d+)(?![\w/])")
"""A topic and its partition, as our sentences name them; not a path, an address or an offset behind it."""


def together(reasons: Iterable[str]) -> list[str]:
    """Return each sentence once, in order; of those that differ in the partition only, one with all of them.

    `verdicts/0: not owned`, `verdicts/1: not owned` is `verdicts/0-1: not owned`. A sentence that names several places
    stands for itself, unless they are all the same.
    """
    found: dict[str, tuple[str, set[int]]] = {}
    for reason in reasons:
        places = set(_PLACE.findall(reason))
        if len(places) != 1:
            found.setdefault(reason, (reason, set()))
            continue
        ((topic, partition),) = places
        kind = _PLACE.sub("\0", reason)
        _, partitions = found.setdefault(f"{topic}\0{kind}", (reason, set()))
        partitions.add(int(partition))
    return [_of(reason, partitions) for reason, partitions in found.values()]


def _of(reason: str, partitions: set[int]) -> str:
    if len(partitions) < 2:
        return reason
    listed = _listed(sorted(partitions))
    return _PLACE.sub(lambda place: f"{place[1]}/{listed}", reason)


def _listed(numbers: list[int]) -> str:
    """Return `0-2,5`."""
    begins = [numbers[0], *(now for before, now in pairwise(numbers) if now != before + 1)]
    ends = [*(before for before, now in pairwise(numbers) if now != before + 1), numbers[-1]]
    return ",".join(str(begin) if begin == end else f"{begin}-{end}" for begin, end in zip(begins, ends, strict=True))
