"""Who has everything that was published of a month, knows which combinations of values there are, and computes.

Exact, by brute force: every set of combinations whose size the attacker could learn by adding and subtracting published
figures, with any factors, is found by linear algebra over all sets. It is for small data.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

import numpy as np

from services.outputs.core.cells import Counts, Segments, Shown

Rows = Sequence[tuple[Segments, Counts]]


def learnt(rows: Rows, tables: Mapping[str, Shown], k: int) -> list[tuple[Segments, ...]]:
    """Return the sets of combinations that have fewer than k of some outcome, and whose size is no secret."""
    figures = _figures(rows, tables)
    rank = int(np.linalg.matrix_rank(figures))
    vectors = np.linalg.svd(figures.T, full_matrices=False)[0][:, :rank]  # orthonormal: they span the figures
    found = []
    numbers = range(len(rows))
    for chosen in chain.from_iterable(combinations(numbers, size) for size in range(1, len(rows) + 1)):
        counts = [sum(rows[at][1][outcome] for at in chosen) for outcome in range(len(rows[0][1]))]
        if min(counts) >= k:
            continue
        wanted = np.zeros(len(rows))
        wanted[list(chosen)] = 1
        if np.allclose(vectors @ (vectors.T @ wanted), wanted, atol=1e-9):
            found.append(tuple(rows[at][0] for at in chosen))
    return found


def _figures(rows: Rows, tables: Mapping[str, Shown]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return each published figure as which combinations it is the sum of."""
    sums = [[1.0] * len(rows)]
    for name, table in tables.items():
        groups = [segments.get(name) if segments.get(name) in table.values else None for segments, _ in rows]
        sums += [[float(group == value) for group in groups] for value in table.values]
        if table.rest is not None:
            sums.append([float(group is None) for group in groups])
    return np.array(sums)
