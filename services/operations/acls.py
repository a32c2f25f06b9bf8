"""`proofwatch acls`: the least that every process needs, for Kafka and PostgreSQL."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from proofwatch.events.topics import load_manifests
from services.operations.access import PROCESSES, TEMPLATE, Acl, acls, others, principal_of
from services.operations.access_text import as_commands, as_json, as_sql, as_yaml

_FORMATS: Final[dict[str, Callable[[Sequence[Acl]], str]]] = {
    "commands": as_commands,
    "json": as_json,
    "yaml": as_yaml,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--format",
        choices=(*_FORMATS, "sql"),
        default="commands",
        help="lines for kafka-acls.sh, JSON or YAML; or roles of PostgreSQL as SQL (%(default)s)",
    )
    parser.add_argument(
        "--principal",
        default=TEMPLATE,
        metavar="TEMPLATE",
        help="principals of Kafka, with {process} for the name (%(default)s); with mutual TLS: 'User:CN={process},O=…'",
    )
    parser.add_argument("--only", choices=sorted(PROCESSES), metavar="PROCESS", help="for this process only")
    parser.add_argument(
        "--others", action="store_true", help="for those whom the manifests name and who are not of ours: upstream …"
    )
    parser.add_argument("--database", default="proofwatch", help="the database of the SQL (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print what to apply; nothing is connected to. Return 2 for arguments that make no sense."""
    if "{process}" not in args.principal:
        sys.stderr.write("proofwatch acls: --principal must hold {process}: each process is a principal of its own\n")
        return 2
    if args.format == "sql":
        sys.stdout.write(as_sql(args.database))
        return 0
    found = (others if args.others else acls)(load_manifests(), args.principal)
    if args.only:
        found = [acl for acl in found if acl.principal == principal_of(args.only, args.principal)]
    sys.stdout.write(_FORMATS[args.format](found))
    return 0
