"""What a minute is compared with: hours that are two hours before its own, whenever it is looked at."""

from proofwatch.governance.tenant_days import UTC_DAYS
from services.aggregator.core.real_time.hours import Compared, Rate, Sums
from services.aggregator.core.real_time.minute import NO_SCORES, Minute
from services.aggregator.core.real_time.reference import Reference
from services.aggregator.core.real_time.view import View
from tests.unit.aggregator.real_time.traffic import HOUR, MONDAY

FIRST = MONDAY // HOUR


def of_hours(number: int) -> Reference:
    reference = Reference()
    for hour in range(number):
        sums = Sums(Rate(1, 10**hour), NO_SCORES, NO_SCORES)
        reference = reference.taken(Minute(MONDAY + hour * HOUR, 10**hour, 1), Compared(sums, {hour: 1}, {}))
    return reference


def test_an_hour_is_compared_with_those_up_to_the_last_but_one() -> None:
    """The hour before is not over everywhere when the hour begins: data of it may still be restated."""
    reference = of_hours(4)
    for hour, seen in ((1, 0), (2, 1), (3, 11), (4, 111), (5, 1111)):
        view = View(reference, FIRST + hour, UTC_DAYS)
        assert view.total.rejected.n == seen, hour
        assert sum(view.shape("match").open.values()) == len(str(seen)) * (seen > 0)


def test_it_is_the_same_before_and_after_hours_are_absorbed() -> None:
    """So neither batches nor restarts decide."""
    reference = of_hours(6)
    for absorbed in range(2, 6):
        kept = reference.absorbed(FIRST + absorbed, UTC_DAYS)
        assert [each.hour - FIRST for each in kept.hours] == list(range(absorbed - 1, 6))
        for hour in range(absorbed, 8):
            one, other = View(reference, FIRST + hour, UTC_DAYS), View(kept, FIRST + hour, UTC_DAYS)
            assert one.total == other.total
            assert one.shape("match") == other.shape("match")
