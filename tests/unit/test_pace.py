"""Calls of each caller are counted for themselves, and come back as time goes by."""

import pytest

from proofwatch.web import pace
from proofwatch.web.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_so_many_at_once_and_then_as_they_come_back() -> None:
    """What was refused is not counted, so who waits as told is answered."""
    clock = Clock()
    asked = Pace(60, clock)
    assert [asked.wait_s("a") for _ in range(60)] == [0.0] * 60
    assert [asked.wait_s("a"), asked.wait_s("a")] == [1.0, 1.0]
    assert asked.wait_s("b") == 0, "another's calls are another's"
    clock.at += 1
    assert [asked.wait_s("a"), asked.wait_s("a")] == [0.0, 1.0]
    clock.at += 3_600
    assert [asked.wait_s("a") for _ in range(61)].count(0.0) == 60, "who was away has a minute's, not an hour's"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked longest ago is forgotten first."""
    monkeypatch.setattr(pace, "_MOST", 2)
    asked = Pace(1, Clock())
    assert [asked.wait_s(each) for each in "aba"] == [0.0, 0.0, 60.0]
    assert asked.wait_s("c") == 0
    assert asked.wait_s("a") == 60
    assert asked.wait_s("b") == 0, "forgotten"
