"""What `make lint` holds of the pictures in docs/architecture.md: every module, name and topic in them exists."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TRIAGE = "services/triage\n  handlers/cases.py  TriageStage.step  applies a batch"


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    """The script that `make lint` runs."""
    spec = importlib.util.spec_from_file_location("pictures", ROOT / ".ci" / "pictures.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(*lines: str) -> str:
    """Return a page with one picture."""
    return "\n".join(["# A page", "", "```", *lines, "```", ""])


def test_what_ships_is_right(checker: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Every picture, every process."""
    assert checker.main() == 0, capsys.readouterr().err
    assert len(list(checker.pictures(PAGE))) >= 8


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("  core/book.py  UnitOfWork  what it does", "page.md:5: services/triage has no core/book.py"),
        ("  handlers/cases.py  TriageStage.stop  what it does", "page.md:5: handlers/cases.py has no TriageStage.stop"),
        ("  handlers/cases.py  TriageStage, Desk  what it does", "page.md:5: handlers/cases.py has no Desk"),
        ("  handlers/cases.py  Sequence  imported, not its own", "page.md:5: handlers/cases.py has no Sequence"),
        ("  handlers/cases.py does what it does", "page.md:5: handlers/cases.py: behind it must stand"),
        ("  handlers/cases.py  does what it does", "page.md:5: handlers/cases.py: behind it must stand"),
        ("  handlers/cases.py", "page.md:5: handlers/cases.py: behind it must stand"),
        ("  ports.py  Wanted  and core/cases.py  Rows", "page.md:5: core/cases.py has no Rows"),
        ("  ports.py  Wanted  (core/cases.py  Rows)", "page.md:5: core/cases.py has no Rows"),
        ("  ports.py  Wanted  and core/case.py", "page.md:5: services/triage has no core/case.py"),
        ("  ──► soc.cases.v1", "page.md:5: there is no topic soc.cases.v1"),
    ],
)
def test_what_does_not_exist_is_named(checker: ModuleType, line: str, finding: str) -> None:
    """Line, and what is wrong with it."""
    said = list(checker.findings("page.md", drawn("services/triage", line)))
    assert any(sentence.startswith(finding) for sentence in said), said


@pytest.mark.parametrize(
    "line",
    [
        "  handlers/cases.py  TriageStage.step  what it does",
        "  │ 3. core/rows.py             row_of, TABLE     ──► soc.escalations.v1",
        "  core/cases.py  Case.revision",
        "  ports.py  Wanted  what core/cases.py, too, needs (core/rows.py  Row)",
        "  bus/lanes/lane.py  Lane._turn  the library's own are found, too",
        "  what is meant by all of that, and 00:30 is no name",
    ],
)
def test_what_exists_is_let_be(checker: ModuleType, line: str) -> None:
    """Modules of the place or of the library; classes, methods, fields, constants."""
    assert list(checker.findings("page.md", drawn("services/triage", line))) == []


def test_other_code_is_no_picture(checker: ModuleType) -> None:
    """A picture begins with a folder of the tree."""
    assert list(checker.findings("page.md", drawn("upstream", "  core/book.py  UnitOfWork  what"))) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda page: page.replace("\nservices/triage\n", "\nservices/nobody\n"), "no picture of services/triage"),
        (lambda page: page.replace("handlers/recall.py", "handlers/stage.py"), "none names handlers/recall.py"),
        (lambda page: page.replace("wrappers/placed.py", "wrappers/timely.py"), "wrappers/placed.py"),
    ],
)
def test_what_is_not_drawn_is_named(checker: ModuleType, change: Callable[[str], str], finding: str) -> None:
    """A process without a picture; a handler, or what stands around every stage, in none."""
    changed = change(PAGE)
    assert changed != PAGE
    said = list(checker.missing(changed))
    assert any(finding in sentence for sentence in said), said
