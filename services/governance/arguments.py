"""Arguments that the commands of governance share."""

import argparse
from pathlib import Path

from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.times import zoned_moment_ms
from proofwatch.exits.asking import add_asking


def add_log_options(parser: argparse.ArgumentParser, *, keyring: bool = True) -> None:
    """Declare where the log and the keyring are."""
    add_bootstrap(parser.add_argument)
    if keyring:
        parser.add_argument("--keyring", type=Path, metavar="FILE", help="default: PROOFWATCH_KEYRING_FILE")


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Declare whose key signs, and that one has looked at what is published."""
    parser.add_argument("--key", type=Path, metavar="KEYFILE", help="your private key; default: PROOFWATCH_KEY_FILE")
    add_publishing(parser)


def add_publishing(parser: argparse.ArgumentParser) -> None:
    """Declare that one has looked at what is published: nothing on these topics can be taken back."""
    parser.add_argument("--yes", action="store_true", help="publish without asking; needed outside of a terminal")
    parser.add_argument("--dry-run", action="store_true", help="check and show everything, publish nothing")


def add_who(parser: argparse.ArgumentParser) -> None:
    """Declare who publishes and why, where no signature says so, and the database where that is on record."""
    add_asking(parser.add_argument)
    parser.add_argument(
        "--dsn", metavar="DSN", help="the database, where it is on record; default: PROOFWATCH_POSTGRES_DSN"
    )


def add_effective_from(parser: argparse.ArgumentParser) -> None:
    """Declare from when."""
    parser.add_argument(
        "--effective-from",
        type=zoned_moment_ms,
        metavar="TIME",
        help="from which log time on: RFC 3339, or +10m from now (s, m, h, d); default: as soon as possible",
    )
