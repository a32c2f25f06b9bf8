"""Markup stands in templates, and no template lets a value through as it is."""

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted(path for part in ("libs", "services") for path in (ROOT / part).rglob("templates/*.html"))
DRAWS = ROOT / "libs/proofwatch/report/svg.py"
ELEMENTS = "html|head|body|h[1-6]|p|div|span|strong|b|a|br|table|tr|t[dh]|section|figure|ul|li|dl|svg"
TAG = re.compile(rf"</?({ELEMENTS})\b[^<]*>")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: "/".join(path.parts[-4:]))
def test_no_template_switches_escaping_off(path: Path) -> None:
    """Neither by the filter nor by a block."""
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    assert not {each.name for each in tree.find_all(nodes.Filter)} & {"safe", "forceescape"}
    assert not list(tree.find_all((nodes.MarkSafe, nodes.ScopedEvalContextModifier)))


def test_every_template_is_shown() -> None:
    """By what makes its page, as a section of the page's contents, or by another template."""
    sources = [path.read_text(encoding="utf-8") for path in TEMPLATES]
    homes = {path.parents[1] for path in TEMPLATES}
    sources += [page.read_text(encoding="utf-8") for home in homes for page in home.rglob("*.py")]
    for path in TEMPLATES:
        assert any(f'"{path.name}"' in source or f'"{path.stem}"' in source for source in sources), path


def test_python_holds_no_markup() -> None:
    """Of pages, that is; the opening of a drawing is the exception."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for part in ("libs", "services")
        for path in (ROOT / part).rglob("*.py")
        if path != DRAWS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TAG.search(node.value)
    ]
    assert not found
