"""False findings are a budget: what charts say of a tenant that does nothing wrong, at the limits that are shipped.

The year is `python -m tests.unit.aggregator.cusum.null_year`; here are ten days of it, new tenants whose rates are not
known yet included, which is when charts err most.
"""

from collections import Counter

import pytest

from tests.unit.aggregator.cusum.null_year import null_findings, null_monitoring

DAYS = 10


def of(severity: str, **rule: float) -> int:
    found: Counter[str] = Counter()
    for seed, attributes in ((1, 1), (2, 0)):
        found += null_findings(null_monitoring(**rule), seed, DAYS, attributes=attributes)
    return sum(count for kind, count in found.items() if kind.startswith(severity))


def test_ten_days_without_a_cause_tell_nobody_anything() -> None:
    """No high finding of six rates of two tenants and four values, with retries that fail again."""
    assert of("high") == 0


@pytest.mark.parametrize("lower", [{"high_limit": 7.0}, {"dispersion_unknown": 1.0, "high_limit": 9.0}])
def test_lower_limits_are_seen_to_be_too_low(lower: dict[str, float]) -> None:
    """So the test above can fail."""
    assert of("high", **lower) > 0
