"""Rows of files as people have them: what they say, and why they are refused."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from proofwatch.scorefile.advice import advice
from proofwatch.scorefile.mapping import Mapping, load_mapping
from proofwatch.scorefile.reader import Reading
from proofwatch.scorefile.trials import truth_of
from proofwatch.tabular import TableError, open_table
from tests.unit.scorefile.files import readings


def saved(tmp_path: Path, text: str | bytes, name: str = "scores.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def match_scores(found: list[Reading]) -> list[float | None]:
    return [reading.scores.get("match_score") for reading in found if not reading.refused]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "match_score,pair\n0.97,genuine\n"),
        ("a.csv", "match_score;pair\n0,97;genuine\n"),
        ("a.tsv", "match_score\tpair\n0,97\tgenuine\n"),
        ("a.txt", "match_score|pair\n0.97|genuine\n"),
        ("a.csv", "sep=;\nmatch_score;pair\n0,97;genuine\n"),
        ("a.csv", "\ufeffmatch_score,pair\r\n0.97,genuine\r\n"),
        ("a.csv", ",match_score,pair\n0,0.97,genuine\n"),
        ("a.csv", '"match_score","note","pair"\n"0.97","two\nlines; and more;;;",genuine\n'),
        ("a.csv", "match_score,pair\n0.97,genuine\n".encode("utf-16")),
        ("a.csv.gz", gzip.compress(b"match_score,pair\n0.97,genuine\n", mtime=0)),
        ("a.csv", gzip.compress(b"match_score,pair\n0.97,genuine\n", mtime=0)),
        ("a.jsonl", '{"match_score": 0.97, "pair": "genuine", "tags": ["x"]}\n'),
        ("a.ndjson.gz", gzip.compress(b'{"match_score": "0.97", "pair": "genuine"}\n', mtime=0)),
        ("a.jsonl", '{"match_score": 0.97, "pair": "genuine"}\n'.encode("utf-16")),
    ],
)
def test_one_row_however_it_was_saved(tmp_path: Path, name: str, content: str | bytes) -> None:
    """Separators, encodings, packing, quoting and row numbers in a column without a name make no difference."""
    (reading,), outcome = readings(saved(tmp_path, content, name))
    assert (reading.scores["match_score"], reading.pair, outcome.sentence()) == (0.97, "genuine", None)


@pytest.mark.parametrize(
    ("mapping", "written", "scores"),
    [
        ({}, ["1.0000001", "-0.0000001", "0.5"], [1.0, 0.0, 0.5]),
        ({"scale": {"match_score": [0, 100]}}, ["85.1", "99.5", "100", "0", "97.5%"], [0.851, 0.995, 1.0, 0.0, 0.975]),
        ({"scale": 100}, ["85.1"], [0.851]),
        ({"scale": [-1, 1]}, ["-1", "0.7", "1.0000001"], [0.0, 0.85, 1.0]),
        ({"lower_is_better": ["match_score"]}, ["0.2", "0", "1"], [0.8, 1.0, 0.0]),
        ({"lower_is_better": True, "scale": [0, 2]}, ["0.5", "2"], [0.75, 0.0]),
        ({"decimal": ","}, ['"0,97"', "0.97"], [0.97, 0.97]),
        ({"missing_values": [-1, 9999, "none seen"]}, ["-1", "-1.0", "9999", "none seen", "0.5"], [None] * 4 + [0.5]),
        ({"missing_values": {"match_score": "NaN"}}, ["NaN", "nan", "-nan", "0.5"], [None, None, None, 0.5]),
        ({"missing_values": ["NaN", "inf", "-inf"]}, ["NAN", "Infinity", "-INF", "0.5"], [None, None, None, 0.5]),
        ({}, ["NA", "n/a", "null", "None", "-", "0.5"], [None] * 5 + [0.5]),
    ],
)
def test_a_mapping_says_how_scores_are_read(
    tmp_path: Path, mapping: dict[str, Any], written: list[str], scores: list[float | None]
) -> None:
    """Scale, direction, missing values and decimal comma; the nearest float of the exact decimal."""
    path = saved(tmp_path, "match_score,pair\n" + "".join(f"{cell},genuine\n" for cell in written))
    found, outcome = readings(path, **mapping)
    assert match_scores(found) == scores
    assert outcome.sentence() is None


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["97.2", "12.5"], "`scale: {match_score: [0, 100]}` if these are percent"),
        (["-0.5", "0.7"], "`scale: {match_score: [-1, 1]}` if these are cosine"),
        (["-7.5", "130"], "`scale: {match_score: [lowest, highest]}`"),
        (["-1", "0.5", "0.7"], "`missing_values: {match_score: [-1]}` if -1 means that there is no score"),
        (["9999", "-1", "0.7"], "`missing_values: {match_score: [-1, 9999]}`"),
        (["97%", "12%"], "`scale: {match_score: [0, 100]}` for percent"),
        (['"0,97"', '"0,5"'], '`decimal: ","` for the decimal comma'),
        (["NaN"], "`missing_values: {match_score: [NaN, inf, -inf]}`"),
        (["1.2"] * 20, "`lower_is_better: [match_score]` for distances"),
    ],
)
def test_what_cannot_be_read_comes_with_what_to_change(tmp_path: Path, cells: list[str], says: str) -> None:
    """One sentence: how many, why, an example's line, and what the mapping has to say."""
    bad = "".join(f"{cell},impostor\n" for cell in cells)
    path = saved(tmp_path, f"match_score,pair\n{bad}" + "0.1,genuine\n" * 10)
    _, outcome = readings(path)
    said = outcome.sentence() or ""
    assert outcome.too_much
    assert says in said
    assert said.startswith("scores.csv: ")
    assert "such as line 2)" in said
    assert "\n" not in said


def test_what_to_change_names_every_key_once(tmp_path: Path) -> None:
    """YAML takes no key twice: sentinels and NaN, of both scores, stand under one; and the mapping then reads all."""
    bad = "-1,0.9,Mine,bona_fide\nNaN,0.9,Mine,bona_fide\n0.9,nan,genuine,X\n0.9,inf,genuine,X\n"
    good = "0.9,0.9,genuine,bona_fide\n" * 20
    path = saved(tmp_path, f"match_score,liveness_score,pair,presentation\n{bad}{good}")
    _, outcome = readings(path)
    said = advice(outcome.account, outcome.rows, outcome.labels)
    keys = re.findall(r"`(\w+): ", " ".join(said))
    assert sorted(keys) == ["missing_values", "values"]
    lines = [change.split("`")[1].replace("theirs: genuine|impostor", "Mine: genuine") for change in said]
    (tmp_path / "map.yaml").write_text("\n".join(lines).replace("theirs: bona_fide|attack", "X: attack"))
    _, again = readings(path, **load_mapping(tmp_path / "map.yaml").model_dump())
    assert again.sentence() is None


@pytest.mark.parametrize(
    ("column", "written", "word"),
    [
        ("pair", "Genuine", "genuine"), ("pair", "MATED", "genuine"), ("pair", "non-mated", "impostor"),
        ("pair", "Impostor", "impostor"), ("presentation", "bona-fide", "bona_fide"),
        ("presentation", "LIVE", "bona_fide"), ("presentation", "real", "bona_fide"),
        ("presentation", "spoof", "attack"), ("presentation", "Attack", "attack"),
    ],
)  # fmt: skip
def test_common_spellings_of_the_truth_are_read_and_said(tmp_path: Path, column: str, written: str, word: str) -> None:
    """Whatever case, hyphens and blanks."""
    score = "match_score" if column == "pair" else "liveness_score"
    (reading,), outcome = readings(saved(tmp_path, f"{score},{column}\n0.9, {written}\n"))
    assert getattr(reading, column) == word
    assert f"{column}: 1 row spell" in " ".join(outcome.notes())


@pytest.mark.parametrize("written", ["1", "0", "true", "False", "yes", "cat"])
def test_a_truth_that_says_nothing_by_itself_is_refused_until_the_mapping_says_it(tmp_path: Path, written: str) -> None:
    """1 is genuine in one file and fraud in another."""
    path = saved(tmp_path, f"match_score,pair\n0.9,{written}\n")
    (reading,), outcome = readings(path)
    assert (reading.pair, reading.refused) == (None, None)
    assert outcome.too_much
    assert "1 of 1 labels were refused: pair is " in (outcome.sentence() or "")
    assert "`values: {pair: {theirs: genuine|impostor}}`" in (outcome.sentence() or "")
    (reading,), outcome = readings(path, values={"pair": {written.upper(): "impostor"}})
    assert (reading.pair, outcome.sentence()) == ("impostor", None)


def test_yaml_reads_1_and_true_for_what_they_look_like_and_so_do_we(tmp_path: Path) -> None:
    """A mapping may name 1 and true without quotes."""
    path = saved(tmp_path, "match_score,pair\n0.9,true\n0.8,False\n0.7,1\n0.7,skip\n")
    found, _ = readings(path, values={"pair": {True: "genuine", False: "impostor", "1": "genuine", "skip": None}})
    assert [reading.pair for reading in found] == ["genuine", "impostor", "genuine", None]
    (reading, *_), _ = readings(path, values={"pair": {1.5: "genuine", 0: "impostor"}})
    assert reading.pair is None


def test_groups_that_look_alike_are_named_by_line(tmp_path: Path) -> None:
    """Full width, Cyrillic letters and case: counted as they are, and said. Trailing blanks make no difference."""
    rows = ["female", "female ", "\uff46emale", "Female", "f\u0435male", "male"]
    path = saved(tmp_path, "match_score,sex\n" + "".join(f"0.9,{sex}\n" for sex in rows))
    found, outcome = readings(path)
    assert len({reading.groups["sex"] for reading in found}) == 5
    (note,) = outcome.notes()
    assert "sex: values that look alike count as different groups (lines 2, 4, 5, 6)" in note
    words = {"female": "f", "\uff46emale": "f", "f\u0435male": "f"}
    found, outcome = readings(path, values={"sex": words})
    assert [reading.groups["sex"] for reading in found] == ["f"] * 5 + ["male"]
    assert outcome.notes() == []


def test_one_text_in_two_unicode_forms_is_one_group(tmp_path: Path) -> None:
    """Composed or decomposed, and whatever invisible characters stand around it."""
    path = saved(tmp_path, "match_score,country\n0.9,R\u00e9union\n0.9,\u200bRe\u0301union\n")
    found, _ = readings(path)
    assert {reading.groups["country"] for reading in found} == {"R\u00e9union"}


def test_species_have_one_form_wherever_they_are_counted(tmp_path: Path) -> None:
    """Blank, NA and the like are unknown; long ones end where labels end, and that is said."""
    rows = ["mask", "NA", "", "x" * 80, "x" * 70]
    path = saved(tmp_path, "liveness_score,presentation,pai_species\n" + "".join(f"0.9,attack,{s}\n" for s in rows))
    found, outcome = readings(path)
    assert [reading.species for reading in found] == ["mask", None, None, "x" * 64, "x" * 64]
    assert "pai_species: 2 are too long" in outcome.notes()[0]


def test_a_time_that_cannot_be_read_costs_the_transaction_and_is_told(tmp_path: Path) -> None:
    """A blank one too, where other rows have times."""
    path = saved(tmp_path, "match_score,occurred_at\n0.9,2026-03-04T00:00:00Z\n0.9,2026-W10\n0.9,\n")
    found, outcome = readings(path)
    assert [bool(reading.unfit) for reading in found] == [False, True, True]
    assert "occurred_at is no ISO 8601 time (1 row, such as line 3)" in (outcome.sentence() or "")
    assert "occurred_at is blank, where other rows have a time (1 row, such as line 4)" in (outcome.sentence() or "")
    assert "`time_format: …` (iso, epoch_s, epoch_ms" in (outcome.sentence() or "")


def test_giant_cells_in_other_columns_are_not_read_and_in_ours_cost_the_row(tmp_path: Path) -> None:
    """Imagery in a score file stops nothing."""
    image = "x" * 200_000
    path = saved(tmp_path, f"match_score,selfie,pair\n0.9,{image},genuine\n0.8,,genuine\n{image},,genuine\n")
    table = open_table(path)
    kept = list(table.rows({"match_score"}))
    assert [set(row.values) for row in kept] == [{"match_score"}] * 3
    assert table.giants == {"selfie": 1, "match_score": 1}
    found, outcome = readings(path)
    assert match_scores(found) == [0.9, 0.8]
    assert "match_score is longer than 131,072 characters (1 row, such as line 4)" in (outcome.sentence() or "")


def test_half_a_surrogate_pair_and_a_zero_byte_do_no_harm(tmp_path: Path) -> None:
    """No encoder takes the one, no database the other."""
    text = '{"match_score": 0.9, "sex": "\\ud800x"}\n{"match_score": 0.9, "transaction_id": "a\\u0000b"}\n'
    found, _ = readings(saved(tmp_path, text, "a.jsonl"))
    assert found[0].groups["sex"] == "\ufffdx"
    assert found[1].unfit is not None


def test_rows_of_another_width_name_the_decimal_comma(tmp_path: Path) -> None:
    """Which is what makes them so."""
    _, outcome = readings(saved(tmp_path, "match_score,pair\n0,97,genuine\n"))
    assert "a decimal comma too, needs quotes (1 row, such as line 2)" in (outcome.sentence() or "")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("0.9,genuine,t-7,secret", "has more cells than the header has columns, 3; a comma within a cell"),
        ("0.9,secret", "has fewer cells than the header has columns, 3; is it cut short?"),
        ('0.9,"secret"x,t-7', "has a quote in the wrong place"),
        ("secret", "has fewer cells"),
    ],
)
def test_a_broken_row_is_refused_with_its_line_and_stops_nothing(tmp_path: Path, broken: str, says: str) -> None:
    """The rows before and after it count; what it holds is not quoted."""
    text = f"match_score,pair,transaction_id\n0.9,genuine,a\n{broken}\n0.8,impostor,b\n"
    found, outcome = readings(saved(tmp_path, text))
    said = outcome.sentence() or ""
    assert [reading.refused is None for reading in found] == [True, False, True]
    assert found[1].cells == {}
    assert match_scores([found[0], found[2]]) == [0.9, 0.8]
    assert f"1 of 3 rows were refused: the row {says}" in said
    assert "such as line 3)" in said
    assert "secret" not in said
    assert "mapping" not in said


@pytest.mark.parametrize("broken", ['{"match_score": 0.7, "transaction_', "[1, 2]", "secret"])
def test_a_line_that_is_no_object_stops_nothing(tmp_path: Path, broken: str) -> None:
    """A log that is still written to ends in half a line."""
    found, outcome = readings(saved(tmp_path, f'{{"match_score": 0.9}}\n{broken}\n{{"match_score": 0.8}}\n', "a.jsonl"))
    assert match_scores([found[0], found[2]]) == [0.9, 0.8]
    assert "1 of 3 rows were refused: the row is not " in (outcome.sentence() or "")
    assert "secret" not in (outcome.sentence() or "")


def test_a_file_of_which_no_line_is_an_object_is_no_table(tmp_path: Path) -> None:
    """It is said at once, with the first line."""
    with pytest.raises(TableError, match="line 2: is not JSON; write one object per line"):
        open_table(saved(tmp_path, "\nmatch_score\n0.9\n", "a.jsonl"))


def test_a_quote_that_never_ends_stops_the_file(tmp_path: Path) -> None:
    """It has swallowed all rows that come after it; where it begins is said."""
    with pytest.raises(TableError, match=r"line 3: is not CSV .*check its quotes"):
        readings(saved(tmp_path, 'match_score,pair\n0.9,genuine\n"0.9,genuine\n0.8,genuine\n0.7,genuine\n'))


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"scale": {"match_score": [1, 1]}}, "must be the ends of the scale"),
        ({"scale": {"match_scores": [0, 1]}}, "match_scores"),
        ({"scale": "high"}, "must be the ends of the scale"),
        ({"values": {"pair": {"1": "mated"}}}, "must become genuine or impostor"),
        ({"time_format": "epoch"}, "time_format must be"),
        ({"columns": {"a": "b"}, "colums": {}}, "colums"),
    ],
)
def test_a_mapping_that_cannot_hold_is_refused(mapping: dict[str, Any], says: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=says):
        Mapping.model_validate(mapping)


def test_an_injection_attack_is_told_by_its_class_its_presentation_or_its_species(tmp_path: Path) -> None:
    """A column `attack_class`, or the word in place of the attack; a misspelling costs the label, and is said."""
    rows = [
        "0.9,attack,mask,",
        "0.9,attack,mask,injection",
        "0.9,injection attack,api,",
        "0.9,spoof,virtual camera,NA",
        "0.9,attack,virtual camera,Presentation",
        "0.9,live,,none of this is read",
        "0.9,attack,mask,injecton",
    ]
    text = "liveness_score,presentation,pai_species,attack_class\n" + "".join(f"{row}\n" for row in rows)
    found, outcome = readings(saved(tmp_path, text))
    assert [(truth := truth_of(each)) and truth.presentation for each in found] == [
        "attack:mask", "injection:mask", "injection:api", "injection:virtual camera", "attack:virtual camera",
        "bona_fide", None,
    ]  # fmt: skip
    said = outcome.sentence()
    assert said is not None
    assert "attack_class is no spelling that is known (1 row, such as line 8)" in said
    assert "`values: {attack_class: {theirs: presentation|injection}}`" in said
