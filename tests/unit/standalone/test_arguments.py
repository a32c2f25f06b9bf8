"""Arguments of `replay` and `demo` that cannot be used."""

from pathlib import Path

import pytest

from proofwatch.scorefile.mapping import Mapping
from proofwatch.scorefile.trials import columns_of, scales_of
from proofwatch.tabular import open_table
from services.cli import main
from services.standalone.results import Results, Unwritable

ROWS = "match_score,pair\n0.9,genuine\n0.4,impostor\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--events", "1.5"], "--events: must be a whole number, at least 1"),
        (["demo", "--events", "0"], "--events: must be a whole number, at least 1"),
        (["replay", "a.csv", "--out", "o", "--start", "yesterday"], "--start: 'yesterday' is no ISO 8601 time such as"),
        (["replay", "a.csv", "--out", "o", "--rate", "fast"], "--rate: must be a number of rows a second"),
        (["replay", "a.csv", "--out", "o", "--rate", "nan"], "--rate: must be a number of rows a second"),
        (
            ["backtest", "--policy", "p", "--over", "a.csv", "--small-cell", "-1"],
            "--small-cell: must be a whole number",
        ),
    ],
)
def test_a_value_that_cannot_be_used_says_what_can(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the name of a function."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert said in message
    assert "invalid _" not in message


def test_results_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    """The directory is a file."""
    (tmp_path / "out").write_text("")
    with pytest.raises(Unwritable, match=r"out: cannot be written to \(File exists\); give another directory"):
        Results(tmp_path / "out")


@pytest.mark.parametrize(("threshold", "said"), [(120.0, "above"), (20.0, "below"), (None, "")])
def test_a_threshold_beyond_every_score_is_told(tmp_path: Path, threshold: float | None, said: str) -> None:
    """Nothing would be accepted, or everything; it may be meant. One of another scale is refused (test_units)."""
    path = tmp_path / "a.csv"
    path.write_text("match_score,pair\n90,genuine\n40,impostor\n")
    table = open_table(path)
    given = {"match_score": threshold, "liveness_score": None}
    scaled = scales_of(table, columns_of(table, Mapping()), Mapping(), given, 0.01)  # type: ignore[arg-type]
    assert any(f"lies {said} every score of the file" in line for line in scaled.said) == bool(said)
