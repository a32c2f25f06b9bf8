"""The bench itself: it finds what is planted by the detection code, counts what is false, and says when it fails."""

from typing import Any

import pytest

from services.aggregator.core import real_time
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.scenarios import watchers
from tests.scenarios.__main__ import main
from tests.scenarios.entries import ENTRIES, How, play
from tests.scenarios.figures import Met, figures, judged
from tests.scenarios.measure import Outcome
from tests.scenarios.parts import Playing
from tests.scenarios.targets import Target

BY_NAME = {each.name: each for each in ENTRIES}


def played(name: str) -> dict[str, Any]:
    entry = BY_NAME[name]
    runs = play(entry, How(quick=True), [0], lambda _: None)
    return figures([each.outcome for each in runs], planted=entry.planted)


def test_fail_open_is_told_within_minutes_as_one_incident_of_the_whole_tenant() -> None:
    """By the code of the services: nothing in this folder knows how it is found."""
    found = played("fail_open")
    assert found["high_90_s"] <= 300
    assert (found["incidents"], found["right"]) == (1, 1)
    assert {each.word for each in judged(BY_NAME["fail_open"].targets, found)} == {"PASS"}


def test_the_same_is_not_found_by_a_watch_without_the_detectors_of_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the bench can fail."""
    watch = MinuteWatch(watchers.MONITORING.real_time, [each for each in real_time.DETECTORS if each.rule == "volume"])
    monkeypatch.setattr(watchers, "MinuteWatch", lambda _: watch)
    found = played("fail_open")
    assert found["high_90_s"] is None or found["high_90_s"] > 300
    assert "FAIL" in {each.word for each in judged(BY_NAME["fail_open"].targets, found)}


def test_a_target_is_met_failed_or_known_to_fail() -> None:
    most = Target("false_highs_fleet_year", "most", 7.0)
    assert [Met(most, value).word for value in (7.0, 7.1, None)] == ["PASS", "FAIL", "FAIL"]
    assert Met(most._replace(known="2 x is still told"), 8.0).word == "FAIL (known)"
    assert Met(most, 0.0, 0.16).word == "not refuted in 0.16 tenant-years"
    assert Met(most, 0.0, 10.0).word == "PASS"
    assert Met(Target("right", "least", 0.95), 0.94).word == "FAIL"


def test_what_was_never_found_is_later_than_all_that_was() -> None:
    base = Outcome(1.0, 60.0, 60.0, {}, 1, True, 0.0, None, 0, 0, 0)
    found = figures([base, base._replace(high_s=None, right=None, incidents=0)], planted=True)
    assert (found["high_50_s"], found["high_90_s"], found["high_found"]) == (60.0, None, 0.5)
    assert (found["naive_50_s"], found["naive_found"]) == (None, 0.0)


@pytest.mark.parametrize(("right", "code"), [(1.0, 0), (0.5, 1)])
def test_a_failed_target_is_the_exit_code(
    right: float, code: int, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the page has what was printed."""
    found = [Outcome(120.0, 60.0, 60.0, {}, 1, right == 1.0, 0.0, None, 0, 0, 0)]
    monkeypatch.setattr(Playing, "outcomes", lambda _playing, _entry: found)
    arguments = ["--only", "labels_2_days", "--quick", "--processes", "1", "--date", "2026-11-26", "--out"]
    assert main([*arguments, str(tmp_path)]) == code
    assert ("FAIL" in capsys.readouterr().out) == bool(code)
    assert "| labels_2_days | right |" in (tmp_path / "scenarios-2026-11-26.md").read_text()
