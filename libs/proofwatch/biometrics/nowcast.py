"""Labels come late: how many are still to come, by chain ladder over the delay.

A triangle has one row for each day of origin (oldest first), with the labels known after 0, 1, 2, ... days: cumulative,
null from where the future begins. The age-to-age factor f_j is the volume-weighted growth from delay j to j + 1, which
is the reverse-time hazard estimate of the delay distribution (Lawless 1994, Canadian Journal of Statistics 22:15-31).
The last column is taken for complete. Standard errors are Mack's (1993, ASTIN Bulletin 23:213-225); they need no
distribution, and hold if days grow independently and by the same factors.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, sqrt

import msgspec

from proofwatch.biometrics.intervals import two_sided_z

Triangle = Sequence[Sequence[float | None]]


class Nowcast(msgspec.Struct, frozen=True):
    """Factors by delay, and for each day of origin (in the order given) the labels expected in the end.

    `age_to_age` has one entry fewer than there are delays; 1 and null `share_reported_by_delay` follow where a factor
    has no data (no label yet at its delay). `factor_by_delay` = 1 / share. `nowcast` is null where its factor is, and
    `standard_error` where there are too few days for one.
    """

    age_to_age: tuple[float | None, ...]
    share_reported_by_delay: tuple[float | None, ...]
    factor_by_delay: tuple[float | None, ...]
    nowcast: tuple[float | None, ...]
    standard_error: tuple[float | None, ...]


def chain_ladder(cumulative: Triangle) -> Nowcast:
    """Return the nowcast of a triangle of cumulative counts.

    Raises ValueError for rows of different length, an empty row or triangle, counts that fall or are negative, a known
    count after an unknown one.
    """
    latest = [_latest(row, place, len(cumulative[0])) for place, row in enumerate(cumulative)]
    if not latest:
        raise ValueError("the triangle has no row")
    delays = len(cumulative[0])
    factors = [_factor(cumulative, j) for j in range(delays - 1)]
    to_end: list[float | None] = [1.0]
    for factor in reversed(factors):
        to_end.insert(0, None if factor is None or to_end[0] is None else factor * to_end[0])
    expected = [_times(row[at], to_end[at]) for row, at in zip(cumulative, latest, strict=True)]
    errors = _mack(cumulative, factors, latest, expected)
    shares = tuple(None if f is None else 1 / f for f in to_end)
    return Nowcast(tuple(factors), shares, tuple(to_end), tuple(expected), tuple(errors))


def interval(expected: float, standard_error: float, seen: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the labels in the end: log-normal (Mack 1993), and never below those `seen` already."""
    if expected <= 0 or standard_error <= 0:
        return max(expected, seen), max(expected, seen)
    spread = sqrt(log(1 + (standard_error / expected) ** 2))
    centre, z = log(expected) - spread**2 / 2, two_sided_z(confidence)
    return max(seen, exp(centre - z * spread)), max(seen, exp(centre + z * spread))


def mature_from(found: Nowcast, share: float = 0.95) -> int | None:
    """Return the first delay at which at least this share of labels is expected to have come; None if unknown."""
    return next((d for d, s in enumerate(found.share_reported_by_delay) if s is not None and s >= share), None)


def _latest(row: Sequence[float | None], place: int, delays: int) -> int:
    known = [count for count in row if count is not None]
    if len(row) != delays or not known or any(count is not None for count in row[len(known) :]):
        raise ValueError(f"row {place}: needs {delays} delays, known counts first and at least one of them")
    if known[0] < 0 or any(one > other for one, other in pairwise(known)):
        raise ValueError(f"row {place}: cumulative counts are >= 0 and never fall, got {known}")
    return len(known) - 1


def _pairs(cumulative: Triangle, j: int) -> list[tuple[float, float]]:
    found = []
    for row in cumulative:
        before, after = row[j], row[j + 1]
        if before is not None and after is not None:
            found.append((before, after))
    return found


def _factor(cumulative: Triangle, j: int) -> float | None:
    pairs = _pairs(cumulative, j)
    before = sum(b for b, _ in pairs)
    return sum(a for _, a in pairs) / before if before else None


def _times(count: float | None, factor: float | None) -> float | None:
    return None if count is None or factor is None else count * factor


def _mack(
    cumulative: Triangle, factors: Sequence[float | None], latest: Sequence[int], expected: Sequence[float | None]
) -> list[float | None]:
    """Return the standard error of each row: process and estimation error, added up over the delays still to come."""
    variances = _variances(cumulative, factors)
    errors: list[float | None] = []
    for row, at, end in zip(cumulative, latest, expected, strict=True):
        total, reached = 0.0, row[at]
        for j in range(at, len(factors)):
            factor, variance = factors[j], variances[j]
            if reached is None or end is None or factor is None or variance is None or not reached:
                total = -1.0
                break
            volume = sum(before for before, _ in _pairs(cumulative, j))
            total += variance / factor**2 * (1 / reached + 1 / volume)
            reached *= factor
        errors.append(None if total < 0 or end is None else end * sqrt(total))
    return errors


def _variances(cumulative: Triangle, factors: Sequence[float | None]) -> list[float | None]:
    """Return Mack's variance parameter of each factor; the last, of a single pair, is extrapolated as he does."""
    found: list[float | None] = []
    for j, factor in enumerate(factors):
        pairs = [(b, a) for b, a in _pairs(cumulative, j) if b]
        if factor is not None and len(pairs) > 1:
            found.append(sum(b * (a / b - factor) ** 2 for b, a in pairs) / (len(pairs) - 1))
        elif j >= 2 and (one := found[j - 1]) is not None and (before := found[j - 2]) is not None:
            found.append(min(one**2 / before, before, one) if before else 0.0)
        else:
            found.append(None)
    return found
