"""`proofwatch policy`: policies under four eyes, from the file to the scope where they decide, and back."""

import argparse
from functools import partial
from pathlib import Path

from proofwatch.command_line import kept
from proofwatch.command_line.options import add_json
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.times import zoned_moment_ms
from services.governance import activation, signatures
from services.governance.arguments import add_effective_from, add_log_options, add_signing
from services.governance.document_commands import POLICIES
from services.governance.governed_log import run_action
from services.governance.keys import make_key

_HASH = "0e0f6a"
_SCOPE = "* for everyone, a tenant, or tenant/segment=value for a cohort"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser)
    _add_looking(actions)
    _add_signatures(actions)
    _add_activating(actions)
    keygen = actions.add(
        "keygen",
        "make a private key and print its entry in the keyring",
        "--person a.lovelace",
        lambda args: make_key(args.person, args.out),
    )
    keygen.add_argument(
        "--person", type=kept.name, required=True, metavar="NAME", help="whose key it is; one name for each person"
    )
    keygen.add_argument("--out", type=Path, metavar="FILE", help="the private key; default: NAME.key")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when a file or argument cannot be used."""
    return run_action("policy", args)


def _add_looking(actions: SubCommands) -> None:
    check = actions.add("check", "read a policy file and give its hash", "new.yaml", POLICIES.check)
    check.add_argument("file", type=Path, metavar="FILE")
    add_json(check.add_argument)
    diff = actions.add("diff", "show what differs, and which is stricter", "old.yaml new.yaml", POLICIES.diff)
    diff.add_argument("old", metavar="A", help="a file, or the hash of a policy in the log")
    diff.add_argument("new", metavar="B")
    add_log_options(diff)
    add_json(diff.add_argument)
    show = actions.add("show", "show a policy of the log and who has signed it", _HASH, POLICIES.show)
    show.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    add_log_options(show)
    add_json(show.add_argument)
    history = actions.add("history", "show what was, is and will be in force", "--scope acme", POLICIES.history)
    history.add_argument("--scope", help=f"only of this scope: {_SCOPE}")
    add_log_options(history)
    add_json(history.add_argument)


def _add_signatures(actions: SubCommands) -> None:
    propose = actions.add(
        "propose",
        "publish a policy with your signature",
        "new.yaml --key ada.key",
        partial(signatures.propose, POLICIES),
    )
    propose.add_argument("file", type=Path, metavar="FILE")
    approve = actions.add(
        "approve",
        "add your signature, after seeing what changes",
        f"{_HASH} --key bob.key",
        partial(signatures.approve, POLICIES),
    )
    approve.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    for parser in (propose, approve):
        parser.add_argument("--scope", default="*", help="compare with what is in force there (default: everyone)")
        add_log_options(parser)
        add_signing(parser)


def _add_activating(actions: SubCommands) -> None:
    activate = actions.add(
        "activate",
        "bring an approved policy into force",
        f"{_HASH} --scope acme --effective-from 2026-12-01T08:00:00Z --key ada.key",
        partial(activation.activate, POLICIES),
    )
    activate.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    activate.add_argument("--shadow", action="store_true", help="judge by it beside the live one; it decides nothing")
    activate.add_argument(
        "--ends-at",
        type=zoned_moment_ms,
        metavar="TIME",
        help="until then (exclusive); then the next wider scope decides",
    )
    rollback = actions.add(
        "rollback",
        "bring back what was in force before",
        "--scope acme --key ada.key",
        activation.rollback,
    )
    withdraw = actions.add(
        "withdraw",
        "end what is in force: the next wider scope decides then",
        "--scope acme --key ada.key",
        activation.withdraw,
    )
    withdraw.add_argument("--shadow", metavar="HASH", help="end this shadow policy instead of the live one")
    for parser in (activate, rollback, withdraw):
        parser.add_argument("--scope", required=True, help=_SCOPE)
        add_effective_from(parser)
        add_log_options(parser)
        add_signing(parser)
