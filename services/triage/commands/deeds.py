"""What `proofwatch cases` can do with one case: a row for each deed, with what it takes and what it says."""

import argparse
from collections.abc import Mapping
from typing import Final, NamedTuple

from proofwatch.command_line import kept
from proofwatch.command_line.sub_commands import Add
from proofwatch.command_line.times import moment
from services.triage.core.assignments import NOTHING, Change
from services.triage.core.dispositions import ATTACKS, Finding
from services.triage.core.life import Deed


class DeedRow(NamedTuple):
    """One deed: `reason`: an example of one, where it needs one; `more`: an example of what else it takes."""

    summary: str
    said: str
    reason: str | None = None
    more: str = ""


DEEDS: Final[Mapping[Deed, DeedRow]] = {
    "take": DeedRow("take a case that nobody works on", "it is yours"),
    "assign": DeedRow("give a case to somebody, as a checker", "{to} works on it now", more="--to a.rao"),
    "release": DeedRow("work on a case no more", "nobody works on it now"),
    "review": DeedRow("begin to look into a case that is yours", "it is under review"),
    "clear": DeedRow("say that a case is no threat", "it is cleared", "poor light"),
    "threat": DeedRow(
        "say that a case is a threat", "it is a threat, and escalated", "a seam at the neck", "--species silicone_mask"
    ),
    "approve": DeedRow("agree to what an analyst proposed, as a checker", "that is what it is now"),
    "reject": DeedRow("send back what an analyst proposed, as a checker", "it was sent back", "the seam is a collar"),
    "know": DeedRow("say that an escalated threat is a known one", "it is known", "as in May"),
    "novel": DeedRow("say that an escalated threat is a new one", "it is novel", "a mask in no pattern"),
    "high_risk": DeedRow("say that a novel threat is of high risk", "it is of high risk", "it passes everywhere"),
    "refer": DeedRow(
        "hand a case on to the Research Group: it is novel, or grave",
        "the Research Group has it now",
        "a mask that is in no pattern",
    ),
    "snooze": DeedRow("let a case rest", "it rests until then", "upstream answers on Monday", "--until +72h"),
    "wake": DeedRow("let a case rest no more", "it rests no more"),
    "merge": DeedRow(
        "make a case a part of another, which goes on for both",
        "it is a part of {into} now",
        "the same mask",
        "--into 0d4f3a52-6a6e-5d0a-8a8e-2f7f6f7f0a11",
    ),
    "unmerge": DeedRow("take a case out of the one that it is a part of", "it goes on by itself", "another light"),
    "close": DeedRow("close a case", "the case is closed", "the same artefact as in May"),
    "reopen": DeedRow("open a closed case anew", "it is open again", "a third claim of the same face"),
}
"""In the order in which the help shows them."""


class NoReason(ValueError):
    """A reason is needed."""


def declare(deed: Deed, add: Add) -> None:
    """Declare what a deed takes, beside the case."""
    if DEEDS[deed].reason:
        kept.add_reason(add, "why; it stays")
    if deed == "assign":
        add("--to", type=kept.name, required=True, metavar="NAME", help="the account")
    if deed == "merge":
        add("--into", type=kept.name, required=True, metavar="CASE", help="the case that goes on for it")
    if deed == "threat":
        add("--attack", choices=ATTACKS, default="presentation", help="default: %(default)s")
        add(
            "--species",
            type=kept.name,
            metavar="NAME",
            help="of the attack instrument, or the method of an injection, if it is known",
        )
    if deed == "snooze":
        add(
            "--until",
            required=True,
            type=moment,
            metavar="TIME",
            help="such as +72h, or 2026-03-09T09:00:00Z; 30 days at most",
        )
    add(
        "--seen",
        type=kept.name,
        metavar="SEEN",
        help="only if it is still as you saw it: what `show` said under `seen`",
    )


def deed_in(args: argparse.Namespace) -> Deed:
    """Return which deed was typed."""
    deed: Deed = args.action.replace("-", "_")
    return deed


def reason_in(args: argparse.Namespace) -> str:
    """Return why. Raises `NoReason` where it must be said and is not."""
    reason: str = getattr(args, "reason", "").strip()
    if DEEDS[deed_in(args)].reason and not reason:
        raise NoReason("--reason must say why: it stays")
    return reason


def finding_in(args: argparse.Namespace, reason: str) -> Finding | None:
    """Return what was found, where that is said. Raises `ValueError`."""
    if args.action == "clear":
        return Finding.of("cleared", reason)
    return Finding.of("threat", reason, args.attack, args.species) if args.action == "threat" else None


def outcome(deed: Deed, change: Change, to: str | None, into: str | None = None) -> str:
    """Return what became of the case, in a line."""
    if change == NOTHING:
        return "it was so already\n"
    if change.propose:
        return "a checker is asked to approve it\n"
    return DEEDS[deed].said.format(to=to, into=into) + "\n"
