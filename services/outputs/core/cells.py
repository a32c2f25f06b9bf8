"""Anonymous counts by the values of several segments: none of fewer than k people can be read off, or computed.

k is of people, not of transactions: who proves ten times in a month is one of the k. So beside what it counts, each
combination has how many people are counted to it, and a person is counted to one combination only, for each outcome:
sums of such counts are never more than the people that there are.

Each segment divides a month into groups: the values that are shown, and the rest. All segments together divide it into
joint cells, one for each combination of groups that occurs. Whatever is added up and subtracted of what is shown is a
sum of joint cells, so it is enough that each of these has at least k people in each of its counts. Segments are taken
one after another; of each, values go to the rest, those that make a small cell first and the smallest first, until
every joint cell is large enough, or nothing of the segment is shown (complementary suppression, ADR 0050).
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

Counts = tuple[int, ...]
"""Of one group: how many of each outcome, in an order that the caller knows."""
Segments = Mapping[str, str]


class Row(NamedTuple):
    """A combination of segment values that occurs: its counts, and the people who are counted to it, by outcome."""

    segments: Segments
    counts: Counts
    people: Counts


class Shown(NamedTuple):
    """What may be shown of one segment: values with their counts, by name, and the sum of the rest; None: no rest."""

    values: Mapping[str, Counts]
    rest: Counts | None


def anonymous(people: Counts, k: int) -> bool:
    """Return whether each count has at least k people; none is few as well: it says of all that they did not."""
    return all(count >= k for count in people)


def summed(rows: Iterable[tuple[Hashable, Counts]]) -> dict[Hashable, Counts]:
    """Return counts by key."""
    found: dict[Hashable, Counts] = {}
    for key, counts in rows:
        before = found.get(key)
        found[key] = counts if before is None else tuple(a + b for a, b in zip(before, counts, strict=True))
    return found


def shown(rows: Sequence[Row], k: int) -> dict[str, Shown]:
    """Return what may be shown by segment, beside the sum of all rows, which must be anonymous itself.

    `rows`: every combination of segment values that occurs. Segments of which nothing may be shown are left out.
    """
    cells: list[Hashable] = [()] * len(rows)
    found: dict[str, Shown] = {}
    counts, people = [each.counts for each in rows], [each.people for each in rows]
    for name in sorted({name for each in rows for name in each.segments}):
        values = [each.segments.get(name) for each in rows]
        kept = _kept(cells, values, people, k)
        if not kept:
            continue
        groups = [value if value in kept else None for value in values]
        cells = list(zip(cells, groups, strict=True))
        of_groups = summed(zip(groups, counts, strict=True))
        rest = of_groups.pop(None, None)
        found[name] = Shown({str(value): of_groups[value] for value in sorted(kept)}, rest)
    return found


def _kept(cells: Sequence[Hashable], values: Sequence[str | None], people: Sequence[Counts], k: int) -> set[str]:
    """Return the values that divide every cell into parts of at least k people."""
    whole = summed(zip(values, people, strict=True))
    kept = {value for value, own in whole.items() if isinstance(value, str) and anonymous(own, k)}
    by_size = sorted(kept, key=lambda value: (sum(whole[value]), value))
    while kept:
        parts = summed(
            ((cell, value if value in kept else None), own)
            for cell, value, own in zip(cells, values, people, strict=True)
        )
        small = {key[1] for key, own in parts.items() if isinstance(key, tuple) and not anonymous(own, k)}
        if not small:
            return kept
        dropped = next((value for value in by_size if value in small), by_size[0])
        kept.discard(dropped)
        by_size.remove(dropped)
    return kept
