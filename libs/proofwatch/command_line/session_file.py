"""The file that keeps somebody signed in between commands: a token, for its owner alone to read."""

import os
from pathlib import Path
from typing import Final

from proofwatch.command_line.sub_commands import Add
from proofwatch.runtime.secrets import InvalidSecretFile, read_secret

_MODE: Final = 0o600


class NotSignedIn(Exception):
    """There is no session to act with; the message says how to have one."""


def add_as(add: Add, *, required: bool = False) -> None:
    """Declare whose session it is that acts; `add`: a parser's `add_argument`."""
    add(
        "--as", dest="session", type=Path, required=required, metavar="FILE",
        help="who acts: the file that `proofwatch people sign-in` wrote",
    )  # fmt: skip


def token_in(path: Path) -> str:
    """Return the token that a file holds. Raises `NotSignedIn`; a file that others may read is none."""
    try:
        return read_secret(path)
    except InvalidSecretFile as error:
        raise NotSignedIn(f"{error}; sign in with: proofwatch people sign-in NAME --out {path}") from None


def write_token(path: Path, token: str) -> None:
    """Write a file that its owner alone may read; what it held before is gone. Raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, _MODE)
        file.write(f"{token}\n")
