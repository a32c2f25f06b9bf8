"""Hold the form of the documents: decisions, lines, links, the number of processes. Part of `make lint`.

A decision (docs/adr) begins with `# 0001 · Title` and a line in italics that says its status, its date, and which pages
amend or supersede it, both ways; it says what was decided, why, and what else was considered. A line of prose has 120
columns at most; tables, pictures and code have as many as they need.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.operations.run import SERVICES

ROOT = Path(__file__).parents[1]
COLUMNS = 120
PARAGRAPHS = ("Decided", "Why", "Alternatives")
FORM = (
    "*Accepted · 2026-11-21* or *Superseded by [0002](0002-….md) · 2026-11-21*, then perhaps · amends [0001](0001-….md)"
)
HEAD = re.compile(r"\*(?P<status>Accepted|Superseded by (?P<by>\[\d{4}\]\([^)]+\))) · \d{4}-\d\d-\d\d(?P<links>.*)\*")
LINKS = re.compile(r" · (?P<how>amends|amended by|supersedes) (?P<pages>\[\d{4}\]\([^)]+\)(?:, \[\d{4}\]\([^)]+\))*)")
LINK = re.compile(r"\[(\d{4})\]\(([^)]+)\)")
BOTH_WAYS = {
    "amends": "amended by",
    "amended by": "amends",
    "supersedes": "superseded by",
    "superseded by": "supersedes",
}

NUMBERS = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
)
COUNTED = re.compile(rf"\b(?:all|the|scale|starting)\s+({'|'.join(NUMBERS)})\s+(services|processes)\b", re.IGNORECASE)
DATED = re.compile(r"-\d{4}-\d\d-\d\d\.md$")
PLACES = (".ci", ".github", "deploy", "docs", "libs", "schemas", "services", "tests")
WRITTEN = (".md", ".py", ".yml", ".yaml", ".toml", ".example", "Makefile", "Dockerfile")


def main() -> int:
    """Print one line for each finding; return 1 if there is one."""
    pages = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))}
    found = [*decisions(pages, (ROOT / "docs" / "adr" / "README.md").read_text())]
    for path in _written():
        name, text = str(path.relative_to(ROOT)), path.read_text()
        if name.endswith(".md"):
            found += [*long_lines(name, text), *dead_links(path)]
        if not DATED.search(name):
            found += miscounted(name, text, len(SERVICES))
    sys.stderr.write("".join(f"{finding}\n" for finding in found))
    return 1 if found else 0


def decisions(pages: Mapping[str, str], index: str) -> Iterator[str]:
    """Yield what is wrong with the decisions, {file name: text}, and with their index."""
    said = {(name[:4], how, page) for name, text in pages.items() for how, page in _links(text)}
    for name, text in pages.items():
        number, where = name[:4], f"docs/adr/{name}"
        lines = text.splitlines()
        title = re.fullmatch(rf"# {number} · (.+)", lines[0])
        if title is None:
            yield f"{where}:1: the title must be `# {number} · …`"
        elif f"| [{number}]({name}) | {title[1]} |" not in index:
            yield f"docs/adr/README.md: it must list `| [{number}]({name}) | {title[1]} |`"
        head = HEAD.fullmatch(lines[2]) if len(lines) > 2 else None
        if head is None or LINKS.sub("", head["links"]):
            yield f"{where}:3: it must say status and date: {FORM}"
        for wanted in PARAGRAPHS:
            if not re.search(rf"^\*\*{wanted}\.\*\*", text, re.MULTILINE):
                yield f"{where}: a paragraph must begin with **{wanted}.**"
        for how, page in _links(text):
            if (page, BOTH_WAYS[how], number) not in said:
                yield f"{where}:3: {how} {page}, whose own line must say: {BOTH_WAYS[how]} {number}"


def _links(text: str) -> list[tuple[str, str]]:
    """Return (how, number of the page) of a decision's head line."""
    head = HEAD.fullmatch("".join(text.splitlines()[2:3]))
    if head is None:
        return []
    found = [
        (link["how"], number) for link in LINKS.finditer(head["links"]) for number, _ in LINK.findall(link["pages"])
    ]
    return found + [("superseded by", number) for number, _ in LINK.findall(head["by"] or "")]


def long_lines(name: str, text: str) -> Iterator[str]:
    """Yield the lines of a page's prose that have too many columns."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        code ^= line.lstrip().startswith("```")
        if len(line) > COLUMNS and not code and not line.startswith(("|", "    ")):
            yield f"{name}:{number}: {len(line)} columns; break the paragraph's lines at {COLUMNS}"


def dead_links(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead to no file of the tree, and the modules that it names and nobody has.

    A module may be named as seen from the root, from the library, from any service, or from the page itself. Only the
    pages of docs/ are held to it: a dated page tells of its day, and other places say how something new is made.
    """
    elsewhere = not page.is_relative_to(ROOT / "docs") or DATED.search(page.name)
    places = [ROOT, ROOT / "libs" / "proofwatch", *(ROOT / "services").glob("*"), page.parent]
    for number, line in enumerate(page.read_text().splitlines(), 1):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)}:{number}: it links to {target}, which does not exist"
        for module in () if elsewhere else re.findall(r"`([\w.-]+/[\w./-]+\.py)`", line):
            if not any((place / module).exists() for place in places):
                yield f"{page.relative_to(ROOT)}:{number}: it names {module}, which does not exist"


def miscounted(name: str, text: str, processes: int) -> Iterator[str]:
    """Yield where a text counts the processes of `proofwatch run` and comes to another number."""
    wanted = f"{NUMBERS[processes - 1]} processes"
    for found in COUNTED.finditer(text):
        said = " ".join(found.groups())
        if said.lower() != wanted:
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: {said}: `proofwatch run` has {wanted}"


def _written() -> Iterator[Path]:
    """Yield the tree's own texts: what is generated, cached or an operator's is in none of these places."""
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name.endswith(WRITTEN))
    for place in PLACES:
        yield from (path for path in sorted((ROOT / place).rglob("*")) if path.name.endswith(WRITTEN))


if __name__ == "__main__":
    sys.exit(main())
