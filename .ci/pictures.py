"""Hold the pictures of docs/architecture.md to the tree: what they name exists, and what must be named is.

A picture is a block of code that begins with a folder, such as `services/scorer`. A line of it that names a module says
`core/cases.py  advance, TABLE  words`: the module as seen from that folder or from the library, names that it defines,
what they do; a further module among the words may go without names. Topics, anywhere in a block of code, are those of
the manifests. Every process has a picture, with all modules of its `handlers`; so has what stands around every stage
(`bus/wrappers`).
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from proofwatch.events import topics
from services.operations.run import SERVICES

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "libs" / "proofwatch"
PAGE = ROOT / "docs" / "architecture.md"
MODULE = re.compile(r"[\w/]+\.py\b")
NAMES = re.compile(r"\s{2,}([A-Za-z_][\w.]*(?:, [A-Za-z_][\w.]*)*)(?=\s{2,}|\)|$)")
IN_WORDS = re.compile(r"(?!\s{2})")
TOPIC = re.compile(r"\b[a-z]+(?:\.[a-z-]+)+\.v\d+\b")
TOPICS = frozenset(spec.name for spec in topics.kafka_specs())


def main() -> int:
    """Print one line for each finding; return 1 if there is one."""
    page = PAGE.read_text()
    found = [*findings(str(PAGE.relative_to(ROOT)), page), *missing(page)]
    sys.stderr.write("".join(f"{finding}\n" for finding in found))
    return 1 if found else 0


def blocks(page: str) -> Iterator[list[tuple[int, str]]]:
    """Yield the blocks of code of a page as numbered lines."""
    block: list[tuple[int, str]] | None = None
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("```"):
            if block:
                yield block
            block = None if block is not None else []
        elif block is not None:
            block.append((number, line))


def pictures(page: str) -> Iterator[tuple[Path, list[tuple[int, str]]]]:
    """Yield the pictures of a page: the folder, and the lines below it."""
    for block in blocks(page):
        first = block[0][1].strip()
        if "/" in first and (ROOT / first).is_dir():
            yield ROOT / first, block[1:]


def findings(name: str, page: str) -> Iterator[str]:
    """Yield what the pictures of a page name that does not exist."""
    for block in blocks(page):
        for number, line in block:
            for topic in set(TOPIC.findall(line)) - TOPICS:
                yield f"{name}:{number}: there is no topic {topic} in schemas/topics"
    for place, lines in pictures(page):
        for number, line in lines:
            yield from (f"{name}:{number}: {said}" for said in _wrong(place, line))


def missing(page: str) -> Iterator[str]:
    """Yield the processes and modules that no picture of the page shows."""
    drawn: dict[Path, set[Path]] = {}
    for place, lines in pictures(page):
        modules = [_find(place, each) for _, line in lines for each in MODULE.findall(line)]
        drawn.setdefault(place, set()).update(each for each in modules if each)
    where = PAGE.relative_to(ROOT)
    for folder in sorted({ROOT.joinpath(*module.split(".")[:2]) for module in SERVICES.values()}):
        if folder not in drawn:
            yield f"{where}: no picture of {folder.relative_to(ROOT)}"
        for module in sorted({*folder.glob("handlers/*.py"), *folder.glob("handlers.py")} - drawn.get(folder, set())):
            if module.name != "__init__.py":
                yield f"{where}: of the pictures of {folder.relative_to(ROOT)} none names {module.relative_to(folder)}"
    everywhere = {module for modules in drawn.values() for module in modules}
    for module in sorted(set(LIBRARY.glob("bus/wrappers/*.py")) - everywhere):
        if module.name != "__init__.py":
            yield f"{where}: no picture names {module.relative_to(LIBRARY)}"


def _wrong(place: Path, line: str) -> Iterator[str]:
    for number, found in enumerate(MODULE.finditer(line)):
        module, names = _find(place, found[0]), NAMES.match(line, found.end())
        if module is None:
            yield f"{place.relative_to(ROOT)} has no {found[0]}, and neither has the library"
        elif names:
            yield from (f"{found[0]} has no {each}" for each in names[1].split(", ") if each not in _defined(module))
        elif not (number and IN_WORDS.match(line, found.end())):
            yield f"{found[0]}: behind it must stand two blanks, names that it defines, two blanks, words"


def _find(place: Path, module: str) -> Path | None:
    return next((path for path in (place / module, LIBRARY / module) if path.is_file()), None)


@cache
def _defined(module: Path) -> frozenset[str]:
    """Return what a module defines, and what its classes do, as `Class.name`."""
    names = set[str]()
    for node in ast.parse(module.read_text()).body:
        for name in _names(node):
            names.add(name)
            if isinstance(node, ast.ClassDef):
                names |= {f"{name}.{each}" for inner in ast.walk(node) for each in _names(inner)}
    return frozenset(names)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


if __name__ == "__main__":
    sys.exit(main())
