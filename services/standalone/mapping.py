"""`proofwatch mapping guess`: drafts a mapping file for a score file."""

import argparse
import sys
from pathlib import Path

from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.scorefile.guess import guess
from proofwatch.tabular import TableError, open_table
from services.standalone.folder_lock import Unwritable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    drafting = SubCommands(parser).add(
        "guess",
        "draft a mapping from the names of the columns and what they hold",
        "scores.csv --out mapping.yaml",
        draft,
    )
    drafting.add_argument("file", type=Path, metavar="FILE", help="a score file, as for replay")
    drafting.add_argument("--out", type=Path, metavar="FILE", help="where the draft goes; default: standard output")


def run(args: argparse.Namespace) -> int:
    """Do what the sub-command says; return 0, or 2 when the file cannot be read or the draft not written."""
    return ended(f"mapping {args.action}", lambda: args.act(args), wrong=(TableError, Unwritable))


def draft(args: argparse.Namespace) -> None:
    """Write the draft. Raises `TableError`, `Unwritable`."""
    text = guess(open_table(args.file))
    if args.out is None:
        sys.stdout.write(text)
        return
    try:
        with args.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Unwritable(f"{args.out}: cannot be written ({error.strerror}); give a new file") from None
    sys.stderr.write(f"written: {args.out}; check it, then give it as --mapping\n")
