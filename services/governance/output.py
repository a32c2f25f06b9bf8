"""What the commands show: tables for people, JSON for programs, and the question before something is published."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from proofwatch.plain import one_line
from proofwatch.runtime.terminal import Terminal, literal
from services.governance.core.difference import Change
from services.governance.governed_log import RequestRefused

_WIDE = 240  # not a terminal: nothing is folded
_STYLES = {"stricter": "green", "laxer": "red", "in force": "green", "coming": "cyan", "refused": "red", "past": "dim"}


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; nothing in it is cut off."""
    print_line(title)
    made = Table(show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*[literal(_text(cell), _STYLES.get(_text(cell), "")) for cell in row])
    Terminal(width=None if sys.stdout.isatty() else _WIDE).print(made)


def print_json(value: Any) -> None:
    """Print JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_changes(title: str, found: Sequence[Change], *, as_json: bool = False) -> None:
    """Print what differs."""
    if as_json:
        print_json([each._asdict() for each in found])
    elif not found:
        sys.stdout.write(f"{title}: nothing differs\n")
    else:
        rows = [(each.key, _value(each.old), _value(each.new), each.direction or "") for each in found]
        print_table(title, ("key", "old", "new", "is"), rows)


def print_line(text: str) -> None:
    """Print one line."""
    sys.stdout.write(one_line(text) + "\n")


def confirm(args: argparse.Namespace, what: str) -> bool:
    """Return whether to publish; False on a dry run. Raises `RequestRefused` when nobody can be asked, or says no."""
    if args.dry_run:
        print_line(f"{what}: would be published (dry run)")
        return False
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise RequestRefused(
            "nothing was published: nobody can be asked here; look at it with --dry-run, then give --yes"
        )
    sys.stdout.write(f"{one_line(what)}: publish? It cannot be taken back. [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RequestRefused("nothing was published")
    return True


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return ", ".join(map(str, cell)) if isinstance(cell, tuple | list) else str(cell)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
