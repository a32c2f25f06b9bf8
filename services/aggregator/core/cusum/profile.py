"""What is usual for a rate: hours of the last 28 days, their profile by hour of day, their dispersion, a reference.

Hours are those of UTC; an hour of day is shrunk to the pooled rate by as much as `_SHRINK` failures weigh, so that few
failures make no profile. The **reference** is frozen: the profile of the first 28 days that are valid, which are days
of which 21 dates and enough failures were not left out, at a time when nothing alarms. It moves by a person's word only
(`core.cusum.hours.rebased`), so that no rate drifts away by teaching its own baseline.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from proofwatch.biometrics.dispersion import pearson_dispersion
from proofwatch.governance.policy import CusumRule

KEPT_HOURS: Final = 28 * 24
_SHRINK: Final = 50.0
_REFERENCE_DATES: Final = 21
_GROUP: Final = 5.0
"""Hours are pooled until they expect so many failures: fewer make the dispersion uncertain."""
_PRIOR_GROUPS: Final = 24
_LEAST: Final = 1e-6
_REBASED_FAILURES: Final = 20

Hours = NDArray[np.int64]
"""Rows (hour since 1970, k, n, 1 if it alarmed), ascending by hour; an hour may have one row of each kind."""
NO_HOURS: Final[Hours] = np.zeros((0, 4), np.int64)


class Usual(Struct, frozen=True, array_like=True):
    """The rate to compare with in one hour: p0, of `k` failures in `n` trials in `hours` hours. n = 0: the policy's."""

    p0: float
    k: int = 0
    n: int = 0
    hours: int = 0


class Reference(Struct, frozen=True, array_like=True):
    """k and n by hour of day of [from_hour, to_hour), in hours since 1970. `by`: whose word it is; empty: nobody's."""

    from_hour: int
    to_hour: int
    k: tuple[int, ...]
    n: tuple[int, ...]
    by: str = ""


def packed(hours: Hours) -> bytes:
    """Return hours as they are stored: 32-bit integers, little-endian."""
    return hours.astype("<i4").tobytes()


def unpacked(body: bytes) -> Hours:
    """Return stored hours."""
    return np.frombuffer(body, "<i4").astype(np.int64).reshape(-1, 4)


def counting(hours: Hours) -> Hours:
    """Return the hours that count: those that did not alarm."""
    good: Hours = hours[hours[:, 3] == 0]
    return good


def usual(hours: Hours, hour: int, expected: float, rule: CusumRule, *, rebased: bool = False) -> Usual:
    """Return what is usual in an hour by the hours before it, or the policy's expected rate while they are too few.

    A prior of one failure at the expected rate keeps a rate without failures above zero. After a person's word fewer
    failures do: what the policy expects is then what it is not.
    """
    k, n = int(hours[:, 1].sum()), int(hours[:, 2].sum())
    enough = _REBASED_FAILURES if rebased else rule.baseline_failures
    if not n or (k < min(enough, rule.baseline_failures) and hour - int(hours[0, 0]) < 24 * rule.baseline_days):
        return Usual(expected)
    rate = (k + 1) / (n + 1 / expected)
    same = hours[hours[:, 0] % 24 == hour % 24]
    return Usual(_shrunk(rate, int(same[:, 1].sum()), int(same[:, 2].sum())), k, n, len(hours))


def by_reference(reference: Reference, hour: int, expected: float) -> Usual:
    """Return what was usual in that hour of day when the reference was frozen."""
    k, n = sum(reference.k), sum(reference.n)
    rate = (k + 1) / (n + 1 / expected)
    of_day = hour % 24
    hours = reference.to_hour - reference.from_hour
    return Usual(_shrunk(rate, reference.k[of_day], reference.n[of_day]), k, n, hours)


def dispersion(hours: Hours, rule: CusumRule) -> float:
    """Return phi: Pearson's, of hours against their profile, pooled until they expect enough; at least the floor.

    The policy's dispersion of what is unknown weighs as much as `_PRIOR_GROUPS` groups do: a young series has few.
    """
    k, n = hours[:, 1].astype(float), hours[:, 2].astype(float)
    if not k.sum():
        return max(rule.dispersion_floor, rule.dispersion_unknown)
    of_day = hours[:, 0] % 24
    rate = k.sum() / n.sum()
    k_of, n_of = np.bincount(of_day, k, 24), np.bincount(of_day, n, 24)
    profile = np.clip(rate * (k_of + _SHRINK) / (n_of * rate + _SHRINK), _LEAST, 1 - _LEAST)
    expected = n * profile[of_day]
    group = np.floor((np.cumsum(expected) - expected / 2) / _GROUP).astype(np.int64)
    place = np.unique(group, return_inverse=True)[1]
    groups = int(place.max()) + 1
    k_in, n_in, e_in = (np.bincount(place, each) for each in (k, n, expected))
    windows = list(zip(k_in.astype(int).tolist(), n_in.astype(int).tolist(), strict=True))
    measured = pearson_dispersion(windows, (e_in / n_in).tolist()) or rule.dispersion_unknown
    return max(
        rule.dispersion_floor,
        (groups * measured + _PRIOR_GROUPS * rule.dispersion_unknown) / (groups + _PRIOR_GROUPS),
    )


def frozen(hours: Hours, first_hour: int, hour: int, rule: CusumRule) -> Reference | None:
    """Return the reference that the hours make, 28 days after the first hour of the series; None: they do not yet."""
    if hour - first_hour < KEPT_HOURS or int(hours[:, 1].sum()) < rule.baseline_failures:
        return None
    if len(np.unique(hours[:, 0] // 24)) < _REFERENCE_DATES:
        return None
    return of_hours(hours, hour)


def of_hours(hours: Hours, until_hour: int, by: str = "") -> Reference:
    """Return a reference of the hours up to `until_hour`, by hour of day."""
    of_day = hours[:, 0] % 24
    k, n = (np.bincount(of_day, hours[:, place].astype(float), 24).astype(int).tolist() for place in (1, 2))
    return Reference(int(hours[0, 0]) if len(hours) else until_hour, until_hour, tuple(k), tuple(n), by)


def _shrunk(rate: float, k: int, n: int) -> float:
    return min(1 - _LEAST, max(_LEAST, rate * (k + _SHRINK) / (n * rate + _SHRINK)))
