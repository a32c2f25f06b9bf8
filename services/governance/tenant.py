"""`proofwatch tenant`: contract, time zone, segments and lawful bases of a tenant, under four eyes like policies."""

import argparse
from functools import partial
from pathlib import Path

from services.governance import activation, signatures
from services.governance.arguments import action, as_json, beginning, on_the_log, signing
from services.governance.document_commands import TENANTS
from services.governance.governed_log import run_action

_HASH = "4be11d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = action(actions, "tenant", "check", "read a tenant file and give its hash", "acme.yaml", TENANTS.check)
    check.add_argument("file", type=Path, metavar="FILE")
    as_json(check)
    show = action(actions, "tenant", "show", "show settings of the log and who has signed them", _HASH, TENANTS.show)
    show.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    history = action(
        actions, "tenant", "history", "show what was, is and will be in force", "--scope acme", TENANTS.history
    )
    history.add_argument("--scope", metavar="TENANT", help="only of this tenant")
    propose = action(
        actions, "tenant", "propose", "publish a tenant's settings with your signature", "acme.yaml --key ada.key",
        partial(signatures.propose, TENANTS),
    )  # fmt: skip
    propose.add_argument("file", type=Path, metavar="FILE")
    approve = action(
        actions, "tenant", "approve", "add your signature, after seeing what changes", f"{_HASH} --key bob.key",
        partial(signatures.approve, TENANTS),
    )  # fmt: skip
    activate = action(
        actions, "tenant", "activate", "bring approved settings into force for their tenant", f"{_HASH} --key ada.key",
        partial(activation.activate, TENANTS),
    )  # fmt: skip
    beginning(activate)
    for each in (approve, activate):
        each.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    for each in (propose, approve, activate):
        signing(each)
    for each in (show, history):
        as_json(each)
    for each in (show, history, propose, approve, activate):
        on_the_log(each)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when a file or argument cannot be used."""
    return run_action("tenant", args)
