"""Three and seven days are compared with as many working and free days as they have."""

import numpy as np
import pytest

from proofwatch.biometrics.baseline import compare
from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.cusum.profile import Hours
from services.aggregator.core.cusum.rolling import Rolled, rolled
from services.aggregator.core.times import DAY_MS

_HOURLY = 20
_MONDAY = 20_513 - 20_513 % 7 + 4
"""Days since 1970 of a Monday: the first of January 1970 was a Thursday."""


def hours(days: int, working: float, free: float, *, day_of: int = _MONDAY) -> Hours:
    """Return so many days from a Monday on whose people fail at one rate on working days and at another at weekends."""
    rows = []
    for at in range(days * 24):
        weekend = at // 24 % 7 >= 5
        rate, n = (free, _HOURLY) if weekend else (working, _HOURLY)
        expected = rate * n
        k = int((at + 1) * expected) - int(at * expected)
        rows.append((day_of * 24 + at, k, n, 0))
    return np.array(rows, dtype=np.int64)


def of(found: Hours, days: int, many: int) -> Rolled:
    """Return the last `many` of the first so many days."""
    day = UTC_DAYS.day((_MONDAY + days - 1) * DAY_MS)
    return next(each for each in rolled(found[: days * 24], day.number, UTC_DAYS) if each.days == many)


def test_a_weekend_and_a_monday_are_compared_with_weekends_and_mondays() -> None:
    """At the weekend 8 % fail, else 2 %: Saturday to Monday are 6 %, as ever, and not above twice the 3.7 % of all."""
    each = of(hours(22, 0.02, 0.08), 22, 3)
    assert each.k / each.n == pytest.approx(0.06, abs=0.004)
    assert each.before.k / each.before.n == pytest.approx(0.06, abs=0.006)
    assert each.before.k < 400
    found = compare(each.k, each.n, each.before, 0.02, 2.0, 6e-7, 1)
    assert found.severity is None


def test_working_days_that_are_as_bad_as_a_weekend_are_told() -> None:
    """Three working days at 8 % are no weekend, though the mean of all days hides half of it."""
    usual, bad = hours(21, 0.02, 0.08), hours(3, 0.08, 0.08, day_of=_MONDAY + 21)
    each = of(np.concatenate([usual, bad]), 24, 3)
    assert each.before.k / each.before.n == pytest.approx(0.021, abs=0.004)
    assert compare(each.k, each.n, each.before, 0.02, 2.0, 6e-7, 1).severity == "high"


def test_where_classes_of_days_do_not_differ_nothing_changes_but_for_rounding() -> None:
    """Seven days have the classes that the weeks before have: as many failures are known as there were."""
    each = of(hours(28, 0.05, 0.05), 28, 7)
    assert each.before.k == pytest.approx(21 * 24, rel=0.02)
    assert each.before.n == pytest.approx(21 * 24 * _HOURLY, rel=0.02)


def test_a_first_weekend_is_known_as_little_as_it_is() -> None:
    """No free day was seen: the rate of all days stands in, with the weight of 200 trials."""
    each = of(hours(6, 0.05, 0.05), 6, 3)
    assert each.before.k / each.before.n == pytest.approx(0.05, rel=0.05)
    assert each.before.n < 3 * 24 * _HOURLY
