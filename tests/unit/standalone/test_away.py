"""A run whose database goes away."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proofwatch.bus.errors import DatabaseAway
from services import cli
from services.standalone import demo, replay


@pytest.mark.parametrize("command", [["demo", "--events", "10"], ["replay", "scores.csv"]])
def test_a_run_that_loses_its_database_ends_with_a_sentence(
    command: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as a full disk: what is the matter, the exit code of what cannot be carried out, and no traceback."""

    async def away(run: Any) -> None:
        raise DatabaseAway("PostgreSQL at its socket is out of connections, memory or disk space")

    for module in (demo, replay):
        monkeypatch.setattr(module, "carry_out", away)
    monkeypatch.chdir(tmp_path)
    Path("scores.csv").write_text("match_score\n0.9\n")
    assert cli.main([*command, "--headless", "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert said == f"proofwatch {command[0]}: PostgreSQL at its socket is out of connections, memory or disk space\n"
