"""`proofwatch policy`: policies under four eyes, from the file to the scope where they decide, and back."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from services.governance import activation, signatures
from services.governance.arguments import action, as_json, beginning, instant_ms, on_the_log, signing
from services.governance.document_commands import POLICIES
from services.governance.governed_log import run_action
from services.governance.keys import make_key

_HASH = "0e0f6a"
_SCOPE = "* for everyone, a tenant, or tenant/segment=value for a cohort"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _looking(actions)
    _signing(actions)
    _add_activating(actions)
    keygen = action(
        actions, "policy", "keygen", "make a private key and print its entry in the keyring", "--person a.lovelace",
        lambda args: make_key(args.person, args.out),
    )  # fmt: skip
    keygen.add_argument("--person", required=True, metavar="NAME", help="whose key it is; one name for each person")
    keygen.add_argument("--out", type=Path, metavar="FILE", help="the private key; default: NAME.key")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when a file or argument cannot be used."""
    return run_action("policy", args)


def _looking(actions: Any) -> None:
    check = action(actions, "policy", "check", "read a policy file and give its hash", "new.yaml", POLICIES.check)
    check.add_argument("file", type=Path, metavar="FILE")
    as_json(check)
    diff = action(
        actions, "policy", "diff", "show what differs, and which is stricter", "old.yaml new.yaml", POLICIES.diff
    )
    diff.add_argument("old", metavar="A", help="a file, or the hash of a policy in the log")
    diff.add_argument("new", metavar="B")
    on_the_log(diff)
    as_json(diff)
    show = action(actions, "policy", "show", "show a policy of the log and who has signed it", _HASH, POLICIES.show)
    show.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    on_the_log(show)
    as_json(show)
    history = action(
        actions, "policy", "history", "show what was, is and will be in force", "--scope acme", POLICIES.history
    )
    history.add_argument("--scope", help=f"only of this scope: {_SCOPE}")
    on_the_log(history)
    as_json(history)


def _signing(actions: Any) -> None:
    propose = action(
        actions, "policy", "propose", "publish a policy with your signature", "new.yaml --key ada.key",
        partial(signatures.propose, POLICIES),
    )  # fmt: skip
    propose.add_argument("file", type=Path, metavar="FILE")
    approve = action(
        actions, "policy", "approve", "add your signature, after seeing what changes", f"{_HASH} --key bob.key",
        partial(signatures.approve, POLICIES),
    )  # fmt: skip
    approve.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    for parser in (propose, approve):
        parser.add_argument("--scope", default="*", help="compare with what is in force there (default: everyone)")
        on_the_log(parser)
        signing(parser)


def _add_activating(actions: Any) -> None:
    activate = action(
        actions, "policy", "activate", "bring an approved policy into force",
        f"{_HASH} --scope acme --effective-from 2026-12-01T08:00:00Z --key ada.key",
        partial(activation.activate, POLICIES),
    )  # fmt: skip
    activate.add_argument("hash", metavar="HASH", help="or its first digits, at least six")
    activate.add_argument("--shadow", action="store_true", help="judge by it beside the live one; it decides nothing")
    activate.add_argument(
        "--ends-at", type=instant_ms, metavar="TIME", help="until then (exclusive); then the next wider scope decides"
    )
    rollback = action(
        actions, "policy", "rollback", "bring back what was in force before", "--scope acme --key ada.key",
        activation.rollback,
    )  # fmt: skip
    withdraw = action(
        actions, "policy", "withdraw", "end what is in force: the next wider scope decides then",
        "--scope acme --key ada.key", activation.withdraw,
    )  # fmt: skip
    withdraw.add_argument("--shadow", metavar="HASH", help="end this shadow policy instead of the live one")
    for parser in (activate, rollback, withdraw):
        parser.add_argument("--scope", required=True, help=_SCOPE)
        beginning(parser)
        on_the_log(parser)
        signing(parser)
