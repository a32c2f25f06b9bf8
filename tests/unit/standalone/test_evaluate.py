"""`proofwatch evaluate`: reading score tables, the figures of a file, the command line."""

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofwatch.biometrics.rates import Limits
from proofwatch.scorefile.outcome import Outcome
from proofwatch.tabular import TableError, open_table
from services.standalone import evaluate
from services.standalone.evaluate_table import evaluate_table

LIMITS = Limits(fmr=0.001, fnmr=0.03, apcer=0.005, bpcer=0.01)

CSV = """\
transaction_id,match_score,pair,liveness_score,presentation,pai_species,sex,batch
t1,0.91,genuine,0.999,bona_fide,,female,a
t2,0.42,genuine,0.2,bona_fide,,male,a
t3,,genuine,,bona_fide,,,b
t4,0.88,impostor,0.3,attack,print,,b
t5,0.10,impostor,0.996,attack,,,b
t6,0.70,,0.5,,,female,b
"""


def file(tmp_path: Path, text: str | bytes, name: str = "scores.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def evaluated(path: Path, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "match_threshold": 0.85,
        "liveness_threshold": 0.995,
        "limits": LIMITS,
        "min_trials": 1,
    }
    result: dict[str, Any] = msgspec.to_builtins(evaluate_table(open_table(path), **(options | changes)).evaluation)
    return result


def refused(path: Path, **changes: Any) -> Outcome:
    options: dict[str, Any] = {"match_threshold": 0.85, "liveness_threshold": 0.995, "limits": LIMITS, "min_trials": 1}
    return evaluate_table(open_table(path), **(options | changes)).outcome


def arguments(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proofwatch evaluate")
    evaluate.add_arguments(parser)
    return parser.parse_args(argv)


def counts(figure: dict[str, Any]) -> tuple[int, int]:
    return figure["k"], figure["n"]


def test_every_labelled_row_counts_for_what_it_is_labelled(tmp_path: Path) -> None:
    """Blanks are failures to acquire or non-responses where the label is set; rows without a label do not count."""
    result = evaluated(file(tmp_path, CSV))
    match, liveness = result["match"], result["liveness"]
    assert (match["n_genuine"], match["n_impostor"]) == (2, 2)
    assert [counts(match[name]) for name in ("fta", "fmr", "fnmr")] == [(1, 5), (1, 2), (1, 2)]
    assert (liveness["n_bona_fide"], liveness["n_attack"]) == (2, 2)
    assert [counts(liveness[name]) for name in ("bpcer", "bpnrr", "apnrr")] == [(1, 2), (1, 3), (0, 2)]
    assert {name: counts(f) for name, f in liveness["apcer_by_species"].items()} == {"print": (0, 1), "unknown": (1, 1)}
    assert liveness["apcer"]["worst_species"] == "print"


def test_built_in_segments_are_the_default_and_any_column_can_be_asked_for(tmp_path: Path) -> None:
    """`sex` is built in, `batch` is not; blank cells are `unlabelled`."""
    path = file(tmp_path, CSV)
    assert list(evaluated(path)["segments"]) == ["sex"]
    assert list(evaluated(path)["segments"]["sex"]) == ["female", "male", "unlabelled"]
    segments = evaluated(path, segments=["batch", "sex", "batch"])["segments"]
    assert list(segments) == ["batch", "sex"]
    assert counts(segments["batch"]["b"]["match"]["fta"]) == (1, 3)


def test_json_lines_give_the_same_figures(tmp_path: Path) -> None:
    """Keys may come and go, null and absent are blank."""
    lines = [
        '{"pair": "genuine", "match_score": 0.91}',
        '{"match_score": 42e-2, "pair": "genuine", "sex": "male"}',
        "",
        '{"match_score": null, "pair": "genuine"}',
        '{"match_score": "0.88", "pair": "impostor"}',
        '{"match_score": 0.1, "pair": " impostor "}',
    ]
    expected = evaluated(file(tmp_path, CSV))["match"]
    result = evaluated(file(tmp_path, "\n".join(lines), "scores.jsonl"))
    assert (result["match"], result["liveness"]) == (expected, None)
    assert list(result["segments"]["sex"]) == ["male", "unlabelled"]


def test_scores_of_any_range_are_taken(tmp_path: Path) -> None:
    """The offline figures do not know what range a vendor's scores have."""
    path = file(tmp_path, "match_score,pair\n-12.5,impostor\n1e3,genuine\n+37,genuine\n")
    match = evaluated(path, match_threshold="eer", own_range=("match_score",))["match"]
    assert (match["threshold"], match["eer"]["value"], match["auc"]["value"]) == (37.0, 0.0, 1.0)


def test_windows_files_are_read(tmp_path: Path) -> None:
    """A byte order mark, CR LF, quoted cells with line breaks and blanks around words do no harm."""
    text = '\ufeff match_score , pair,note\r\n 0.9 ,genuine,"two\nlines"\r\n\r\n0.1, impostor,\r\n'
    path = file(tmp_path, text)
    assert open_table(path).columns == ("match_score", "pair", "note")
    assert [row.line for row in open_table(path).rows()] == [2, 5]
    assert counts(evaluated(path)["match"]["fmr"]) == (0, 1)


@pytest.mark.parametrize(
    "wrong", ["word", "NaN", "inf", "-Infinity", "1_0", "0,9x", "0x1p3", "97%", "0,97", "1.5", "-0.1"]
)
def test_a_row_whose_score_cannot_be_judged_is_left_out_and_named_by_column_and_line(
    tmp_path: Path, wrong: str
) -> None:
    """The message says where and what would be right, and does not quote the cell."""
    path = file(tmp_path, f'pair,match_score\ngenuine,0.9\ngenuine,"{wrong}"\n')
    outcome = refused(path, cap=0.01)
    message = outcome.sentence() or ""
    assert outcome.too_much
    assert message.startswith(f"{path}: 1 of 2 rows were refused: match_score ")
    assert "(1 row, such as line 3)" in message
    assert f"{wrong} " not in message.replace("NaN or an infinity ", "")


@pytest.mark.parametrize("wrong", ["NaN", "-Infinity", '"word"'])
def test_json_lines_are_as_strict_with_scores(tmp_path: Path, wrong: str) -> None:
    """A literal NaN, which is not JSON, is still named by its column."""
    path = file(tmp_path, f'{{"pair": "genuine", "match_score": {wrong}}}\n', "scores.jsonl")
    with pytest.raises(TableError, match=r"1 of 1 rows were refused: match_score .*such as line 1\)"):
        evaluated(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: has no header"),
        ("match_score,pair,pair\n", "line 1, column pair: is named twice"),
        ("match_score,pair\n0.9\n", r"1 of 1 rows were refused: the row has fewer cells .*such as line 2\)"),
        (
            "match_score,pair\n0.9,genuine,x\n",
            r"the row has more cells than the header has columns, 2.*such as line 2\)",
        ),
        (
            "match_score,pair\n0.9,cat\n",
            r"1 of 1 labels were refused: pair is no spelling that is known \(1 row, such as",
        ),
        (
            "liveness_score,presentation\n0.9,1\n",
            "presentation is a yes or no, and does not say to what .*`values: {pres",
        ),
        ("a;b\n0.9;genuine\n", "has neither match_score nor liveness_score; found: a, b; say which .*mapping guess"),
        (b"match_score,pair\n".decode().encode("utf-16-le"), "is neither UTF-8 nor UTF-16 with a byte order mark"),
        (b"PK\x03\x04xxxx", "is an archive or a workbook, not text; export it as CSV"),
        (b"\x1f\x8bxxxx", "its gzip is broken or cut short"),
        ("match_score,presentation\n0.9,attack\n", "no usable column"),
        ("match_score,pair\n0.9,\n", "no row has a label; fill in the column pair"),
        ('match_score,pair\n"0.9,genuine\n', "line 2: is not CSV"),
        (b"match_score,pair\n0.9,genuine\n0.8,\xff\xfe\n", "line 3, byte 5: is not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    """A tired operator reads where to look and what to write."""
    with pytest.raises(TableError, match=message):
        evaluated(file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"pair": "genuine"\n', "line 1: is not JSON"),
        ("\n[1]\n", "line 2: is not a JSON object"),
        ("[" * 100_000, "line 1: is not JSON"),
    ],
)
def test_json_lines_that_are_no_flat_objects_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """One object of plain values per line."""
    with pytest.raises(TableError, match=message):
        open_table(file(tmp_path, text, "scores.jsonl"))


def test_a_missing_file_and_a_strange_suffix_are_refused(tmp_path: Path) -> None:
    """The message says which file and what is read."""
    with pytest.raises(TableError, match=r"absent\.csv: cannot be read"):
        open_table(tmp_path / "absent.csv")
    with pytest.raises(TableError, match=r"must end in \.csv"):
        open_table(tmp_path / "scores.xlsx")


def test_a_segment_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Silence would read as "no differences between groups"."""
    with pytest.raises(TableError, match="has no column skin_tone to break down by; found: transaction_id"):
        evaluated(file(tmp_path, CSV), segments=["skin_tone"])


def test_eer_of_one_side_is_refused(tmp_path: Path) -> None:
    """There is no such point; a number must be given."""
    path = file(tmp_path, "match_score,pair\n0.9,genuine\n")
    with pytest.raises(TableError, match="needs genuine and impostor scores; or give a number"):
        evaluated(path, match_threshold="eer")


def test_blank_cells_read_as_none(tmp_path: Path) -> None:
    """Blanks alone are blank."""
    (row,) = open_table(file(tmp_path, "match_score,pair\n , \n")).rows()
    assert row.values == {"match_score": None, "pair": None}


def test_what_no_score_file_holds_is_refused_in_its_column_only(tmp_path: Path) -> None:
    """A list or object costs the row where it is asked for, and nothing elsewhere."""
    text = '{"pair": "genuine", "match_score": 0.9, "note": [1]}\n{"pair": "genuine", "match_score": {"is": 0.9}}\n'
    outcome = refused(file(tmp_path, text, "scores.jsonl"))
    assert [(why.problem[:9], n) for why, n in outcome.rows.counts.items()] == [("is a list", 1)]


def test_the_command_takes_thresholds_and_limits_from_the_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without flags the built-in policy decides: 0.85, 0.995, 30 trials per species."""
    assert evaluate.run(arguments(str(file(tmp_path, CSV)))) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result)[:3] == ["match", "liveness", "segments"]
    assert list(result)[3:] == ["system", "injection", "worst_segments", "input"]
    assert (result["match"]["threshold"], result["liveness"]["threshold"]) == (0.85, 0.995)
    assert result["liveness"]["apcer"]["worst_species"] is None
    assert result["match"]["fmr"]["status"] == "BREACH"
    assert list(result["match"]["fmr"]) == ["k", "n", "value", "low", "high", "status"]


def test_flags_override_the_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A threshold of 0 is a threshold."""
    argv = [str(file(tmp_path, CSV)), "--match-threshold", "0", "--liveness-threshold", "eer", "--min-trials", "1"]
    assert evaluate.run(arguments(*argv)) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["match"]["threshold"], result["match"]["fmr"]["value"]) == (0.0, 1.0)
    assert result["liveness"]["threshold"] == 0.996
    assert result["liveness"]["apcer"]["worst_species"] == "print"


def test_the_table_shows_the_same_figures_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names from the file are shown as they are, not taken for markup."""
    text = CSV.replace("print", "[bold]print").replace("female", "[red]x")
    assert evaluate.run(arguments(str(file(tmp_path, text)), "--format", "table", "--min-trials", "1")) == 0
    out = capsys.readouterr().out
    assert "APCER (worst: [bold]print)" in out
    assert "[red]x" in out
    assert "INSUFFICIENT: too few trials" in out
    text = " ".join(out.split())
    assert "[bold]print 0/1 (too few trials, 597 more without an error)" in text
    assert "APCER of [bold]print: INSUFFICIENT, too few trials: 597 more without an error" in text
    assert "BPCER by sex: BREACH, proven above: male 1/1" in text
    assert "100.000% (1/1)" in out


def test_a_wrong_file_or_policy_ends_with_code_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing on standard output that a script could take for a result."""
    policy = file(tmp_path, "match: {}\n", "policy.yaml")
    for argv in ([str(tmp_path / "absent.csv")], [str(file(tmp_path, CSV)), "--policy", str(policy)]):
        assert evaluate.run(arguments(*argv)) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("proofwatch evaluate: ")
        assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--match-threshold", "nan", "'nan' is neither a finite number such as 0.85 nor eer"),
        ("--liveness-threshold", "high", "'high' is neither a finite number"),
        ("--min-trials", "0", "'0' is not a whole number from 1 on"),
    ],
)
def test_a_wrong_flag_is_refused_before_anything_is_read(
    flag: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse names the flag, the message what would be right."""
    with pytest.raises(SystemExit) as raised:
        arguments("scores.csv", flag, value)
    assert raised.value.code == 2
    assert message in capsys.readouterr().err


def test_the_whole_system_is_judged_where_both_checks_were_asked(tmp_path: Path) -> None:
    """IAPAR counts attacks that a comparison was asked for as well; a blank score of either is a rejection."""
    text = """\
match_score,pair,liveness_score,presentation,pai_species,os
0.91,genuine,0.999,bona_fide,,ios
0.91,,0.999,attack,mask,ios
0.10,,0.999,attack,mask,ios
,impostor,0.999,attack,mask,android
0.91,,,attack,mask,android
,,0.999,attack,mask,android
0.91,,0.999,attack,virtual camera,ios
"""
    result = evaluated(file(tmp_path, text))
    assert counts(result["system"]["iapar"]) == (1, 4)
    assert (result["system"]["iapar"]["worst_species"], result["system"]["riapar"]["value"]) == ("mask", 0.25 + 0.5)
    assert counts(result["liveness"]["apcer"]) == (4, 4)
    assert counts(result["injection"]["accept_rate_by_method"]["virtual camera"]) == (1, 1)
    accepted = result["injection"]["accept_rate"]
    assert (counts(accepted), accepted["status"]) == ((1, 1), "BREACH")
    assert result["injection"]["accept_limit"] == 0.005
    assert counts(result["segments"]["os"]["android"]["system"]["iapar"]) == (0, 2)
