"""People of a month as numbers: the same within it, another in the next, and nobody's without the salt."""

from datetime import UTC, datetime, timedelta

import msgspec

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.entries import Trial
from services.aggregator.core.labelled_intake import verdict_entry
from services.aggregator.core.people import Month, month_number, months_of, plain, salting
from tests.unit.aggregator.test_labelled_intake import CATALOGUE, VERDICT

MAY = Month("bank", 2026 * 12 + 4)
JUNE = Month("bank", 2026 * 12 + 5)
SALTS = {MAY: b"m" * 32, JUNE: b"j" * 32}
KOLKATA = TenantDays([(0, Calendar("Asia/Kolkata"))])


def trial(at: datetime, who: str = "ada", logged: timedelta = timedelta(seconds=1)) -> Trial:
    us = ms_of(at) * 1000
    return Trial(
        ms_of(at + logged), us, "p", "accept", "pass", "pass", 0.9, 0.9, 0.5, 0.5, "{}", plain("bank", who)
    )  # fmt: skip


def number(given: Trial, days: TenantDays = KOLKATA) -> int:
    return salting(SALTS, lambda tenant: days)("bank", given).person


def test_a_person_has_one_number_a_month_and_another_in_the_next() -> None:
    """And nobody else has it; whoever has no salt cannot compute it."""
    first, last = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 31, 12, tzinfo=UTC)
    ada = number(trial(first))

    assert ada == number(trial(last)) != 0
    assert ada != number(trial(first, "ben"))
    assert ada != number(trial(last + timedelta(days=2)))
    assert ada not in (plain("bank", "ada"), trial(first).person)


def test_months_are_those_of_the_tenants_calendar() -> None:
    """Eight in the evening in London on the last of May is June in Kolkata: statistics count it there."""
    edge = trial(datetime(2026, 5, 31, 20, tzinfo=UTC))

    assert months_of([("bank", edge)], lambda tenant: KOLKATA) == {JUNE}
    assert months_of([("bank", edge)], lambda tenant: TenantDays()) == {MAY}
    assert number(edge) == number(trial(datetime(2026, 6, 9, tzinfo=UTC)))


def test_what_comes_too_late_for_its_month_is_nobodys() -> None:
    """Its salt may be gone: a new one would make of one person two."""
    at = datetime(2026, 5, 10, tzinfo=UTC)
    late = trial(at, logged=timedelta(days=125))

    assert months_of([("bank", late)], lambda tenant: KOLKATA) == set()
    assert number(late) == 0
    assert number(trial(at, logged=timedelta(days=80))) == number(trial(at))


def test_what_is_nobodys_stays_nobodys() -> None:
    assert number(trial(datetime(2026, 5, 10, tzinfo=UTC))._replace(person=0)) == 0


def test_a_verdict_brings_its_person_and_not_their_name() -> None:
    """Of two tenants the same reference is two people."""
    _, one = verdict_entry(msgspec.json.encode(VERDICT), 77, CATALOGUE)
    _, same = verdict_entry(msgspec.json.encode(VERDICT | {"transaction_id": "t-2"}), 77, CATALOGUE)
    _, other = verdict_entry(msgspec.json.encode(VERDICT | {"tenant": "other"}), 77, CATALOGUE)
    assert one.trial
    assert same.trial
    assert other.trial
    assert one.trial.person == same.trial.person != other.trial.person
    assert VERDICT["subject_ref"] not in repr(one)


def test_months_are_numbered_without_a_gap() -> None:
    days = [(datetime(2026, month, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days for month in range(1, 13)]
    assert [month_number(day) for day in days] == [*range(2026 * 12, 2026 * 12 + 12)]
    assert month_number(days[0] - 1) == 2026 * 12 - 1
