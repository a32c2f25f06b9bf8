"""What `make lint` holds of the documents: the form of decisions, lines, links, the number of processes."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
ADR = ROOT / "docs" / "adr"
INDEX = (ADR / "README.md").read_text()
PAGES = {path.name: path.read_text() for path in sorted(ADR.glob("[0-9]*.md"))}
AMENDED, AMENDING = "0011-dead-letter-cap.md", "0022-whose-dead-letters.md"


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    """The script that `make lint` runs."""
    spec = importlib.util.spec_from_file_location("documents", ROOT / ".ci" / "documents.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_ships_has_the_form(checker: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """All decisions, all pages, all counts."""
    assert checker.main() == 0, capsys.readouterr().err
    assert len(PAGES) >= 25


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("# 0011 · A", "# 0011: A", f"docs/adr/{AMENDED}:1: the title must be `# 0011 · …`"),
        ("· A cap on", "· A limit on", f"docs/adr/README.md: it must list `| [0011]({AMENDED}) | A limit on"),
        ("*Accepted ·", "*Agreed ·", f"docs/adr/{AMENDED}:3: it must say status and date"),
        (" · 2026-11-21", "", f"docs/adr/{AMENDED}:3: it must say status and date"),
        ("· amended by", "· see", f"docs/adr/{AMENDED}:3: it must say status and date"),
        (f"[0022]({AMENDING}), ", "", "amends 0011, whose own line must say: amended by 0022"),
        ("*Accepted", "*Superseded by [0003](0003-schema-truth.md)", "superseded by 0003, whose own line must say"),
        ("**Alternatives.**", "Alternatives:", "a paragraph must begin with **Alternatives.**"),
        ("**Why.**", "", "a paragraph must begin with **Why.**"),
    ],
)  # fmt: skip
def test_each_deviation_of_a_decision_is_named(checker: ModuleType, before: str, after: str, finding: str) -> None:
    """One edit to a page that ships, and the sentence that says what would be right."""
    assert before in PAGES[AMENDED]
    said = list(checker.decisions({**PAGES, AMENDED: PAGES[AMENDED].replace(before, after, 1)}, INDEX))
    assert any(finding in sentence for sentence in said), said


def test_a_page_that_is_amended_must_be_amended_by_that_page(checker: ModuleType) -> None:
    """A reader of either page finds the other."""
    page = PAGES[AMENDING].replace(f" · amends [0011]({AMENDED})", "", 1)
    [said] = checker.decisions({**PAGES, AMENDING: page}, INDEX)
    assert said.endswith("amended by 0022, whose own line must say: amends 0011")


def test_only_prose_has_a_limit_of_columns(checker: ModuleType) -> None:
    """Tables and code are as wide as they must be; after the code prose is prose again."""
    long = "x" * 121
    page = "\n".join(["y" * 120, f"| {long} |", f"    {long}", "```", long, "```", long])
    assert list(checker.long_lines("page.md", page)) == ["page.md:7: 121 columns; break the paragraph's lines at 120"]


def test_a_link_that_leads_nowhere_is_named(
    checker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of links to files; where an anchor leads, and what is elsewhere, is not looked at."""
    page = tmp_path / "page.md"
    page.write_text("[itself](page.md#top), [there](https://example.org/gone.md)\n[gone](gone.md)\n")
    monkeypatch.setattr(checker, "ROOT", tmp_path)
    assert list(checker.dead_links(page)) == ["page.md:2: it links to gone.md, which does not exist"]


def test_a_module_that_was_moved_is_named(checker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From wherever it is seen; a dated page tells of its day, and others of what is to be made."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "libs" / "proofwatch" / "bus").mkdir(parents=True)
    (tmp_path / "libs" / "proofwatch" / "bus" / "port.py").touch()
    monkeypatch.setattr(checker, "ROOT", tmp_path)
    for name in ("docs/page.md", "docs/page-2026-11-21.md", "README.md"):
        (tmp_path / name).write_text("`bus/port.py`, `port.py`\n`bus/lane.py`\n")
    [said] = checker.dead_links(tmp_path / "docs" / "page.md")
    assert said == "docs/page.md:2: it names bus/lane.py, which does not exist"
    assert list(checker.dead_links(tmp_path / "docs" / "page-2026-11-21.md")) == []
    assert list(checker.dead_links(tmp_path / "README.md")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Starts all {six} processes.",
        "the {seven} services on one host",
        "to scale {five} services",
        "All\n{six}\nprocesses",
    ],
)
def test_another_number_of_processes_is_named(checker: ModuleType, text: str) -> None:
    """What `proofwatch run` runs is counted once, and called processes."""
    written = text.format(five="five", six="six", seven="seven")  # in braces above: this file is looked at too
    [said] = checker.miscounted("page.md", f"first line\n{written}\n", 13)
    assert said.startswith("page.md:2: ")
    assert said.endswith("`proofwatch run` has thirteen processes")


def test_the_right_number_is_let_be(checker: ModuleType) -> None:
    """So are numbers of other things."""
    text = "All thirteen processes, two of the processes, three processes of one service, all three partitions."
    assert list(checker.miscounted("page.md", text, 13)) == []
