"""A threshold or a scale in other units than the file's scores is refused, with what is right."""

from pathlib import Path

import pytest

from proofwatch.governance.policy import PROFILES
from services.cli import main

_FRACTIONS = [0.31 + 0.05 * i for i in range(14)]
_PERCENT = [100 * each for each in _FRACTIONS]
_DISTANCES = [-4.0 + each for each in range(14)]


def scores(path: Path, values: list[float]) -> Path:
    lines = [f"{value:.4f},{'genuine' if i % 2 else 'impostor'}" for i, value in enumerate(values)]
    path.write_text("\n".join(["match_score,pair", *lines]) + "\n")
    return path


@pytest.mark.parametrize("command", ["evaluate", "replay"])
@pytest.mark.parametrize(
    ("values", "threshold", "right"),
    [
        (_FRACTIONS, "60", "right is --match-threshold 0.6"),
        (_FRACTIONS, "1.5", "right is --match-threshold 0.015"),
        (_FRACTIONS, "-2", "right is a number from 0 to 1, such as --match-threshold 0.85"),
        (_FRACTIONS, "600", "right is a number from 0 to 1, such as --match-threshold 0.85"),
        (_PERCENT, "0.6", "right is --match-threshold 60"),
        (_PERCENT, "6000", "right is a number among them"),
    ],
)
def test_a_threshold_of_another_scale_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, values: list[float], threshold: str, right: str
) -> None:
    """What was given, what the scores are, and what is right; exit code 2, and nothing is written."""
    file, out = scores(tmp_path / "a.csv", values), tmp_path / "out"
    more = ["--out", str(out), "--headless"] if command == "replay" else []
    assert main([command, str(file), f"--match-threshold={threshold}", *more]) == 2
    said = capsys.readouterr().err
    assert f"proofwatch {command}: {file}: match_score: --match-threshold {threshold} is of another scale" in said
    assert f"its 14 scores lie from {values[0]:g} to {max(values):g}" in said
    assert right in said
    assert not out.exists()


@pytest.mark.parametrize("command", ["evaluate", "replay"])
def test_a_scale_that_the_scores_are_not_on_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """The mapping says percent and the file has fractions: every score would be next to nothing."""
    file, mapping = scores(tmp_path / "a.csv", _FRACTIONS), tmp_path / "map.yaml"
    mapping.write_text("scale:\n  match_score: [0, 100]\n")
    more = ["--out", str(tmp_path / "out"), "--headless"] if command == "replay" else []
    assert main([command, str(file), "--mapping", str(mapping), *more]) == 2
    said = capsys.readouterr().err
    assert "match_score: the mapping says that its scale is 0 to 100, but its 14 scores lie from 0.31 to 0.96" in said
    assert "right is `match_score: [0, 1]` under `scale`" in said


@pytest.mark.parametrize(("values", "threshold"), [(_FRACTIONS, "0.6"), (_PERCENT, "60"), (_DISTANCES, "0.5")])
def test_a_threshold_that_may_be_meant_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: list[float], threshold: str
) -> None:
    """Scores of any range are: logits and distances too."""
    file = scores(tmp_path / "a.csv", values)
    assert main(["evaluate", str(file), f"--match-threshold={threshold}"]) == 0
    assert "another scale" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["backtest", "publish"])
def test_whoever_reads_a_table_refuses_a_scale_that_its_scores_are_not_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Else a backtest judges scores of next to nothing, and a cluster is sent them."""
    file, mapping = scores(tmp_path / "a.csv", _FRACTIONS), tmp_path / "map.yaml"
    mapping.write_text("scale:\n  match_score: [0, 100]\n")
    policy = tmp_path / "new.yaml"
    policy.write_text((PROFILES / "default.yaml").read_text())
    over = ["--over", str(file), "--policy", str(policy)] if command == "backtest" else [str(file)]
    assert main([command, *over, "--mapping", str(mapping)]) == 2
    said = capsys.readouterr().err
    assert f"proofwatch {command}: {file}: match_score: the mapping says that its scale is 0 to 100" in said
    assert "right is `match_score: [0, 1]` under `scale`" in said
