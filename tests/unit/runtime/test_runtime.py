"""Clocks, settings and logs behave the same in every process."""

import pytest

from proofwatch.bus.lanes.settings import IDLE_LONG_S, IDLE_S, LaneSettings
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
    monkeypatch.setenv("PROOFWATCH_TIME_AHEAD_SECONDS", "0")
    with pytest.raises(SystemExit, match="2"):
        Settings.read()
    said = capsys.readouterr().err
    assert "PROOFWATCH_HEALTH_PORT: input should be less than or equal to 65535" in said
    assert "PROOFWATCH_TIME_AHEAD_SECONDS: input should be greater than or equal to 10" in said
    assert "PROOFWATCH_LOG_LEVEL: input should be 'debug', 'info', 'warning' or 'error'" in said


def test_an_unknown_variable_stops_the_start_and_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing mistake is no silent default; what another service reads is no mistake, nor is an empty variable."""
    monkeypatch.setenv("PROOFWATCH_KAFKA_BOOTSTARP", "kafka:9092")
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", "another service's")
    monkeypatch.setenv("PROOFWATCH_NOTHING", "")
    with pytest.raises(SystemExit, match="2"):
        Settings.read()
    assert capsys.readouterr().err == (
        "PROOFWATCH_KAFKA_BOOTSTARP: there is no such setting; the nearest is PROOFWATCH_KAFKA_BOOTSTRAP "
        "(.env.example lists all)\n"
    )


def test_an_empty_variable_is_unset_and_a_level_may_be_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose and Helm write `X=` for what is not set; other programs take INFO."""
    monkeypatch.setenv("PROOFWATCH_HEALTH_PORT", "")
    monkeypatch.setenv("PROOFWATCH_POLICY_FILE", "")
    monkeypatch.setenv("PROOFWATCH_LOG_LEVEL", "WARNING")
    settings = Settings.read()
    assert settings.health_port == 8080
    assert settings.policy_file is None
    assert settings.log_level == "warning"


def test_how_often_an_idle_lane_looks_is_the_services_choice_unless_it_is_said() -> None:
    """Only where nothing waits for it is it seldom."""
    assert LaneSettings.of(Settings()).idle_s == IDLE_S
    assert LaneSettings.of(Settings(), idle_s=IDLE_LONG_S).idle_s == IDLE_LONG_S
    assert LaneSettings.of(Settings(idle_seconds=0.25), idle_s=IDLE_LONG_S).idle_s == 0.25
