"""Cases that nobody worked in time are told of once, also through a restart, not while they rest; real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.postgres.fence import create_pool
from proofwatch.events import codec, topics
from proofwatch.events.types import PlatformAlert
from proofwatch.instants import instant_of, ms_of
from proofwatch.runtime.migrations import migrate
from services.triage.adapters.bulk import PostgresBulk
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.orders import Order
from services.triage.core.hours import Hours
from tests.integration.access.house import make_passwords_cheap
from tests.integration.triage.conftest import Triage
from tests.integration.triage.house import Desk
from tests.integration.triage.test_bulk import named
from tests.unit.triage.events import ended, incident, suspicion

HOUR = timedelta(hours=1)


@pytest.fixture
async def desk(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """People at the desk of a triage that gives them an hour for a subject, and two for an incident."""
    make_passwords_cheap(monkeypatch)
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        triage = Triage(pool)
        triage.settings = triage.settings.model_copy(update={"case_due": "subject=1h,incident=2h"})
        triage.service = triage.built()
        await triage.service.start()
        yield Desk(triage)
        await triage.service.stop()
    finally:
        await pool.close()


async def told(desk: Desk, now: datetime) -> list[PlatformAlert]:
    """Let triage look at this time; return every alert so far."""
    desk.triage.clock.advance_to(ms_of(now))
    while await desk.triage.service.step(idle=True):
        pass
    return [codec.PLATFORM_ALERT.decode(each.value) for each in await desk.triage.records(topics.PLATFORM_ALERTS)]


async def due_at(desk: Desk) -> datetime:
    found = await desk.pool.fetchval("select due_at from triage.cases order by opened_at limit 1")
    assert isinstance(found, datetime)
    return found


async def test_a_breach_is_told_once_also_through_a_restart(desk: Desk) -> None:
    """Not before its time; after it once, whoever looks, and however often."""
    await desk.triage.tell(suspicion(1, severity="high"), suspicion(2, subject_ref="s-2"), incident(1))
    opened = instant_of(desk.triage.clock.now_ms())
    assert await told(desk, opened + HOUR - timedelta(minutes=1)) == []
    (alert,) = await told(desk, opened + HOUR + timedelta(minutes=1))
    assert (alert.kind, alert.severity, alert.values) == ("overdue_cases", "critical", {"cases": 2.0, "grave": 1.0})
    await desk.triage.service.stop()
    desk.triage.service = desk.triage.built()
    await desk.triage.service.start()
    assert len(await told(desk, opened + HOUR + timedelta(minutes=2))) == 1
    assert [each.values["cases"] for each in await told(desk, opened + 2 * HOUR + timedelta(minutes=1))] == [2.0, 1.0]
    assert len(await told(desk, opened + 30 * HOUR)) == 2


async def test_what_is_closed_in_time_is_not_told_and_what_is_opened_anew_has_its_time_again(desk: Desk) -> None:
    """By a person, and by an incident that comes again."""
    carl = await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.desk.do("close", case, carl, desk.now, reason="done")
    assert await told(desk, desk.now + HOUR * 2) == []
    await desk.desk.do("reopen", case, carl, desk.now, reason="not done")
    assert await due_at(desk) == desk.now + HOUR
    await desk.desk.do("close", case, carl, desk.now, reason="done")
    await desk.triage.tell(incident(1))
    of_incident = str(await desk.pool.fetchval("select case_id from triage.cases where kind = 'incident'"))
    before = await desk.pool.fetchval("select due_at from triage.cases where kind = 'incident'")
    await desk.triage.tell(incident(2))
    assert await desk.pool.fetchval("select due_at from triage.cases where kind = 'incident'") == before, "no news"
    await desk.pool.execute("update triage.cases set told_overdue_at = now(), due_at = due_at - interval '1 day'")
    await desk.triage.tell(ended(3))
    await desk.desk.do("close", of_incident, carl, desk.now, reason="done")
    await desk.triage.tell(incident(4, change="again"))
    row = await desk.pool.fetchrow(
        "select due_at, told_overdue_at, changed_at from triage.cases where kind = 'incident'"
    )
    assert (row["due_at"], row["told_overdue_at"]) == (row["changed_at"] + 2 * HOUR, None)


async def test_the_clock_stands_while_a_case_rests(desk: Desk) -> None:
    """Until its time, until somebody wakes it, or until there is news."""
    carl = await desk.person("carl", Role.CHECKER)
    case = await desk.case()
    await desk.pool.execute("update triage.cases set due_at = $1", desk.now + HOUR)
    minute = timedelta(minutes=1)
    await desk.desk.do("snooze", case, carl, desk.now, reason="later", until=desk.now + 10 * minute)
    assert await due_at(desk) == desk.now + HOUR + 10 * minute
    await desk.desk.do("wake", case, carl, desk.now + 4 * minute)
    assert await due_at(desk) == desk.now + HOUR + 4 * minute
    await desk.pool.execute("update triage.cases set due_at = $1", desk.now + minute)
    await desk.desk.do("snooze", case, carl, desk.now + 4 * minute, reason="later", until=desk.now + 24 * HOUR)
    assert await told(desk, desk.now + 23 * HOUR) == []
    await desk.triage.tell(suspicion(9, subject_ref="s-1"))
    row = await desk.pool.fetchrow("select due_at, snoozed_until from triage.cases")
    assert tuple(row) == (desk.now + minute, None), "as if it had not been laid to rest: the log's clock is behind"
    assert len(await told(desk, desk.now + 23 * HOUR + minute)) == 1
    desk.now += HOUR
    carl = (await desk.sign_in("carl"))[0]
    assert [each.now.case_id for each in await desk.desk.listed(carl, desk.now, overdue=True)] == [case]
    await desk.desk.do("close", case, carl, desk.now, reason="done")
    assert await desk.desk.listed(carl, desk.now, overdue=True) == []


OFFICE = "Europe/Berlin Mon-Fri 08:00-18:00"
FRIDAY = datetime.fromisoformat("2026-03-27T17:30+01:00")
"""Half an hour before a weekend in which the clocks are set forward."""


@pytest.fixture
async def office(desk: Desk) -> Desk:
    """The same, where people work in an office; of a subject they have two hours."""
    given = {"case_due": "subject=2h,incident=2h", "case_hours": OFFICE, "case_days_off": "2026-01-01,2026-03-30"}
    desk.triage.settings = desk.triage.settings.model_copy(update=given)
    await desk.triage.service.stop()
    desk.triage.service = desk.triage.built()
    await desk.triage.service.start()
    desk.desk = PostgresDesk(desk.pool, hours=desk.triage.settings.hours())
    desk.now = FRIDAY
    return desk


async def test_time_counts_in_working_hours_and_a_breach_is_told_once_also_through_a_restart(office: Desk) -> None:
    """Not on the day off on which the log begins, nor at night, and by the clock of that zone; grave or not."""
    await office.triage.tell(suspicion(1, severity="high"))
    due = datetime.fromisoformat("2026-01-02T10:00+01:00")
    assert await due_at(office) == due
    assert await told(office, due - timedelta(minutes=1)) == []
    assert len(await told(office, due + timedelta(minutes=1))) == 1
    await office.triage.service.stop()
    office.triage.service = office.triage.built()
    await office.triage.service.start()
    assert len(await told(office, due + timedelta(days=9))) == 1


async def test_a_case_that_is_opened_anew_has_its_working_time_again_alone_and_of_many(office: Desk) -> None:
    """From then on; its parts, too."""
    carl = await office.person("carl", Role.CHECKER)
    case, part = await office.case(), await office.case()
    await office.desk.do("merge", part, carl, office.now, into=case, reason="the same mask")
    await office.desk.do("close", case, carl, office.now, reason="done")
    office.now = datetime.fromisoformat("2026-03-27T20:00+01:00")
    carl = (await office.sign_in("carl"))[0]
    await office.desk.do("reopen", case, carl, office.now, reason="not done")
    due = datetime.fromisoformat("2026-03-31T10:00+02:00")
    assert [row["due_at"] for row in await office.pool.fetch("select due_at from triage.cases")] == [due, due]
    await office.desk.do("close", case, carl, office.now, reason="done")
    await office.pool.execute("update triage.cases set due_at = null")
    asked = await named(office, case)
    await PostgresBulk(office.desk).do("k", Order("reopen", "not done"), asked, carl, office.now)
    assert [row["due_at"] for row in await office.pool.fetch("select due_at from triage.cases")] == [due, due]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("by_news", [False, True])
@pytest.mark.parametrize("woken", ["2026-03-28T12:00+01:00", "2026-03-31T09:17+02:00"])
async def test_working_time_rests_while_a_case_does_whoever_wakes_it(
    office: Desk, late: bool, by_news: bool, woken: str
) -> None:
    """Its time comes, somebody wakes it, or news does: as much work is left, or over, as when it was laid to rest."""
    at, hours, ten = datetime.fromisoformat(woken), Hours.read(OFFICE, "2026-03-30"), timedelta(minutes=10)
    office.now = FRIDAY - ten
    carl, case = await office.person("carl", Role.CHECKER), await office.case()
    was_due = FRIDAY - 3 * HOUR if late else hours.moved(FRIDAY, 2 * HOUR)
    left = hours.between(FRIDAY, was_due)
    until = datetime.fromisoformat("2026-04-01T12:00+02:00")
    await office.pool.execute("update triage.cases set due_at = $1", was_due)
    await office.desk.do("snooze", case, carl, FRIDAY, reason="later", until=until)
    assert hours.between(until, await due_at(office)) == left
    if by_news:
        await office.pool.execute("update triage.cases set revision = revision + 1, changed_at = $1", at)
    else:
        office.now = at - ten
        await office.desk.do("wake", case, await office.person("cleo", Role.CHECKER), at)
    row = await office.pool.fetchrow("select due_at, snoozed_until, rest_hours from triage.cases")
    assert (hours.between(at, row["due_at"]), row["snoozed_until"], row["rest_hours"]) == (left, None, None)
