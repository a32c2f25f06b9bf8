"""Options that many commands have, in the same words everywhere."""

from proofwatch.command_line.sub_commands import Add


def add_bootstrap(add: Add) -> None:
    """Declare where Kafka is; `add`: a parser's `add_argument`."""
    add("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")


def add_json(add: Add) -> None:
    """Declare the output for programs."""
    add("--json", action="store_true", help="JSON instead of a table")
