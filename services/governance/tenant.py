"""`proofwatch tenant`: contract, time zone, segments and lawful bases of a tenant, under four eyes like policies."""

import argparse
from functools import partial
from pathlib import Path

from proofwatch.command_line.options import add_json
from proofwatch.command_line.sub_commands import SubCommands
from services.governance import activation, signatures
from services.governance.arguments import add_effective_from, add_log_options, add_signing
from services.governance.document_commands import TENANTS
from services.governance.governed_log import run_action

_HASH = "4be11d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser)
    check = actions.add("check", "read a tenant file and give its hash", "acme.yaml", TENANTS.check)
    check.add_argument("file", type=Path, metavar="FILE")
    add_json(check.add_argument)
    show = actions.add("show", "show settings of the log and who has signed them", _HASH, TENANTS.show)
    show.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    history = actions.add("history", "show what was, is and will be in force", "--scope acme", TENANTS.history)
    history.add_argument("--scope", metavar="TENANT", help="only of this tenant")
    propose = actions.add(
        "propose",
        "publish a tenant's settings with your signature",
        "acme.yaml --key ada.key",
        partial(signatures.propose, TENANTS),
    )
    propose.add_argument("file", type=Path, metavar="FILE")
    approve = actions.add(
        "approve",
        "add your signature, after seeing what changes",
        f"{_HASH} --key bob.key",
        partial(signatures.approve, TENANTS),
    )
    activate = actions.add(
        "activate",
        "bring approved settings into force for their tenant",
        f"{_HASH} --key ada.key",
        partial(activation.activate, TENANTS),
    )
    add_effective_from(activate)
    for each in (approve, activate):
        each.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    for each in (propose, approve, activate):
        add_signing(each)
    for each in (show, history):
        add_json(each.add_argument)
    for each in (show, history, propose, approve, activate):
        add_log_options(each)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when a file or argument cannot be used."""
    return run_action("tenant", args)
