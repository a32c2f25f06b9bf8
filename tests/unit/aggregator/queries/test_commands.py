"""The queries over the folder of a run: every format, and errors that say what would be right."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proofwatch.events.types import Window
from services.cli import main
from tests.unit.aggregator.queries.runs import START_MS, TENANT, shots, windows, write_run

SHOTS = shots(700, 11)
WINDOWS = windows(SHOTS, small_cell=10)
WHAT_IF = ("--liveness-threshold", "0.98")
QUERIES: tuple[tuple[str, ...], ...] = (("rates",), ("windows",), ("handsets",), ("what-if", *WHAT_IF))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    return write_run(tmp_path / "run", WINDOWS)


def ask(run: Path, *arguments: str, tenant: str = TENANT) -> int:
    return main([*arguments, "--tenant", tenant, "--run", str(run)])


@pytest.mark.parametrize("query", QUERIES, ids=lambda each: each[0])
def test_every_format_holds_the_same_rows(
    query: tuple[str, ...], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON and CSV hold the same numbers, as numbers; the table holds a line for each."""
    assert ask(run, *query, "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows
    assert ask(run, *query, "--format", "csv") == 0
    written = capsys.readouterr()
    read = list(csv.DictReader(io.StringIO(written.out)))
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        assert list(cells) == list(row)
        for name, value in row.items():
            if isinstance(value, (int, float)):
                assert float(cells[name]) == value
    assert "verdicts: closed windows" in written.err
    assert ask(run, *query) == 0
    assert len(capsys.readouterr().out.splitlines()) > min(len(rows), 20)


def test_a_name_is_never_a_formula(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A device may call itself anything."""
    assert ask(run, "handsets", "--format", "csv") == 0
    said = capsys.readouterr().out
    assert '"\'=C3"' in said
    assert '"=C3"' not in said


def test_rates_are_those_of_the_windows(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two days are the sum of two days: k and n of every labelled rate, its limit and coverage."""
    assert ask(run, "rates", "--format", "json") == 0
    rows = {row["metric"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    days = [each for each in WINDOWS if each.kind == "labelled" and each.segment_name is None]
    assert len(days) == 2
    for metric in ("fmr", "fnmr", "fta", "bpcer", "apcer:mask", "apcer:print"):
        figures = [next(f for f in day.figures if f.metric == metric) for day in days]
        assert (rows[metric]["k"], rows[metric]["n"]) == (
            sum(f.k or 0 for f in figures),
            sum(f.n or 0 for f in figures),
        )
        assert rows[metric]["limit"] == figures[0].limit
        assert rows[metric]["coverage"] == 1.0
    assert rows["rejection_rate"]["n"] == len(SHOTS)
    assert rows["rejection_rate"]["k"] == sum(shot.rejected for shot in SHOTS)


def test_a_restated_window_is_listed_once_with_its_newest_revision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run's file holds every revision; only the newest counts."""
    day = next(each for each in WINDOWS if each.length_s == 86_400 and each.kind == "decisions")
    older = Window(**{name: getattr(day, name) for name in day.__struct_fields__} | {"counts": {"transactions": 1}})
    newer = Window(**{name: getattr(day, name) for name in day.__struct_fields__} | {"revision": 2})
    run = write_run(tmp_path / "run", [older, newer])
    assert ask(run, "windows", "--length", "1d", "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["revision"], row["n"]) == (2, day.counts["transactions"])


def test_small_windows_of_a_segment_are_kept_back(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the product does: fewer than ten transactions of a value below a day are single people."""
    assert ask(run, "windows", "--segment", "device_model", "--format", "json") == 2
    assert ask(run, "windows", "--segment", "device_model=A-1", "--length", "1d", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["segment_value"] for row in rows} == {"A-1"}
    assert {row["kind"] for row in rows} == {"decisions", "labelled"}


def at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat()


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("rates",), "there are: kestrel-telecom"),
        (("rates", "--since", "2090-01-01"), "its windows reach from"),
        (("handsets", "--segment", "shoe_size"), "has no windows of shoe_size"),
        (("what-if",), "--liveness-threshold X or --match-threshold Y is needed"),
        (("rates", "--since", at(START_MS + 60_000), "--until", at(START_MS)), "--since must lie before --until"),
    ],
)
def test_an_error_says_what_would_be_right(
    arguments: tuple[str, ...], right: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 2, nothing on standard output."""
    tenant = "nobody" if arguments == ("rates",) else TENANT
    assert ask(run, *arguments, tenant=tenant) == 2
    said = capsys.readouterr()
    assert right in said.err
    assert said.err.startswith(f"proofwatch {arguments[0]}: ")
    assert said.out == ""


@pytest.mark.parametrize("command", [*QUERIES, ("markers",), ("baseline", "show")])
def test_the_database_is_not_asked_by_nobody(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks is on record; a run's folder is somebody's own. Nothing was connected to."""
    since = () if command[0] in ("markers", "baseline") else ("--since", "24h")
    assert main([*command, "--tenant", TENANT, *since]) == 2
    said = capsys.readouterr()
    assert "say who asks, it is on record" in said.err
    assert said.out == ""


def test_the_database_is_not_read_without_a_since(capsys: pytest.CaptureFixture[str]) -> None:
    """A year of windows by a slip of the hand."""
    assert main(["rates", "--tenant", TENANT]) == 2
    assert "--since is needed" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"{}\n", b"not json\n", None])
def test_what_is_no_run_is_refused_with_its_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file, the line, and what would be right."""
    if content is not None:
        (tmp_path / "windows.jsonl").write_bytes(content)
    assert ask(tmp_path, "rates") == 2
    assert "windows.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["2", "-0.1", "nan", "high"])
def test_a_threshold_is_a_score(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    """0..1, and a number."""
    with pytest.raises(SystemExit, match="2"):
        main(["what-if", "--tenant", TENANT, f"--liveness-threshold={given}"])
    assert "is no threshold; right is a score in 0..1" in capsys.readouterr().err


def test_attempts_grid_and_coverage_are_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the bounds do not know stands under them."""
    assert ask(run, "what-if", "--liveness-threshold", "0.98765", "--format", "json") == 0
    notes = " ".join(json.loads(capsys.readouterr().out)["notes"])
    for part in (
        "no edge of every sketch: low..high",
        "attempts are as they were",
        "are of what is labelled",
    ):
        assert part in notes
