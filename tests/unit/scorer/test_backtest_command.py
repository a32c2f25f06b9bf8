"""`proofwatch backtest` from its arguments to its files."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from services.cli import main
from tests.unit.scorer.backtests import lines, small_log


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new policy and a log, in a folder."""
    monkeypatch.delenv("PROOFWATCH_POLICY_FILE", raising=False)
    default = Path("libs/proofwatch/governance/policies/default.yaml").read_text(encoding="utf-8")
    trial = default.replace("name: default", "name: trial").replace("threshold: 0.995", "threshold: 0.99")
    (tmp_path / "new.yaml").write_text(trial, encoding="utf-8")
    lines(tmp_path / "log.jsonl", [arrival.value for arrival in small_log()])
    return tmp_path


def test_it_writes_json_and_html_and_says_the_headline(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, whatever changes; the JSON on standard output is that of the file."""
    arguments = ["backtest", "--policy", str(given / "new.yaml"), "--over", str(given / "log.jsonl")]
    assert main([*arguments, "--out", str(given / "out")]) == 0
    assert "2 retry → accept" in capsys.readouterr().out
    assert main([*arguments, "--format", "json"]) == 0
    document = (given / "out" / "backtest.json").read_text(encoding="utf-8")
    assert capsys.readouterr().out == document
    assert msgspec.json.decode(document)["new"]["name"] == "trial"
    assert (given / "out" / "backtest.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_files_that_cannot_be_written_whole_are_not_there(
    given: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, in a sentence: the disk is full after the first of the two."""

    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    arguments = ["backtest", "--policy", str(given / "new.yaml"), "--over", str(given / "log.jsonl")]
    assert main([*arguments, "--out", str(given / "out")]) == 2
    said = capsys.readouterr()
    assert (said.out, "out cannot be written: no space left on device" in said.err) == ("", True)
    assert {each.name for each in given.iterdir()} == {"new.yaml", "log.jsonl"}


def test_a_kill_between_its_files_leaves_no_backtest(given: Path) -> None:
    """SIGKILL after the first of the two; the next one is whole, and an earlier one is never written over."""
    arguments = ["backtest", "--policy", str(given / "new.yaml"), "--over", str(given / "log.jsonl"), "--out"]
    killed = (
        "import os, signal, sys; from pathlib import Path; from services.cli import main\n"
        "Path.write_text = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main(sys.argv[1:])\n"
    )
    environment = os.environ | {"PYTHONPATH": "libs:."}
    done = subprocess.run(
        [sys.executable, "-c", killed, *arguments, str(given / "out")],
        check=False,
        capture_output=True,
        env=environment,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (given / "out").exists()
    assert [each.name for each in (given / "out.partial").iterdir()] == ["backtest.json"]
    assert main([*arguments, str(given / "out")]) == 0
    assert {each.name for each in (given / "out").iterdir()} == {"backtest.json", "backtest.html"}
    assert not (given / "out.partial").exists()
    assert main([*arguments, str(given / "out")]) == 2


def test_two_processes_write_the_same_bytes(given: Path) -> None:
    """Another hash seed, another folder, another time: neither shows in the JSON nor in the page."""
    written = []
    for seed in ("1", "2"):
        out = given / seed
        command = [sys.executable, "-m", "services.cli", "backtest", "--policy", str(given / "new.yaml")]
        subprocess.run(
            [*command, "--over", str(given / "log.jsonl"), "--out", str(out)],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": "libs:."},
        )
        written.append([(out / name).read_bytes() for name in ("backtest.json", "backtest.html")])
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "absent.yaml", "--over", "log.jsonl"], "absent.yaml"),
        (["--policy", "new.yaml", "--over", "absent.jsonl"], "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(
    arguments: list[str], said: str, given: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line."""
    monkeypatch.chdir(given)
    assert main(["backtest", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_table_that_was_refused_is_no_log_on_which_policies_agree(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and what to change; not the comfort that nothing changes."""
    (given / "percent.csv").write_text("match_score,pair\n98.5,genuine\n97,genuine\n", encoding="utf-8")
    assert main(["backtest", "--policy", str(given / "new.yaml"), "--over", str(given / "percent.csv")]) == 1
    said = capsys.readouterr()
    assert "No transaction was judged by both policies." in said.out
    assert "alike" not in said.out
    assert "2 of 2 rows were refused: match_score is above the scale (2 rows, such as line 2)" in said.err
    assert "`scale: {match_score: [0, 100]}`" in said.err


def test_a_log_of_which_every_line_was_refused_ends_with_one(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever kind of file it is."""
    (given / "log.jsonl").write_text('{"schema_version": 1, "tenant": "a"}\n', encoding="utf-8")
    assert main(["backtest", "--policy", str(given / "new.yaml"), "--over", str(given / "log.jsonl")]) == 1
    assert "all 1 that were read were refused (schema_mismatch)" in capsys.readouterr().err
