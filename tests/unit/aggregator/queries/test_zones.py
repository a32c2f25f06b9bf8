"""Spans are read, and tables written, by the tenant's clock; what programs read stays in UTC."""

import json
from pathlib import Path

import pytest

from services.aggregator.queries.arguments import zone_notes
from services.cli import main
from tests.unit.aggregator.queries.runs import TENANT, shots, windows, write_run

WINDOWS = windows(shots(200, 3), small_cell=10)
DAY = WINDOWS[0].start.date()


def asked(run: Path, capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str]:
    code = main(["windows", "--tenant", TENANT, "--run", str(run), *typed])
    written = capsys.readouterr()
    return code, written.out + written.err


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run whose tenants live in Kolkata."""
    folder = write_run(tmp_path / "run", WINDOWS)
    (folder / "summary.json").write_text(json.dumps({"calendar": {"time_zone": "Asia/Kolkata", "weekend": []}}))
    return folder


def test_a_date_is_the_tenant_s_and_how_it_was_read_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the run's zone, by another that is typed, by UTC where a run says nothing; a time with its zone by that."""
    assert f"asked for: since {DAY} 00:00 Asia/Kolkata (UTC+5:30)" in asked(run, capsys, "--since", f"{DAY}")[1]
    found = asked(run, capsys, "--since", f"{DAY}", "--time-zone", "Asia/Tokyo")[1]
    assert f"asked for: since {DAY} 00:00 Asia/Tokyo (UTC+9)" in found
    found = asked(run, capsys, "--since", f"{DAY}T00:00Z")[1]
    assert f"asked for: since {DAY} 05:30 Asia/Kolkata (UTC+5:30)" in found
    (run / "summary.json").unlink()
    assert f"asked for: since {DAY} 00:00 UTC\n" in asked(run, capsys, "--since", f"{DAY}")[1]


def test_tables_are_in_the_tenant_s_time_and_json_in_utc(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The zone stands at the head of the column."""
    code, table = asked(run, capsys)
    assert code == 0
    assert "window, Asia/Kolkata" in table
    rows = json.loads(asked(run, capsys, "--format", "json")[1].partition("\n}")[0] + "\n}")["rows"]
    assert all(each["start"].endswith("Z") for each in rows)
    assert ":35 " in table or ":30 " in table


def test_a_span_without_windows_is_told_in_the_same_time(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked for, and what there is."""
    code, said = asked(run, capsys, "--since", "2031-01-01")
    assert code == 2
    assert "since 2031-01-01 00:00 Asia/Kolkata (UTC+5:30); its windows reach from" in said


def test_a_run_that_is_not_finished_says_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures are those of what it published until now."""
    assert "not finished" not in asked(run, capsys)[1]
    (run / "summary.json").unlink()
    code, said = asked(run, capsys)
    assert code == 0
    assert "this run is not finished: it goes on, or was broken off (no summary.json)" in said


def test_the_database_s_clock_is_said_where_nobody_named_one() -> None:
    """Tenants' settings are in no table."""
    assert zone_notes("Asia/Kolkata") == []
    assert zone_notes(None)[0].startswith("times are UTC: the database knows no tenant's time zone; name it with")
