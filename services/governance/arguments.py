"""Arguments that the commands of governance share."""

import argparse
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from proofwatch.governance.times import ms_of

_RELATIVE: Final = re.compile(r"\+(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def action(
    actions: Any, command: str, name: str, summary: str, example: str, act: Callable[[argparse.Namespace], Any]
) -> argparse.ArgumentParser:
    """Add a sub-command that calls `act`; its help ends with an example."""
    parser: argparse.ArgumentParser = actions.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  proofwatch {command} {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(act=act)
    return parser


def on_the_log(parser: argparse.ArgumentParser, *, keyring: bool = True) -> None:
    """Declare where the log and the keyring are."""
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    if keyring:
        parser.add_argument("--keyring", type=Path, metavar="FILE", help="default: PROOFWATCH_KEYRING_FILE")


def signing(parser: argparse.ArgumentParser) -> None:
    """Declare whose key signs, and that one has looked at what is published."""
    parser.add_argument("--key", type=Path, metavar="KEYFILE", help="your private key; default: PROOFWATCH_KEY_FILE")
    publishing(parser)


def publishing(parser: argparse.ArgumentParser) -> None:
    """Declare that one has looked at what is published: nothing on these topics can be taken back."""
    parser.add_argument("--yes", action="store_true", help="publish without asking; needed outside of a terminal")
    parser.add_argument("--dry-run", action="store_true", help="check and show everything, publish nothing")


def beginning(parser: argparse.ArgumentParser) -> None:
    """Declare from when."""
    parser.add_argument(
        "--effective-from",
        type=instant_ms,
        metavar="TIME",
        help="from which log time on: RFC 3339, or +10m from now (s, m, h, d); default: as soon as possible",
    )


def as_json(parser: argparse.ArgumentParser) -> None:
    """Declare the output of programs."""
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def instant_ms(text: str) -> int:
    """Return an instant as milliseconds since the epoch: RFC 3339 with an offset, or relative to now."""
    if found := _RELATIVE.fullmatch(text):
        return time.time_ns() // 1_000_000 + int(found[1]) * _SECONDS[found[2]] * 1000
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; right is 2026-12-01T08:00:00Z or +10m")
    return ms_of(instant)
