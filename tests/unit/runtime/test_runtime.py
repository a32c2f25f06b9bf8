"""Clocks, settings and logs behave the same in every process."""

import pytest

from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.logging import withhold
from proofwatch.runtime.settings import Settings


def test_a_simulated_clock_never_goes_back() -> None:
    """Records out of order do not turn time round."""
    clock = SimulatedClock(10)
    clock.advance_to(30)
    clock.advance_to(20)
    assert clock.now_ms() == 30


def test_subject_data_never_reaches_a_log_line() -> None:
    """A field that must not be logged is withheld by name, whoever passes it."""
    event = withhold(None, "info", {"event": "decided", "subject_ref": "s-1", "imagery_ref": "s3://x", "offset": 3})
    assert event == {"event": "decided", "subject_ref": "[withheld]", "imagery_ref": "[withheld]", "offset": 3}


def test_a_bad_setting_stops_the_start_and_names_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every bad variable is named, with what would be right."""
    monkeypatch.setenv("PROOFWATCH_HEALTH_PORT", "99999")
    monkeypatch.setenv("PROOFWATCH_LOG_LEVEL", "loud")
    with pytest.raises(SystemExit, match="2"):
        Settings.read()
    said = capsys.readouterr().err
    assert "PROOFWATCH_HEALTH_PORT: input should be less than or equal to 65535" in said
    assert "PROOFWATCH_LOG_LEVEL: input should be 'debug', 'info', 'warning' or 'error'" in said
