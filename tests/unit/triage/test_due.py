"""When cases are due: by kind, without the time that they rested, and one alert for each tenant."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.core.due import Due, Overdue, alerts_of, rested
from services.triage.core.hours import Hours
from services.triage.core.signals import Kind
from services.triage.core.tasks import of_kind
from tests.unit.triage.events import AT

SPAN = timedelta(hours=24)


def test_each_kind_has_its_time_and_others_have_none() -> None:
    """In minutes, hours or days."""
    due = Due.read("subject=24h, incident=30m,access=2d")
    kinds: tuple[Kind, ...] = ("subject", "incident", "access", "cluster")
    assert [due.seconds(each, of_kind(each)) for each in kinds] == [86_400, 1_800, 172_800, None]
    assert Due.read("none").spans == {}


@pytest.mark.parametrize(
    "text", ["", "subject", "subject=0h", "subject=24", "person=24h", "subject=24h,", "none,subject=1h"]
)
def test_what_is_no_due_time_is_refused(text: str) -> None:
    """It says what would be right."""
    with pytest.raises(ValueError, match="subject=24h"):
        Due.read(text)


@given(st.lists(st.tuples(st.integers(0, 600), st.none() | st.integers(1, 600)), max_size=30))
def test_the_time_that_a_case_rests_does_not_count(acts: list[tuple[int, int | None]]) -> None:
    """However often it is laid to rest, longer, shorter or no more: opened, plus its time, plus all of the rest."""
    now, due_at, until, slept = AT, AT + SPAN, None, timedelta(0)
    resting: datetime | None = None
    for minutes, length in acts:
        later = now + timedelta(minutes=minutes)
        if resting:
            slept += min(later, resting) - min(now, resting)
        now = later
        until = now + timedelta(minutes=length) if length else None
        due_at, resting = rested(due_at, resting, now, until), until
    if resting:
        slept += resting - now
    assert due_at == AT + SPAN + slept


def overdue(number: int, tenant: str = "acme", severity: str = "medium") -> Overdue:
    return Overdue(f"c-{number}", tenant, severity, AT)  # type: ignore[arg-type]


def test_a_tenant_is_told_once_of_all_that_is_overdue() -> None:
    """How many, how many of them grave, and none of their ids, whatever the order in which they were found."""
    found = [overdue(3), overdue(1, severity="high"), overdue(2, "other")]
    acme, other = alerts_of(found, AT)
    assert (acme.severity, acme.values) == ("critical", {"cases": 2.0, "grave": 1.0})
    assert (other.severity, other.values) == ("warning", {"cases": 1.0, "grave": 0.0})
    assert (
        acme.summary
        == "2 cases are past the due time, 1 of them grave (tenant acme): `proofwatch cases list --overdue`."
    )
    assert "c-1" not in acme.summary
    assert list(alerts_of(found[::-1], AT)) == [acme, other]
    assert len({each.alert_id for each in (acme, other, *alerts_of([overdue(4)], AT))}) == 3


def test_time_counts_in_working_hours() -> None:
    """Also of what rests: two working hours are left, over a weekend."""
    hours = Hours.read("Europe/Berlin Mon-Fri 08:00-18:00")
    due = Due.read("subject=4h", hours)
    friday, monday = (datetime.fromisoformat(f"2026-03-{day}T16:00+01:00") for day in ("06", "09"))
    opened = due.at("subject", "subject_suspicion", friday)
    assert opened == datetime.fromisoformat("2026-03-09T10:00+01:00")
    assert due.at("incident", "incident_review", friday) is None
    assert rested(opened, None, friday, monday, hours) == datetime.fromisoformat("2026-03-10T10:00+01:00")
    with pytest.raises(ValueError, match="more than is worked in ten years"):
        Due.read("subject=9999d", hours)
