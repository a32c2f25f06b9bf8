"""Options that many commands have, in the same words everywhere."""

import argparse

from proofwatch.command_line.sub_commands import Add


def add_bootstrap(add: Add) -> None:
    """Declare where Kafka is; `add`: a parser's `add_argument`."""
    add("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")


def add_json(add: Add) -> None:
    """Declare the output for programs."""
    add("--json", action="store_true", help="JSON instead of a table")


def positive(text: str) -> int:
    """Return a whole number from 1 on. Raises `argparse.ArgumentTypeError`."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError("must be a whole number, at least 1")
    return int(text)
