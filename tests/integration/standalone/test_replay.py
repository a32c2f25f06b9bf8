"""A user's own log goes through the whole system and arrives at the same counts as the offline evaluation."""

import csv
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from services.cli import main

THRESHOLD = "0.62"


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def trials(count: int = 1_500) -> list[dict[str, Any]]:
    """Scores of a mediocre system: two species, blanks, unlabelled rows and segment cells left empty."""
    random = Random(11)
    rows = []
    for _ in range(count):
        attack = random.random() < 0.4
        live = random.betavariate(3, 4) if attack else random.betavariate(6, 2)
        mated = random.random() < 0.7
        alike = random.betavariate(7, 2) if mated else random.betavariate(3, 6)
        rows.append({
            "match_score": "" if random.random() < 0.02 else f"{alike:.6f}",
            "pair": "" if random.random() < 0.1 else "genuine" if mated else "impostor",
            "liveness_score": "" if random.random() < 0.02 else f"{live:.6f}",
            "presentation": "" if random.random() < 0.1 else "attack" if attack else "bona_fide",
            "pai_species": random.choice(["mask", "print", "", "virtual camera"]) if attack else "",
            "sex": random.choice(["female", "male", ""]),
        })  # fmt: skip
    return rows


def counts(node: Any, path: str = "") -> dict[str, Any]:
    """Return every numerator, denominator and trial count of an evaluation, by path."""
    if isinstance(node, dict):
        found: dict[str, Any] = {}
        for name, child in node.items():
            found |= counts(child, f"{path}.{name}")
        return found
    name = path.rsplit(".", 1)[-1]
    return {path: node} if name in ("k", "n") or name.startswith("n_") else {}


def replay(file: Path, out: Path, *more: str, code: int = 0) -> dict[str, Any]:
    assert main(["replay", str(file), "--out", str(out), "--headless", *more]) == code
    summary: dict[str, Any] = orjson.loads((out / "summary.json").read_bytes())
    return summary


def lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_replay_counts_what_the_offline_evaluation_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every k and n of `summary.json`, from the ledger's counts and sketches, is that of `proofwatch evaluate`."""
    file = write(tmp_path / "scores.csv", trials())
    thresholds = ["--match-threshold", THRESHOLD, "--liveness-threshold", THRESHOLD]
    assert main(["evaluate", str(file), *thresholds]) == 0
    offline = counts(orjson.loads(capsys.readouterr().out))
    summary = replay(file, tmp_path / "out", *thresholds)
    assert len(offline) > 100
    assert counts(summary["evaluation"]) == offline
    assert summary["conservation"] == {
        "consumed": 1500, "decided": 1500, "deduplicated": 0, "dead_lettered": 0, "holds": True
    }  # fmt: skip
    assert summary["labels"]["joined"] == summary["labels"]["labelled"] == summary["labels"]["consumed"]


def test_bad_rows_stop_nothing_and_are_accounted_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """NaN, a word, a score out of range, an unreadable time and an unlabelled blank: by line, with what to change.

    So many of so few are more than the cap: exit code 1, and one sentence.
    """
    at = "2026-03-04T10:00:00Z"
    good = {"transaction_id": "t", "subject_ref": "s", "occurred_at": at, "match_score": "0.9", "liveness_score": "1"}
    rows = [
        good | {"transaction_id": "a"},
        good | {"transaction_id": "b", "match_score": "NaN"},
        good | {"transaction_id": "c", "match_score": "high"},
        good | {"transaction_id": "d", "match_score": "1.5"},
        good | {"transaction_id": "e", "occurred_at": "yesterday"},
        good | {"transaction_id": "f", "match_score": "", "liveness_score": ""},
        good | {"transaction_id": "z", "subject_ref": "s2"},
    ]
    summary = replay(write(tmp_path / "bad.csv", rows), tmp_path / "out", code=1)
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "5 of 7 rows were refused: match_score is NaN or an infinity (1 row, such as line 3)" in sentence
    assert "more than 1 % of them" in sentence
    assert "`proofwatch mapping guess FILE` drafts one" in sentence
    reasons = {(reason["column"], reason["line"]) for reason in summary["input"]["reasons"]}
    assert reasons >= {("match_score", 3), ("match_score", 4), ("match_score", 5), ("occurred_at", 6), ("the row", 7)}
    assert summary["conservation"] == {
        "consumed": 7, "decided": 2, "deduplicated": 0, "dead_lettered": 5, "holds": True
    }  # fmt: skip
    letters = lines(tmp_path / "out" / "dead_letters.jsonl")
    assert [letter["reason"] for letter in letters] == ["schema_mismatch"] * 5
    said = " ".join(letter["message"] for letter in letters)
    assert "$.match_score" in said
    assert "$.occurred_at" in said
    assert "$.checks" in said
    assert "yesterday" not in said


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    """Replaying twice writes identical verdicts, windows, anomalies, cases and audit log.

    Of a flagged transaction a drawn picture is shown: to one person, and not to the other.
    """
    file = write(tmp_path / "scores.csv", trials(300))
    for name in ("one", "two"):
        shown = replay(file, tmp_path / name, "--liveness-threshold", THRESHOLD)["imagery"]
        assert (shown["drawn"], [each["code"] for each in shown["asked"]]) == (True, ["no_role", ""])
    for name in ("verdicts.jsonl", "windows.jsonl", "anomalies.jsonl", "cases.jsonl", "audit/entries.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert len(lines(tmp_path / "one" / "verdicts.jsonl")) == 300


def test_columns_of_other_names_come_in_by_mapping_and_the_rest_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mapped column becomes a field or a segment; a column nobody named is dropped with a warning."""
    rows = [{"score": "0.9", "truth": "genuine", "branch": "north", "clerk": "x"}] * 3
    file = write(tmp_path / "own.csv", rows)
    (tmp_path / "map.yaml").write_text("columns: {score: match_score, truth: pair}\nsegments: {branch: branch}\n")
    summary = replay(file, tmp_path / "out", "--mapping", str(tmp_path / "map.yaml"))
    assert "dropped, because no mapping names them: clerk" in capsys.readouterr().err
    assert summary["evaluation"]["segments"]["branch"]["north"]["match"]["n_genuine"] == 3


@pytest.mark.parametrize(
    ("content", "more", "says"),
    [
        ("a,b\n1,2\n", [], "has neither match_score nor liveness_score; found: a, b"),
        ("match_score\n0.9\n", ["--policy", "absent.yaml"], "absent.yaml: cannot be read"),
        ("match_score\n0.9\n", ["--mapping", "absent.yaml"], "absent.yaml"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, more: list[str], says: str
) -> None:
    """Exit code 2 and one line: what is wrong, and where."""
    (tmp_path / "scores.csv").write_text(content)
    assert main(["replay", str(tmp_path / "scores.csv"), "--out", str(tmp_path / "out"), *more]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_time_that_no_window_can_hold_is_refused_at_the_door(tmp_path: Path) -> None:
    """And written down with the reason; no later stage has to."""
    rows = [{"match_score": "0.9", "occurred_at": at} for at in ("0001-01-01T00:00:00", "2026-01-01T00:00:01")]
    summary = replay(write(tmp_path / "old.csv", rows), tmp_path / "out", code=1)
    assert summary["conservation"] == {
        "consumed": 2,
        "decided": 1,
        "deduplicated": 0,
        "dead_lettered": 1,
        "holds": True,
    }
    (letter,) = lines(tmp_path / "out" / "dead_letters.jsonl")
    assert (letter["stage"], letter["reason"]) == ("scorer", "schema_mismatch")


def test_labels_that_nobody_can_read_are_told_as_loudly_as_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Known spellings count, and scores that left 1 by rounding; of other spellings a line is named, and code 1."""
    known = [{"match_score": "1.0000001", "pair": "Mated"}, {"match_score": "0.1", "pair": "non-mated"}] * 50
    unknown = [{"match_score": "0.95", "pair": "1"}] * 4
    file = write(tmp_path / "labels.csv", known + unknown)
    assert main(["evaluate", str(file)]) == 1
    offline = orjson.loads(capsys.readouterr().out)
    summary = replay(file, tmp_path / "out", code=1)
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "4 of 104 labels were refused: pair is a yes or no" in sentence
    assert "such as line 102)" in sentence
    assert summary["evaluation"]["match"]["n_genuine"] == offline["match"]["n_genuine"] == 50
    assert (summary["labels"]["dead_lettered"], summary["clamped"]) == (4, 50)


def test_scores_of_another_range_go_through_with_a_threshold_in_their_own_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Percent and decimal commas, by a threshold alone or by a mapping: the counts are those of the evaluation."""
    rows = [{"score": f"{60 + number / 10:.1f}".replace(".", ","), "truth": "genuine"} for number in range(400)]
    rows += [{"score": f"{number / 5:.1f}".replace(".", ","), "truth": "impostor"} for number in range(400)]
    file = tmp_path / "percent.csv"
    file.write_text("score;truth\n" + "".join(f"{row['score']};{row['truth']}\n" for row in rows))
    (tmp_path / "map.yaml").write_text("columns: {score: match_score, truth: pair}\n")
    more = ["--mapping", str(tmp_path / "map.yaml"), "--match-threshold", "70.3"]
    assert main(["evaluate", str(file), *more]) == 0
    offline = counts(orjson.loads(capsys.readouterr().out)["match"])
    summary = replay(file, tmp_path / "out", *more)
    assert counts(summary["evaluation"]["match"]) == offline
    said = capsys.readouterr().err
    assert "its scale is taken from the file, 0 to 100" in said
    assert "the threshold 70.3 of the file is 0.703 from 0 to 1" in said
