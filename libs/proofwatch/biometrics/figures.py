"""A figure: a rate that never travels without its counts, its interval and what it proves."""

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from proofwatch.biometrics.evidence import Reason, missing
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper, wilson


class Status(StrEnum):
    """What the trials so far prove about a limit, at one-sided 95 % confidence."""

    PASS = "PASS"  # the upper bound is at or below the limit  # noqa: S105 - a status, not a password
    BREACH = "BREACH"  # the lower bound is above the limit
    INSUFFICIENT = "INSUFFICIENT"  # neither: too few trials, or they straddle the limit (see `evidence.Reason`)


class Bounds(msgspec.Struct, frozen=True):
    """Where the figure of the raw scores lies that a sketch no longer tells apart: low <= exact <= high."""

    low: float
    high: float


class Figure(msgspec.Struct, frozen=True):
    """One reported rate.

    `k` errors in `n` trials give `value` = k / n (null when n is 0); a composed or curve figure (FAR, EER,
    AUC ...) has no counts of its own and leaves `k`, `n`, `low`, `high` null. `low` and `high` are Wilson's
    95 % interval, for display. `status` is null where no limit applies. `resolution` is present only on
    figures read off a sketch: how far apart the neighbouring points are (see `curves`); so are `bounds`, which hold
    the exact value. Where the status is INSUFFICIENT, `reason` says in which way, and `needed_without_error` and
    `needed_at_present_rate` how many further trials would decide (see `evidence`).
    """

    k: int | None
    n: int | None
    value: float | None
    low: float | None
    high: float | None
    status: Status | None
    resolution: float | UnsetType = UNSET
    bounds: Bounds | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    needed_without_error: int | UnsetType | None = UNSET
    needed_at_present_rate: int | UnsetType | None = UNSET


def rate(k: int, n: int, limit: float | None = None, *, confidence: float = 0.95) -> Figure:
    """Return the figure of k errors in n trials, judged against `limit` when there is one.

    No trials is not a rate of zero: the value is null, and a limit is INSUFFICIENT.
    Raises ValueError when k is outside 0..n or n is negative.
    """
    none = n == 0 and k == 0
    low, high = (None, None) if none else wilson(k, n, confidence)
    value = None if none else k / n
    if limit is None:
        return Figure(k, n, value, low, high, None)
    status = Status.INSUFFICIENT if none else judge(k, n, limit, confidence=confidence)
    if status is not Status.INSUFFICIENT:
        return Figure(k, n, value, low, high, status)
    lacks = missing(k, n, limit, confidence=confidence)
    return Figure(
        k, n, value, low, high, status,
        reason=lacks.reason,
        needed_without_error=lacks.needed_without_error,
        needed_at_present_rate=lacks.needed_at_present_rate,
    )  # fmt: skip


def composed(value: float | None, resolution: float | UnsetType = UNSET, bounds: Bounds | UnsetType = UNSET) -> Figure:
    """Return a figure that is derived from others and so has no counts and no interval of its own."""
    return Figure(None, None, value, None, None, None, resolution, bounds)


def judge(k: int, n: int, limit: float, *, confidence: float = 0.95) -> Status:
    """Return what k errors in n >= 1 trials prove about `limit`, by one-sided Clopper-Pearson bounds."""
    if clopper_pearson_upper(k, n, confidence) <= limit:
        return Status.PASS
    if clopper_pearson_lower(k, n, confidence) > limit:
        return Status.BREACH
    return Status.INSUFFICIENT
