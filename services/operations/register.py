"""`proofwatch register`: the register of processing (GDPR Art. 30), from manifests and tenants' settings."""

import argparse
import sys
from pathlib import Path

import orjson

from proofwatch.events.stores import load_stores
from proofwatch.events.topics import load_manifests
from proofwatch.governance.register import InvalidOrganisation, Organisation, load_organisation, register
from proofwatch.governance.tenant import InvalidTenant, load_tenant
from services.operations.register_text import as_markdown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Write the register of processing: which data serves which purpose on which basis, where it lies, how long, "
        "and who receives it. What is not stated is listed as open. Nothing is connected to."
    )
    add = parser.add_argument
    add("--tenant", type=Path, action="append", default=[], metavar="FILE", help="a tenant's settings; repeatable")
    add("--organisation", type=Path, metavar="FILE", help="who operates this: name, contact, officer … as YAML")
    add("--format", choices=("markdown", "json"), default="markdown", help="(%(default)s)")
    add("--strict", action="store_true", help="exit code 1 where something is not stated")


def run(args: argparse.Namespace) -> int:
    """Print the register. Return 1 with --strict where something is open, 2 for a file that cannot be used."""
    try:
        organisation = load_organisation(args.organisation) if args.organisation else Organisation()
        tenants = [load_tenant(path) for path in args.tenant]
    except (InvalidOrganisation, InvalidTenant) as error:
        sys.stderr.write(f"proofwatch register: {error}\n")
        return 2
    document = register(load_manifests().values(), load_stores().values(), tenants, organisation)
    if args.format == "json":
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(as_markdown(document))
    if args.strict and document["open"]:
        sys.stderr.write(f"proofwatch register: {len(document['open'])} things are not stated, see `open`\n")
        return 1
    return 0
