"""`proofwatch audit`: what an operator exports and an outsider checks."""

import argparse
import asyncio
import inspect
from pathlib import Path
from typing import Final

from proofwatch.audit.policy import InvalidPolicy
from proofwatch.audit.verify import CannotCompare
from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import positive
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.command_line.times import moment_ms
from proofwatch.exits.asking import add_asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.new_file import NotNew
from services.auditor.adapters.log_reader import FARTHEST, index_of
from services.auditor.commands import offline, online, witness
from services.auditor.commands.files import NotAnExport
from services.auditor.commands.offline import CannotRead
from services.auditor.commands.online import NothingFound
from services.auditor.commands.witness_server import StateUnusable
from services.auditor.commands.write_export import CannotExport

_SAID: Final = (
    BusError, CannotCompare, CannotExport, CannotRead, InvalidPolicy, NotAnExport, NotNew, NothingFound, StateUnusable,
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Keys, exports, proofs and verification of the audit log. verify, fork, proof and witness need files alone, "
        "and trust nobody who wrote them."
    )
    actions = SubCommands(parser)
    _add_offline(actions)
    _add_online(actions)


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if what was checked does not hold, 2 if it could not be done."""
    return ended(f"audit {args.action}", lambda: _code(args), refused=REFUSED, wrong=(*_SAID, *WRONG))


def _code(args: argparse.Namespace) -> int:
    code = args.act(args)
    return asyncio.run(code) if inspect.iscoroutine(code) else int(code)


def _add_offline(actions: SubCommands) -> None:
    add = actions.add("verify", "check an export, offline", "out/audit --key log.pub", offline.verified).add_argument
    add("folder", type=Path, help="what `proofwatch audit export` wrote")
    _add_keys(add, "the log's public key, from elsewhere than the export; repeat for several")
    add("--since", type=Path, metavar="FILE", help="a checkpoint that you kept: that what was in it then still is")
    add("--witness-policy", type=Path, metavar="FILE", help="whose cosignatures you trust (C2SP tlog-policy)")
    add("--fork-out", type=Path, metavar="FILE", help="where the proof of a fork is written, if there is one")
    add("--json", action="store_true", help="JSON instead of text")
    add = actions.add("fork", "check the proof of a fork", "fork.json --key log.pub", offline.fork).add_argument
    add("file", type=Path, help="what `verify --fork-out` wrote")
    _add_keys(add, "the log's public keys", required=True)
    add = actions.add(
        "proof", "check the proof of one entry", "e.tlog-proof --leaf e.leaf.json --key log.pub", offline.proof
    ).add_argument
    add("file", type=Path, help="what `prove` wrote")
    add("--leaf", type=Path, required=True, metavar="FILE", help="the entry, byte for byte")
    _add_keys(add, "the log's public keys", required=True)
    add = actions.add("keygen", "make a signing key", "audit.example/a --out log.key", offline.keygen).add_argument
    add(
        "name",
        type=kept.name,
        help="the log's origin, or the name of a witness: an address without https://, that is yours",
    )
    add("--out", type=Path, required=True, metavar="FILE", help="where the secret key goes; it must not exist")
    add("--witness", action="store_true", help="a key that cosigns, not one of a log")
    add = actions.add(
        "witness", "run a witness", "--key w.key --log log.pub --state seen.json --listen 127.0.0.1:8470", witness.serve
    ).add_argument
    add("--key", type=Path, required=True, metavar="FILE", help="its secret key, made with keygen --witness")
    add("--log", type=Path, required=True, metavar="FILE", help="public keys of the logs that it watches")
    add("--state", type=Path, required=True, metavar="FILE", help="what it has seen; never to be lost or restored")
    add("--listen", default="127.0.0.1:8470", metavar="HOST:PORT", help="default: %(default)s")


def _add_online(actions: SubCommands) -> None:
    add = actions.add(
        "export",
        "write what an outsider checks",
        "--out out/audit --as my.session --reason 'audit of May'",
        online.exported,
    ).add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder, or an empty one")
    add("--from", dest="begin", type=_index, metavar="N", help="from this entry on; default: the first")
    add(
        "--to",
        dest="end",
        type=_index,
        metavar="M",
        help="up to, and without, this entry; default: all that are signed",
    )
    add("--witness-policy", type=Path, metavar="FILE", help="whose cosignatures go with it")
    add_asking(add)
    add = actions.add(
        "prove", "write the proof of one entry", "48211 --out e.tlog-proof --as my.session", online.proved
    ).add_argument
    add("entry", help="its index or its id")
    add("--out", type=Path, required=True, metavar="FILE", help="the proof; the entry is written beside it")
    add_asking(add)
    add = actions.add("show", "show one entry whole", "48211 --as my.session", online.shown).add_argument
    add("entry", help="its index or its id")
    _add_run(add)
    add_asking(add)
    example = "--entry-action 'imagery.*' --since 24h --as my.session"
    add = actions.add("search", "list the newest entries", example, online.searched).add_argument
    add("--entry-action", metavar="A", help="what was done; * stands for anything")
    add("--actor", metavar="WHO", help="a person's account or a service")
    add("--tenant", type=kept.tenant, metavar="T", help="whose data it was about")
    add("--since", type=moment_ms, metavar="WHEN", help="such as 24h, 7d, or a time")
    _add_run(add)
    add("--own", action="store_true", help="your own entries only, which you need no auditor for")
    add_asking(add)
    add("--limit", type=positive, default=50, metavar="N", help="default: %(default)s")
    add("--json", action="store_true", help="a JSON object on each line")
    actions.add("keys", "list the log's keys, and its last checkpoint", "", online.keys)


def _index(text: str) -> int:
    """Return the index of an entry. Raises `argparse.ArgumentTypeError`."""
    found = index_of(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be a whole number, from 0 to {FARTHEST}")
    return found


def _add_run(add: Add) -> None:
    add("--run", type=Path, metavar="DIR", help="read the export of a demo or replay (or any), not the database")


def _add_keys(add: Add, help_: str, *, required: bool = False) -> None:
    add("--key", type=Path, action="append", default=[], required=required, metavar="FILE", help=help_)
