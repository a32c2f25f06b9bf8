"""What suspicions have in common, and the cases that come of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofwatch.events.types import Device, Slice, Timings
from services.triage.core.cases import advance
from services.triage.core.clusters import AT_LEAST, By, Grown, opening
from services.triage.core.traits import scope_of, traits_of
from tests.unit.triage.events import AT, ended, incident, merged, suspicion

SECRET = bytes(range(32))
A_1801 = Slice(segment_name="device_model", segment_value="A-1801")


def marks(**given: Any) -> dict[str, str]:
    return {each.kind: each.mark for each in traits_of(suspicion(1, **given), SECRET)}


def test_a_suspicion_that_says_nothing_has_nothing_in_common() -> None:
    """Absent is not equal."""
    assert marks() == {}
    assert marks(device=Device(), timings=Timings()) == {}
    assert marks(timings=Timings(capture_ms=1.0)) == {}


@pytest.mark.parametrize(
    "given",
    [
        {"imagery_sha256": "AB" * 32},
        {"device": Device(ref="d-1")},
        {"device": Device(model="A-1801")},
        {"device": Device(os="android")},
        {"device": Device(sdk_version="11.2.0")},
        {"pattern_id": "mask-7"},
        {"timings": Timings(capture_ms=1800.0, upload_ms=320.0)},
    ],
)
def test_the_same_is_the_same_mark_for_one_tenant_and_says_nothing(given: dict[str, Any]) -> None:
    """Another tenant's is another, so is another secret's; and the mark does not contain what it is of."""
    [(kind, mark)] = marks(**given).items()
    assert marks(**given, subject_ref="s-2") == {kind: mark}
    assert marks(**given, tenant="bank") != {kind: mark}
    assert [each.mark for each in traits_of(suspicion(1, **given), bytes(32))] != [mark]
    assert len(mark) == 32


def test_durations_are_those_of_the_handset_to_the_millisecond() -> None:
    """What our own servers took says nothing; the digest of a picture has no case."""
    first = marks(timings=Timings(capture_ms=1800.2, upload_ms=320.0, match_ms=90.0))
    assert first == marks(timings=Timings(capture_ms=1799.8, upload_ms=320.4, match_ms=70.0))
    assert first != marks(timings=Timings(capture_ms=1801.0, upload_ms=320.0, match_ms=90.0))
    assert marks(imagery_sha256="AB" * 32) == marks(imagery_sha256="ab" * 32)


def test_an_alarm_is_of_a_slice_of_handsets_alone() -> None:
    """Neither of the whole tenant, nor of people, nor of weak evidence."""
    scope = scope_of(incident(1, root=(A_1801,)), SECRET)
    assert scope is not None
    assert scope.marks == (marks(device=Device(model="A-1801"))["device_model"],)
    assert (scope.since, scope.until) == (AT, None)
    of_people = Slice(segment_name="country", segment_value="RO")
    for given in ({}, {"root": (of_people,)}, {"root": (A_1801, of_people)}, {"root": (A_1801,), "severity": "low"}):
        assert scope_of(incident(1, **given), SECRET) is None
    assert scope_of(incident(1, root=(A_1801,), evidence="weak"), SECRET) is None


def test_an_alarm_is_over_when_it_ended_or_became_a_part_of_another() -> None:
    """What is logged later of that time still belongs to it."""
    over = scope_of(ended(2, root=(A_1801,), until=AT + timedelta(hours=1)), SECRET)
    gone = scope_of(merged(2, root=(A_1801,)), SECRET)
    assert over is not None
    assert gone is not None
    assert over.until == AT + timedelta(hours=1)
    assert gone.until == merged(2).window_end


@pytest.mark.parametrize("by", AT_LEAST)
def test_a_cluster_is_a_grave_case_that_says_by_what(by: By) -> None:
    """Its id follows from what its members have in common and the day, so that a replay gives the same."""
    grown = Grown(by, "acme", "0" * 32, AT.date(), AT, "mask-7" if by == "pattern" else None)
    case, _, told, _ = advance(None, opening(grown), AT, escalate_at_reasons=3)
    assert case is not None
    assert told is not None
    assert (case.case_id, case.kind, case.state, case.severity) == (grown.case_id, "cluster", "escalated", "high")
    assert told.reasons[0].code == (f"cluster_{by}.mask-7" if by == "pattern" else f"cluster_{by}")
    assert told.reasons[0].evidence == {"at_least": AT_LEAST[by]}
    others = grown._replace(tenant="bank"), grown._replace(day=datetime(2026, 1, 2, tzinfo=UTC).date())
    assert len({grown.case_id, *(each.case_id for each in others)}) == 3
