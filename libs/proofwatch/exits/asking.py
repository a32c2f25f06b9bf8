"""Who asks for data and why, on a command line: one way for every command that gives some out."""

import argparse
from pathlib import Path
from typing import NamedTuple

from proofwatch.access.reasons import stated
from proofwatch.command_line import kept
from proofwatch.command_line.session_file import add_as
from proofwatch.command_line.sub_commands import Add


class NotSaid(ValueError):
    """Who asks, or why, was not said; the message says how."""


class Asking(NamedTuple):
    """Who asks: by the file of a session, or by a name that somebody with the database's own rights states."""

    session: Path | None
    by: str
    reason: str


def add_asking(add: Add) -> None:
    """Declare who asks and why; `add`: a parser's `add_argument`."""
    add_as(add)
    add(
        "--by",
        type=kept.name,
        metavar="PERSON",
        help="who asks, instead of --as, by the database's own rights; on record as stated",
    )
    add("--reason", type=kept.reason, default="", metavar="WHY", help="what for; stays in the audit log")


def asking(args: argparse.Namespace, *, reason: bool = True) -> Asking:
    """Return who asks. Raises `NotSaid`; `reason`: it is needed."""
    by = (args.by or "").strip()
    if bool(by) == (args.session is not None):
        raise NotSaid(
            "say who asks, it is on record: --as FILE, the session that `proofwatch people sign-in NAME --out FILE` "
            "wrote; or, with the database's own rights and no session, --by NAME"
        )
    why = stated(args.reason)
    if reason and not why:
        raise NotSaid("--reason must say what for: it stays in the audit log")
    return Asking(args.session, by, why)
