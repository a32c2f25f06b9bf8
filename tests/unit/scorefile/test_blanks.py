"""A blank score beside one that is there: not requested, or asked for and not acquired. Never decided in silence."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from proofwatch.intake import Intake
from proofwatch.scorefile.blanks import blanks_of
from proofwatch.scorefile.guess import guess
from proofwatch.scorefile.mapping import SCORES, Mapping
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader
from proofwatch.scorefile.trials import columns_of
from proofwatch.tabular import open_table
from services.standalone.row_selection import intake_of

HEADER = "match_score,liveness_score,pair,presentation\n"


def read(tmp_path: Path, rows: list[str], header: str = HEADER, **said: Any) -> tuple[Intake, list[list[str]], str]:
    """Return the intake of a file, what each row was asked for, and the notes on it."""
    path = tmp_path / "a.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    table, mapping = open_table(path), Mapping.model_validate(said)
    columns = columns_of(table, mapping)
    scales = {name: mapping.scale_of(name) for name in SCORES}
    reader = Reader(columns, mapping, scales, blanks=blanks_of(table, columns, mapping, scales))
    intake = intake_of(reader, frozenset())
    asked = [intake.asked(reader.read(row).cells) for row in table.rows(columns.used)]
    return intake, asked, "\n".join(Outcome("a.csv", reader, 0.01).notes())


def test_a_score_that_most_rows_have_was_asked_for_where_it_is_blank(tmp_path: Path) -> None:
    """So a failure to acquire is one, is counted, and the other reading is offered."""
    _, asked, notes = read(tmp_path, [*["0.9,0.9,,"] * 3, "0.9,,,", "0.9,n/a,,"])
    assert asked == [["match", "liveness"]] * 5
    assert "liveness_score: 2 rows have a match score, and neither a liveness score nor a label" in notes
    assert "count as failures to acquire" in notes
    assert "3 rows have both" in notes
    assert "blank_scores: {liveness_score: not_requested}" in notes


def test_a_score_that_few_rows_have_was_not_asked_for_where_it_is_blank(tmp_path: Path) -> None:
    """Files put together of two kinds of rows stay what they were; that is said as well."""
    _, asked, notes = read(tmp_path, [*["0.9,,,"] * 3, *[",0.9,,"] * 2, "0.9,0.9,,"])
    assert asked == [*[["match"]] * 3, *[["liveness"]] * 2, ["match", "liveness"]]
    assert "liveness_score: 3 rows have a match score" in notes
    assert "match_score: 2 rows have a liveness score" in notes
    assert notes.count("count as not requested") == 2
    assert "blank_scores: {liveness_score: missing}" in notes


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"blank_scores": "missing"}, [["match", "liveness"], ["match", "liveness"]]),
        ({"blank_scores": {"liveness_score": "missing"}}, [["match", "liveness"], ["liveness"]]),
        ({"blank_scores": "not_requested"}, [["match"], []]),
    ],
)
def test_the_mapping_decides(tmp_path: Path, said: dict[str, Any], asked: list[list[str]]) -> None:
    """What it says holds whatever the others have, also of rows without any score."""
    _, found, notes = read(tmp_path, [*["0.9,0.9,,"] * 5, "0.9,,,", ",,,"], **said)
    assert found[5:] == asked
    assert "as the mapping file says" in notes


def test_a_known_truth_says_that_a_score_was_asked_for(tmp_path: Path) -> None:
    """Whatever the mapping says of the others; nothing is said of such rows."""
    _, asked, notes = read(tmp_path, ["0.9,0.9,,", "0.9,,,attack"], blank_scores="not_requested")
    assert asked[1] == ["match", "liveness"]
    assert notes == ""


def test_a_label_of_one_check_says_that_the_other_was_not_asked_for(tmp_path: Path) -> None:
    """A campaign of attacks on liveness alone is none on the whole system; nothing has to be said."""
    _, asked, notes = read(tmp_path, [*["0.9,0.9,,"] * 3, ",0.9,,attack"])
    assert asked[3] == ["liveness"]
    assert notes == ""


def test_a_row_of_blanks_says_nothing_by_itself(tmp_path: Path) -> None:
    """It is refused as before, which is said: an empty line at the end of a file is no failure to acquire."""
    _, asked, _ = read(tmp_path, [*["0.9,0.9,,"] * 3, ",,,"])
    assert asked[3] == []


def test_a_file_without_blanks_or_with_one_score_needs_no_word(tmp_path: Path) -> None:
    """Nothing is said where nothing is decided."""
    assert read(tmp_path, ["0.9,0.9,,"])[2] == ""
    assert read(tmp_path, ["0.9,genuine", ",genuine"], "match_score,pair\n")[2] == ""


def test_another_word_is_refused() -> None:
    """There are two readings."""
    with pytest.raises(ValidationError):
        Mapping.model_validate({"blank_scores": "zero"})


def test_a_drafted_mapping_offers_the_choice(tmp_path: Path) -> None:
    """As a comment: the file does not say it."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "0.9,0.9,,\n0.9,0.8,,\n0.9,,,\n")
    drafted = guess(open_table(path))
    assert "# blank_scores: {liveness_score: missing} # 1 with the other score only, 2 have both" in drafted
