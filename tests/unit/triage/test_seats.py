"""Where news wait for one who listens."""

import json
from datetime import UTC, datetime

import msgspec

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.triage.adapters.seats import Seat
from services.triage.api.cursors import place_of
from services.triage.api.stream import framed
from services.triage.core.news import Changed, News, Place

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
WAIT_S = 0.0


def session(*roles: Role, tenants: tuple[str, ...] | None = None) -> Session:
    return Session("s", "p", None if tenants is None else frozenset(tenants), frozenset(roles), AT, AT, AT)


def changed(number: int, **given: str) -> tuple[Changed, bytes]:
    news = News(f"c{number}", "1.1", "acme", "soc", "open", "new", None, AT)
    return Changed(Place(number, f"c{number}"), msgspec.structs.replace(news, **given)), b"%d" % number


async def taken(seat: Seat) -> tuple[list[bytes], Place]:
    found, settled = await seat.taken(WAIT_S)
    return [each.sent for each in found], settled


async def test_what_is_told_is_taken_once_in_its_order() -> None:
    seat = Seat("t", session(Role.ANALYST))
    seat.tell([changed(1), changed(2)], Place(2, "~"))
    seat.tell([changed(3)], Place(3, "~"))
    assert await taken(seat) == ([b"1", b"2", b"3"], Place(3, "~"))
    assert await taken(seat) == ([], Place(3, "~"))


async def test_what_is_not_there_for_somebody_does_not_wait_for_them() -> None:
    """Another tenant's, and for the Research Group what is not referred; how far all is told goes on all the same."""
    told = [changed(1), changed(2, tenant="bank"), changed(3, queue="research")]
    for asking, hears in (
        (session(Role.ANALYST), [b"1", b"2", b"3"]),
        (session(Role.CHECKER, tenants=("bank",)), [b"2"]),
        (session(Role.RESEARCHER), [b"3"]),
        (session(Role.RESEARCHER, tenants=("bank",)), []),
        (session(Role.ADMIN), []),
    ):
        seat = Seat("t", asking)
        seat.tell(told, Place(9, "~"))
        assert await taken(seat) == (hears, Place(9, "~"))


async def test_who_takes_too_little_is_sent_away_and_nothing_of_it_waits() -> None:
    """As many as may wait do; one more ends it, by a word, whatever comes then."""
    seat = Seat("t", session(Role.ANALYST), most=3)
    seat.tell([changed(1), changed(2), changed(3)], Place(3, "~"))
    assert (await taken(seat))[0] == [b"1", b"2", b"3"]
    seat.tell([changed(1), changed(2), changed(3)], Place(3, "~"))
    seat.tell([changed(4)], Place(4, "~"))
    seat.tell([changed(5)], Place(5, "~"))
    seat.end("stopping")
    assert (seat.ended, (await taken(seat))[0]) == ("too_slow", [])


def test_an_event_says_ids_versions_and_how_a_case_stands() -> None:
    """In one line, whatever is in it: a line break would be another field."""
    each, _ = changed(7, case_id="c\n7", tenant="a\r\nb")
    lines = framed(*each).decode().split("\n")
    assert lines[1:2] + lines[3:] == ["event: case", "", ""]
    assert place_of(lines[0].removeprefix("id: ")) == Place(7, "c7")
    assert json.loads(lines[2].removeprefix("data: ")) == {
        "case_id": "c\n7", "version": "1.1", "tenant": "a\r\nb", "queue": "soc", "state": "open", "stage": "new",
        "part_of": None, "opened_at": "2026-03-02T09:00:00Z",
    }  # fmt: skip
