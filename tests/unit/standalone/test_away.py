"""A run whose database goes away."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proofwatch.bus.errors import DatabaseAway
from services import cli
from services.standalone import conduct, replay
from services.standalone.progress import Progress


@pytest.mark.parametrize("command", [["demo", "--events", "10"], ["replay", "scores.csv"]])
def test_a_run_that_loses_its_database_ends_with_a_sentence(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as a full disk: what is the matter, the exit code of what cannot be carried out, and no traceback."""

    async def away(*_: Any) -> None:
        raise DatabaseAway("PostgreSQL at its socket is out of connections, memory or disk space")

    monkeypatch.setattr(conduct, "carry_out", away)
    monkeypatch.chdir(tmp_path)
    Path("scores.csv").write_text("match_score\n0.9\n")
    assert cli.main([*command, "--headless", "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert said == f"proofwatch {command[0]}: PostgreSQL at its socket is out of connections, memory or disk space\n"


@pytest.mark.parametrize("command", [["demo", "--events", "10"], ["replay", "scores.csv"]])
def test_an_interrupted_run_ends_with_a_sentence(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once, by a second signal: how far it came, what is written, the code that shells know, and no traceback."""

    async def interrupted(run: Any, progress: Progress, _: Any) -> None:
        progress.fed(4, 1_790_000_000_000)
        raise KeyboardInterrupt

    monkeypatch.setattr(conduct, "carry_out", interrupted)
    monkeypatch.chdir(tmp_path)
    Path("scores.csv").write_text("match_score\n0.9\n")
    assert cli.main([*command, "--headless", "--out", "out"]) == 130
    said = capsys.readouterr().err
    assert said.startswith(f"proofwatch {command[0]}: interrupted: 4 of 1")
    assert "out has their verdicts, windows, anomalies and notifications so far, and no summary" in said
    assert said.count("\n") == 1


def test_a_replay_that_is_interrupted_while_it_reads_has_written_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of a gigabyte is read for a while before anything starts."""

    def interrupted(args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(replay, "prepare", interrupted)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["replay", "scores.csv", "--out", "out"]) == 130
    said = capsys.readouterr().err
    assert said == "proofwatch replay: interrupted while scores.csv was read; nothing was written\n"
    assert not Path("out").exists()
