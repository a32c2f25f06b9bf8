"""What a working day showed is judged by working days, and what a free one showed by free ones: a tenant's calendar."""

from datetime import UTC, date, datetime
from typing import Final

import pytest

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.baselines import Baselines, SlotKey, slot_of
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.series import WindowRef
from services.aggregator.core.times import DAY_S
from services.aggregator.core.watch import Watch

pytestmark = pytest.mark.usefixtures("lengths_in_force")

_RATE: Final = "rejection_rate"
_USUAL, _BAD = (10, 1_000), (250, 1_000)
WEEKENDS: Final = Calendar("UTC")
GULF: Final = Calendar("Asia/Dubai", ("friday", "saturday"))
BERLIN: Final = Calendar("Europe/Berlin", ("saturday", "sunday"), (date(2026, 4, 3), date(2026, 4, 6)))


class Bank:
    """A tenant's days, closed one after another."""

    def __init__(self, calendar: Calendar, value: str | None = None) -> None:
        self.days, self.value = TenantDays([(0, calendar)]), value
        self.baselines: Baselines = {}
        self.anomalies: Anomalies = {}
        self.watch = Watch(load_policy().monitoring, self.baselines, self.anomalies, days_of=lambda _: self.days)

    def close(self, day: date, k: int = 10, n: int = 1_000) -> list[tuple[str, str | None]]:
        """Return what becomes of findings by a day's k of n, and how those end that ended otherwise."""
        noon = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        own = self.days.day(round(noon.timestamp() * 1000))
        slot = SlotKey("bank", self.value and "os", self.value, DAY_S, slot_of(DAY_S, own.start_ms, self.days))
        self.baselines.setdefault(slot, {})
        found: list[Anomaly] = [each for _, each in self.watch.ends.silent(own.end_ms)]
        if n:
            window = WindowRef(own.start_ms, own.end_ms, 1, backfill=False)
            rate = Figure(
                metric=_RATE, k=k, n=n, value=k / n, low=0.0, high=1.0, limit=None, status=None, coverage=None
            )
            found += self.watch.judge_window(slot, window, [rate])
        found += self.watch.ends.passed(BucketKey("bank", DAY_S, own.start_ms))
        return [(each.state, each.resolution) for each in found]


def march(day: int) -> date:
    """Return a day of March 2026, which begins with a Sunday; 32 is the first of April."""
    return date.fromordinal(date(2026, 3, 1).toordinal() + day - 1)


@pytest.mark.parametrize(
    ("calendar", "bad", "others", "same"),
    [
        (WEEKENDS, 20, (21, 22), 23),  # a Friday; Saturday and Sunday; Monday
        (WEEKENDS, 21, (23, 24, 25, 26, 27), 28),  # a Saturday; the week; the next Saturday
        (GULF, 19, (20, 21), 22),  # a Thursday; Friday and Saturday; Sunday is a working day
        (BERLIN, 27, (28, 29), 30),  # clocks change on Sunday, a day of 23 hours
        (BERLIN, 33, (34, 35, 36, 37), 38),  # a Thursday; Good Friday to Easter Monday; Tuesday
        (BERLIN, 37, (38, 39, 40, 41), 42),  # Easter Monday; working days; Saturday
    ],
)
@pytest.mark.parametrize("value", [None, "ios"])
def test_a_day_of_another_class_neither_ends_nor_judges_what_fires(
    calendar: Calendar, bad: int, others: tuple[int, ...], same: int, value: str | None
) -> None:
    """It is as usual for its class, and that says nothing of the other; nor is the tenant silent meanwhile."""
    bank = Bank(calendar, value)
    for day in range(1, bad):
        assert bank.close(march(day)) == []
    assert bank.close(march(bad), *_BAD) == [("firing", None)]
    for day in others:
        assert bank.close(march(day), *_USUAL) == [], march(day)
    assert bank.close(march(same), *_USUAL) == [("resolved", None)]


def test_both_classes_have_findings_of_their_own() -> None:
    """A bad Saturday after a bad Friday is told, and each ends by its own days."""
    bank = Bank(WEEKENDS)
    for day in range(1, 20):
        bank.close(march(day))
    assert bank.close(march(20), *_BAD) == [("firing", None)]
    assert bank.close(march(21), *_BAD) == [("firing", None)]
    assert bank.close(march(22)) == [("resolved", None)]
    assert bank.close(march(23)) == [("resolved", None)]
    assert len({each.anomaly_id for each in bank.anomalies.values()}) == 2


def test_days_of_another_class_on_which_nobody_comes_end_nothing_by_themselves() -> None:
    """A weekend without the release says nothing of its working days; three days without it are silence, as ever."""
    bank = Bank(WEEKENDS, "ios")
    for day in range(1, 19):
        bank.close(march(day))
    bank.close(march(20), *_BAD)
    assert [bank.close(march(day), 0, 0) for day in (21, 22)] == [[], []]
    assert bank.close(march(23), 0, 0) == [("resolved", "no_traffic")]
