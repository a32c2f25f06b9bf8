"""Runs that are kept as they end: none is played twice, and none of other code counts."""

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios import parts
from tests.scenarios.entries import ENTRIES, How
from tests.scenarios.measure import Outcome
from tests.scenarios.parts import Playing

LABELS = next(each for each in ENTRIES if each.name == "labels_2_days")
QUICK = How(quick=True)


def outcomes(home: Path, processes: int = 1) -> tuple[list[Outcome], int]:
    """Return what came of a small scenario, and how many days were watched for it."""
    ticks: list[int] = []
    with Playing(QUICK, home, processes, ticks.append) as playing:
        left = playing.days(LABELS)
        playing.start([LABELS])
        found = playing.outcomes(LABELS)
    assert sum(ticks) == left
    return found, left


def test_what_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    first, watched = outcomes(tmp_path)
    assert (len(first), watched) == (2, 240)
    assert outcomes(tmp_path) == (first, 0)
    next(tmp_path.rglob("1.json")).unlink()
    assert outcomes(tmp_path) == (first, 120)


def test_processes_side_by_side_come_to_the_same(tmp_path: Path) -> None:
    assert outcomes(tmp_path / "two", 2) == outcomes(tmp_path / "one")


def test_a_run_of_other_code_is_not_taken_for_one_of_this(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(tmp_path)
    before = parts.digest(("tests.scenarios.labelled",))
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda file: read(file) + b"#" * (file.name == "judging.py"))
    parts.digest.cache_clear()
    try:
        assert parts.digest(("tests.scenarios.labelled",)) != before
        assert outcomes(tmp_path)[1] == 240
    finally:
        parts.digest.cache_clear()


def test_what_there_is_can_be_taken_without_playing(tmp_path: Path) -> None:
    def never(*_: Any) -> None:
        raise AssertionError

    first, _ = outcomes(tmp_path)
    with Playing(QUICK, tmp_path, 1, never) as playing:
        assert playing.found(LABELS) == first
        assert playing.found(next(each for each in ENTRIES if each.name == "null")) == []
