"""Secrets that people type: at a prompt without echo, or from a file or a pipe; never as an argument."""

import getpass
import sys
from pathlib import Path

from proofwatch.runtime.secrets import read_secret


class NothingTyped(Exception):
    """A secret is needed and there is nobody to type it; the message says what helps."""


def password(file: Path | None, *, twice: bool = False) -> str:
    """Return a password; `twice`: a new one, which must be typed alike. Raises `InvalidSecretFile`, `NothingTyped`."""
    if file is not None:
        return read_secret(file)
    if not sys.stdin.isatty():
        raise NothingTyped("there is no terminal to type a password at; give --password-file FILE")
    first = getpass.getpass("password: ")
    if twice and getpass.getpass("once more: ") != first:
        raise NothingTyped("the two differ; nothing was changed")
    return first


def one_time_code() -> str:
    """Return the code that the person's app shows: typed, or the first line of a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass("one-time code: ")
    return sys.stdin.readline().strip()
