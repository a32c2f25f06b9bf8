"""Years of minutes in which nothing happens: whom the detectors of minutes accuse all the same.

They watch whole tenants, so there are no slices. The functions are those of the services, called once for each minute:
`MinuteWatch` looks at each twice, when it closes and again after an hour, because minutes may be restated. Here none
is, and a test holds both to the same findings.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.findings import publish
from services.aggregator.core.real_time.hours import Compared
from services.aggregator.core.real_time.life import Marks, next_marks
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.reference import Reference
from services.aggregator.core.real_time.tenant import Memory, MinuteWatch, TenantState, Told
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import HOUR_MS, MINUTE_MS
from tests.scenarios.gathering import Found
from tests.scenarios.measure import quiet
from tests.scenarios.minutes import minutes_of
from tests.scenarios.play import Played, Tick, drawn
from tests.scenarios.targets import HALF, Target
from tests.scenarios.tenants import Tenant
from tests.scenarios.traffic import days
from tests.scenarios.watchers import GRACE_MS, MONITORING, days_of


class MinuteScenario(NamedTuple):
    """`runs` tenants for `days` days, from their first one on; `quick`: runs and days of `--quick`."""

    name: str
    what: str
    tenant: Tenant
    targets: tuple[Target, ...] = (HALF,)
    runs: int = 5
    days: int = 365
    quick: tuple[int, int] = (1, 10)


class MinutePass:
    """Watches the minutes of one tenant, in order."""

    def __init__(self, days: TenantDays) -> None:
        self._days = days
        self._rule = MONITORING.real_time
        self._watch = MinuteWatch(self._rule)
        self._reference = Reference()
        self._marks: Marks = {}
        self._told: dict[str, Told] = {}
        self._end_ms = 0
        self._young: deque[tuple[Minute, Compared]] = deque()
        self._view: View | None = None

    def closed(self, minute: Minute) -> Iterator[Found]:
        """Yield what is published of a minute."""
        view = self._seen_from(minute.start_ms)
        self._marks, changes = next_marks(self._marks, minute, view, self._rule, DETECTORS, self._end_ms)
        self._end_ms = minute.start_ms + MINUTE_MS
        self._young.append((minute, self._watch.compared(minute, self._marks)))
        if changes:
            state = TenantState(self._reference, [minute], Memory(), Memory(self._end_ms, self._marks), self._told)
            state, published = publish("bank", state, changes, self._marks, DETECTORS)
            self._told = state.told
            yield from (Found(at_ms + GRACE_MS, event) for at_ms, event in published)

    def _seen_from(self, start_ms: int) -> View:
        while self._young and self._young[0][0].start_ms <= start_ms - HOUR_MS:
            self._reference = self._reference.taken(*self._young.popleft())
        hour = start_ms // HOUR_MS
        if self._view is None or self._view.hour != hour:
            oldest_ms = self._young[0][0].start_ms if self._young else start_ms
            self._reference = self._reference.absorbed(oldest_ms // HOUR_MS, self._days)
            self._view = View(self._reference, hour, self._days)
        return self._view


def play(scenario: MinuteScenario, seed: int, runs: Iterable[int], number: int, tick: Tick) -> Iterator[Played]:
    """Yield the outcome of so many days of each tenant."""
    for run in runs:
        watch, found = MinutePass(days_of(scenario.tenant)), list[Found]()
        for day in days(drawn(seed, scenario.name, run), scenario.tenant, number):
            for minute in minutes_of(day):
                found += watch.closed(minute)
            tick(1)
        yield Played(run, quiet(found, number))
