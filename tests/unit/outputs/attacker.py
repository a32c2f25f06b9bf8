"""Who has everything that was published, knows which combinations of values there are, and computes.

Exact, by brute force: every set of combinations of any months whose size the attacker could learn by adding and
subtracting published figures, with any factors, is found by linear algebra over all sets. It is for small data.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

import numpy as np

from services.outputs.core.cells import Row, Segments, Shown

Rows = Sequence[Row]
Proofs = Sequence[tuple[Segments, tuple[Sequence[int], ...]]]
"""Every combination with who proved, by outcome: a person for each transaction, who may come again."""
Table = Mapping[str, Shown]


def rows_of(proofs: Proofs) -> list[Row]:
    """Return what the ledger has of them: a person is counted to the first of their combinations, for each outcome."""
    seen: dict[int, set[int]] = {}
    found = []
    for segments, outcomes in proofs:
        new = []
        for outcome, who in enumerate(outcomes):
            known = seen.setdefault(outcome, set())
            new.append(len(set(who) - known))
            known |= set(who)
        found.append(Row(segments, tuple(map(len, outcomes)), tuple(new)))
    return found


def strangers(counts: Sequence[tuple[Segments, tuple[int, ...]]]) -> list[Row]:
    """Return rows of people who prove once each."""
    return [Row(segments, each, each) for segments, each in counts]


def proofs_of(rows: Rows) -> Proofs:
    """Return such people, each with a number of their own."""
    number = iter(range(10**9))
    return [(each.segments, tuple([next(number) for _ in range(count)] for count in each.counts)) for each in rows]


def learnt(months: Sequence[Proofs], tables: Sequence[Table], k: int) -> list[tuple[Segments, ...]]:
    """Return the sets of combinations that have fewer than k people of some outcome, and whose size is no secret."""
    cells = [cell for month in months for cell in month]
    figures = _figures(months, tables)
    rank = int(np.linalg.matrix_rank(figures))
    vectors = np.linalg.svd(figures.T, full_matrices=False)[0][:, :rank]  # orthonormal: they span the figures
    found = []
    numbers = range(len(cells))
    for chosen in chain.from_iterable(combinations(numbers, size) for size in range(1, len(cells) + 1)):
        people = [len(set().union(*(cells[at][1][o] for at in chosen))) for o in range(len(cells[0][1]))]
        if min(people) >= k:
            continue
        wanted = np.zeros(len(cells))
        wanted[list(chosen)] = 1
        if np.allclose(vectors @ (vectors.T @ wanted), wanted, atol=1e-9):
            found.append(tuple(cells[at][0] for at in chosen))
    return found


def _figures(months: Sequence[Proofs], tables: Sequence[Table]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return each published figure as which combinations it is the sum of, of all months."""
    sums, before, count = [], 0, sum(map(len, months))
    for month, of_month in zip(months, tables, strict=True):
        places = range(before, before + len(month))
        before += len(month)

        def figure(member: Sequence[bool], places: range = places) -> list[float]:
            row = [0.0] * count
            for at, inside in zip(places, member, strict=True):
                row[at] = float(inside)
            return row

        sums.append(figure([True] * len(month)))
        for name, table in of_month.items():
            groups = [segments.get(name) if segments.get(name) in table.values else None for segments, _ in month]
            sums += [figure([group == value for group in groups]) for value in table.values]
            if table.rest is not None:
                sums.append(figure([group is None for group in groups]))
    return np.array(sums)
