"""When a case is due: so long after it was opened, by its task or kind, without the time that it rested.

Time counts in working hours (`core/hours.py`), where there are any, of every severity: a case that becomes grave while
it waits would be overdue at once by another clock, and who is there at night sees what is grave first all the same.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, get_args

from proofwatch.events.enumerations import EscalationSeverity, PlatformAlertSeverity
from proofwatch.events.identity import derived_id
from proofwatch.events.types import PlatformAlert
from services.triage.core.hours import AROUND_THE_CLOCK, Hours
from services.triage.core.signals import Kind
from services.triage.core.tasks import TASKS, Task

NONE: Final = "none"
_ROW: Final = re.compile(rf"({'|'.join((*get_args(Kind), *TASKS))})=([1-9]\d{{0,4}})([mhd])", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class Due(NamedTuple):
    """By task, or kind of case, how long people have; what has neither has no clock."""

    spans: Mapping[str, timedelta]
    hours: Hours = AROUND_THE_CLOCK

    @classmethod
    def read(cls, text: str, hours: Hours = AROUND_THE_CLOCK) -> "Due":
        """Read `subject=24h,incident=4h`, or `none`. Raises `ValueError`, saying what would be right."""
        spans: dict[str, timedelta] = {}
        for each in () if text.strip() == NONE else text.split(","):
            row = _ROW.fullmatch(each.strip())
            if row is None:
                msg = f"{each.strip()!r} says of no kind of case, or task, when it is due: subject=24h, system_audit=4h"
                raise ValueError(msg)
            spans[row[1]] = timedelta(**{_UNITS[row[3]]: int(row[2])})
            if not hours.can_give(spans[row[1]]):
                msg = f"{each.strip()!r} is more than is worked in ten years: due times are in working hours"
                raise ValueError(msg)
        return cls(spans, hours)

    def seconds(self, kind: Kind, task: Task) -> int | None:
        """Return how many seconds people have for a case; its task goes before its kind. None: as long as they like."""
        span = self.spans.get(task, self.spans.get(kind))
        return None if span is None else int(span.total_seconds())

    def at(self, kind: Kind, task: Task, opened_at: datetime) -> datetime | None:
        """Return when a case that was opened then is due."""
        span = self.spans.get(task, self.spans.get(kind))
        return None if span is None else self.hours.moved(opened_at, span)


NO_CLOCK: Final = Due({})


def rested(
    due_at: datetime,
    snoozed_until: datetime | None,
    now: datetime,
    until: datetime | None,
    hours: Hours = AROUND_THE_CLOCK,
) -> datetime:
    """Return when a case is due that rests until `until` (None: no more), and was to rest until `snoozed_until`.

    The working time that it rests does not count; what it was to rest longer is taken back.
    """
    runs_from = max(now, snoozed_until) if snoozed_until else now
    return hours.moved(until or now, hours.between(runs_from, due_at))


class Overdue(NamedTuple):
    """A case whose time is over, which nobody was told yet."""

    case_id: str
    tenant: str
    severity: EscalationSeverity
    due_at: datetime


def alerts_of(overdue: Sequence[Overdue], now: datetime) -> Sequence[PlatformAlert]:
    """Return one alert for each tenant of which cases are overdue; it names none of them, for there may be many."""
    by_tenant: dict[str, list[Overdue]] = {}
    for each in sorted(overdue):
        by_tenant.setdefault(each.tenant, []).append(each)
    return [_alert(tenant, cases, now) for tenant, cases in sorted(by_tenant.items())]


def _alert(tenant: str, cases: Sequence[Overdue], now: datetime) -> PlatformAlert:
    grave = sum(each.severity == "high" for each in cases)
    first = cases[0]
    severity: PlatformAlertSeverity = "critical" if grave else "warning"
    what = "1 case is" if len(cases) == 1 else f"{len(cases)} cases are"
    where = "`proofwatch cases list --overdue`"
    return PlatformAlert(
        schema_version=1,
        alert_id=derived_id("platform-alert", "triage", "overdue_cases", first.case_id, first.due_at.isoformat()),
        state="firing",
        severity=severity,
        service="triage",
        kind="overdue_cases",
        raised_at=now,
        summary=f"{what} past the due time, {grave} of them grave (tenant {tenant}): {where}.",
        values={"cases": float(len(cases)), "grave": float(grave)},
    )
