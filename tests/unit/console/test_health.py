"""How processes are, in a sentence, and since when triage is behind."""

from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.runtime.clock import SimulatedClock
from services.console.api import Health, Process
from services.console.pages.health import LONG, in_a_sentence, is_behind
from services.console.watched import Watched

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def process(name: str, *, ready: bool | None) -> Process:
    return Process(name=name, ready=ready, reasons=[], since=None, asked_at=None)


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        ([True], "The process works."),
        ([True, True], "All 2 processes work."),
        ([True, False], "1 of 2 do not work: p1."),
        ([None, True], "Nobody knows yet of p0."),
        ([False, None, False], "2 of 3 do not work: p0, p2. Nobody knows yet of p1."),
    ],
)
def test_processes_in_a_sentence(ready: list[bool | None], said: str) -> None:
    assert in_a_sentence([process(f"p{at}", ready=each) for at, each in enumerate(ready)]) == said


def test_triage_is_behind_after_so_long_and_never_before_it_has_begun() -> None:
    def behind(read_until: datetime | None) -> bool:
        return is_behind(Health(processes=[], read_until=read_until), NOW)

    assert [behind(each) for each in (None, NOW - LONG, NOW - LONG - timedelta(seconds=1))] == [False, False, True]


def test_before_it_was_asked_nobody_knows() -> None:
    found = Watched({"triage": "http://triage:8080"}, SimulatedClock()).found["triage"]
    assert (found.ready, found.reasons, found.since, found.asked_at) == (None, ["it was not asked yet"], None, None)
