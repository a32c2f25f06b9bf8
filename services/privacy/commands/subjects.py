"""Whose data a command is about, as it is given: as an argument, or by a pipe, which no list of processes shows."""

import sys
from pathlib import Path
from typing import Final

from proofwatch.command_line import kept
from proofwatch.command_line.sub_commands import Add
from services.privacy.commands.opening import WrongCall

_MOST: Final = 256
_LONGEST: Final = 65_536


def add_subject(add: Add) -> None:
    """Declare tenant and data subject; `add`: a parser's `add_argument`."""
    add("tenant", type=kept.tenant, metavar="TENANT", help="whose data subject it is")
    add("subject", metavar="SUBJECT", help="its subject_ref; -: read from standard input, so that no list of processes "
        "and no history of a shell has it")  # fmt: skip


def subject_ref(given: str) -> str:
    """Return the subject_ref. Raises `WrongCall`."""
    found = _piped() if given == "-" else given
    if not 0 < len(found) <= _MOST:
        raise WrongCall(f"SUBJECT must be a subject_ref of 1 to {_MOST} characters")
    return found


def _piped() -> str:
    """Return the one line of a pipe. What a tool added to it would be of somebody else, whom nobody knows."""
    lines = sys.stdin.read(_LONGEST).splitlines()
    if len(lines) > 1:
        raise WrongCall("the pipe gives more than one line; each person is asked for by a call of their own")
    found = lines[0] if lines else ""
    if found != found.strip() or not found.isprintable():
        raise WrongCall(
            "the pipe gives a SUBJECT with spaces around it or with characters that nobody sees, such as a byte order "
            "mark: no such person is known; if it is really called that, give it as an argument"
        )
    return found


def transactions_in(path: Path | None) -> frozenset[str]:
    """Return the ids of a file, one on each line. Raises `WrongCall`, `OSError`."""
    if path is None:
        return frozenset()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise WrongCall(f"{path} is not UTF-8; give a file with a transaction id on each line") from None
    return frozenset(line.strip() for line in lines if line.strip())
