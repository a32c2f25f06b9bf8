"""The dated page, from the results alone: `python -m tests.benchmarks.page [docs/benchmarks/DATE.json]`."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks import prose
from tests.benchmarks.interpreter import described
from tests.benchmarks.plots import draw_journey, draw_latency, draw_memory
from tests.benchmarks.results import load
from tests.benchmarks.rows import Rows
from tests.benchmarks.tables import tables

_DRAWINGS: Final = {"latency": draw_latency, "memory": draw_memory, "journey": draw_journey}
TITLES: Final = {
    "throughput": "Side by side",
    "latency": "Event to verdict",
    "memory": "Memory",
    "tenants": "Tenants with their own policies",
    "costs": "Where the time goes",
    "counting": "Counting",
    "standalone": "Standalone",
    "audit": "The audit log",
    "imagery": "Imagery",
    "intake": "Suspicions into cases",
    "desk": "The console under people",
    "journey": "The whole journey",
}
"""Every benchmark, in the order in which it is run and shown."""


def write_page(file: Path) -> Path:
    """Write the page of the results in `file` (HOME/benchmarks/DATE.json) as HOME/benchmarks-DATE.md; return it."""
    day = load(file)
    found = day["benchmarks"]
    for name, draw in _DRAWINGS.items():
        if name in found:
            draw(found[name], file.with_name(f"{day['date']}-{name}.svg"))
    page = file.parent.parent / f"benchmarks-{day['date']}.md"
    page.write_text("\n".join(_lines(day, file)) + "\n")
    return page


def _lines(day: dict[str, Any], file: Path) -> Iterator[str]:
    yield f"# Benchmarks, {day['date']}"
    yield ""
    yield f"<!-- Generated from {file.parent.name}/{file.name} by `python -m tests.benchmarks.page`; do not edit. -->"
    yield ""
    yield from map(_wrapped, prose.opening(day))
    for name in TITLES:
        if name not in day["benchmarks"]:
            continue
        result = day["benchmarks"][name]
        yield f"\n## {TITLES[name]}\n"
        yield from map(_wrapped, prose.before(name, result))
        if built := day.get("interpreters", {}).get(name):
            yield _wrapped(f"\n{described(built)}")
        for rows in tables(name, result):
            yield ""
            yield from _table(rows)
        if name in _DRAWINGS:
            yield f"\n![{TITLES[name]}]({file.parent.name}/{day['date']}-{name}.svg)"
        yield from prose.after(name, result)


def _wrapped(paragraph: str) -> str:
    blank = "\n" if paragraph.startswith("\n") else ""
    return blank + textwrap.fill(paragraph.strip(), 120, break_long_words=False, break_on_hyphens=False)


def _table(rows: Rows) -> Iterator[str]:
    yield f"**{rows.title}**"
    yield ""
    yield _line(rows.heads)
    yield "|---|" + "---:|" * (len(rows.heads) - 1)
    yield from map(_line, rows.rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for name in sys.argv[1:] or [str(max(Path("docs/benchmarks").glob("*.json")))]:
        sys.stdout.write(f"{write_page(Path(name))}\n")
