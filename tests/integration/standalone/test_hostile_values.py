"""A file may hold anything: what we make of it, on a page or in the terminal, shows it and does none of it."""

import csv
import io
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import NamedTuple

import orjson
import pytest

from services.cli import main
from tests.support.html import assert_inert, parsed, text_of

SPECIES = (
    "<script>alert(1)</script>",
    "\x1b[31mprint\x1b]0;owned\x07",
    "[bold red]mask[/]:warning:",
    "ab\u202egpj.exe",
    '=HYPERLINK("http://evil","x")',
)
COUNTRIES = ('"><img src=x onerror=alert(1)>', 'it\'s "said"', "javascript:alert(1)", "</svg><b>", "a & b", "\x9b31mC1")
DEVICES = ("[red]phone[/red]", "<b onmouseover=alert(1)>", "@SUM(A1)", "line\nproofwatch replay: all is well")
SPELLED = ("\\u001b[31mprint\\u001b]0;owned\\u0007", "ab\\u202egpj.exe")
THRESHOLDS = ("--match-threshold", "0.62", "--liveness-threshold", "0.62")


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough trials that every value comes into figures of its own; the file's name and a column are hostile too."""
    random, path = Random(5), tmp_path_factory.mktemp("given") / "[red]a&b<i>\x1b[31m.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ("match_score", "pair", "liveness_score", "presentation", "pai_species", "country", "device_model")
        writer.writerow([*columns, "[red]un\x1b[31mmapped"])
        for _ in range(600):
            attack, mated = random.random() < 0.4, random.random() < 0.7
            alike = random.betavariate(7, 2) if mated else random.betavariate(3, 6)
            live = random.betavariate(3, 4) if attack else random.betavariate(6, 2)
            writer.writerow([
                f"{alike:.6f}", "genuine" if mated else "impostor",
                f"{live:.6f}", "attack" if attack else "bona_fide", random.choice(SPECIES) if attack else "",
                random.choice(COUNTRIES), random.choice(DEVICES), "x",
            ])  # fmt: skip
    return path


class Ran(NamedTuple):
    """A run's folder, and what was said."""

    out: Path
    said: str
    aside: str


@pytest.fixture(scope="module")
def ran(scores: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out, said, aside = tmp_path_factory.mktemp("run") / "[blue]out[/]\x1b[31m", io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(aside):
        assert main(["replay", str(scores), *THRESHOLDS, "--headless", "--out", str(out)]) == 0
    return Ran(out, said.getvalue(), aside.getvalue())


def assert_plain(said: str) -> None:
    """Hold what was printed against what may be: text in lines, neither escape sequences nor orders of writing."""
    assert said
    acting = {each for each in said if unicodedata.category(each) in ("Cc", "Cs") or "\u202a" <= each <= "\u202e"}
    assert acting <= {"\n"}, acting


def test_the_report_has_no_element_that_came_from_the_file(ran: Ran) -> None:
    """Every species and segment value is there to read."""
    document = parsed((ran.out / "report.html").read_text(encoding="utf-8"))
    assert_inert(document)
    shown = text_of(document.find("body"))
    for value in (
        *COUNTRIES[:-1],
        SPECIES[0],
        SPECIES[2],
        SPECIES[4],
        *DEVICES[:3],
        *SPELLED,
        "[red]a&b<i>\\u001b[31m.csv",
    ):
        assert value in shown, value


def test_the_backtest_page_has_none_either(
    scores: Path, ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its file, and on standard output, which is the same."""
    policy = orjson.loads((ran.out / "policy.json").read_bytes())
    policy["match"] |= {"threshold": 0.8, "marginal_below": 0.85}
    (tmp_path / "new.json").write_bytes(orjson.dumps(policy))
    arguments = ["--over", str(scores), "--small-cell", "0"]
    arguments += ["--policy", str(tmp_path / "new.json"), "--against", str(ran.out / "policy.json")]
    assert main(["backtest", *arguments, "--format", "html", "--out", str(tmp_path / "out")]) == 0
    html = capsys.readouterr().out
    assert html == (tmp_path / "out" / "backtest.html").read_text(encoding="utf-8")
    document = parsed(html)
    assert_inert(document)
    shown = text_of(document.find("body"))
    for value in (*COUNTRIES[:-1], SPECIES[0], *DEVICES[:3], *SPELLED):
        assert value in shown, value
    assert main(["backtest", *arguments]) == 0
    said = capsys.readouterr().out
    assert_plain(said)
    # a table breaks what is longer than its column, and cuts nothing off
    cells = "".join(line.partition("│")[2].partition("│")[0].strip().replace(" ", "") for line in said.splitlines())
    for value in (*SPECIES[:1], *SPECIES[2:3], *SPELLED):
        assert value.replace(" ", "") in cells, value


@pytest.mark.parametrize("more", [["--format", "table"], []])
def test_an_evaluation_is_plain(scores: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As tables and as JSON, whose meaning stays."""
    assert main(["evaluate", str(scores), *THRESHOLDS, *more]) == 0
    said = capsys.readouterr().out
    assert_plain(said)
    if more:
        for value in (SPECIES[0], SPECIES[2], *SPELLED):
            assert value in said, value
    else:
        assert set(orjson.loads(said)["liveness"]["apcer_by_species"]) == set(SPECIES)


def test_the_end_of_a_run_is_plain(ran: Ran) -> None:
    """The names of files and columns in sentences and in the list of results."""
    assert_plain(ran.said)
    assert_plain(ran.aside)
    assert "[blue]out[/]\\u001b[31m/report.html" in "".join(ran.said.split())
    assert "[red]un\\u001b[31mmapped" in ran.aside


@pytest.mark.parametrize("arguments", [["guess"], ["guess", "--nothing\x1b[31m"]])
def test_a_draft_and_a_refused_call_are_plain(
    scores: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What argparse says of a wrong call comes from the caller too."""
    try:
        assert main(["mapping", *arguments, str(scores)]) == 0
    except SystemExit:
        assert_plain(capsys.readouterr().err)
    else:
        assert_plain(capsys.readouterr().out)


@pytest.mark.parametrize("tenant", ["a&b", "<b>", "=1", "\x1b[31m"])
def test_a_tenant_has_no_such_name(
    scores: Path, tenant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused at the door, and said plainly."""
    with pytest.raises(SystemExit, match="2"):
        main(["replay", str(scores), "--tenant", tenant, "--out", str(tmp_path)])
    assert_plain(capsys.readouterr().err)


def test_a_bug_is_told_plainly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With its traceback, and nothing in its message acts."""

    def fail(_args: object) -> int:
        raise RuntimeError("\x1b]0;owned\x07")

    monkeypatch.setattr("services.standalone.mapping.run", fail)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # a run before may have left its own
    assert main(["mapping", "guess", "x.csv"]) == 1
    said = capsys.readouterr().err
    assert_plain(said)
    assert "Traceback" in said
    assert "\\u001b]0;owned\\u0007" in said
