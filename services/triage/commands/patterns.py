"""`proofwatch pattern`: attack patterns, from a draft to what the scorer compares live; each deed is on record."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from proofwatch.access.errors import AccessDenied
from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import opened
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import NotSignedIn, add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands, add_dsn
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.triage.adapters.pattern_desk import NoSuchPattern, PostgresPatterns
from services.triage.adapters.pattern_rows import Acted
from services.triage.commands import looking_back
from services.triage.commands.pattern_file import InvalidPattern, load_pattern, matches
from services.triage.config import Settings
from services.triage.core.patterns import Deed, Pattern

_WHO: Final = "emulators --as my.session --reason 'ticket 4711'"
_DEEDS: Final[dict[Deed, tuple[str, str]]] = {
    "propose": ("propose a draft: another person is asked to approve it", "an approver is asked to agree"),
    "approve": (
        "agree to what another proposed: to compare a pattern in shadow, or live",
        "it is {state} a minute after its record has reached the log",
    ),
    "reject": ("send back what another proposed", "it was sent back"),
    "live": ("propose that what is in shadow goes live", "an approver is asked to agree"),
    "withdraw": ("compare with a pattern no more; one person does it, at once", "it is withdrawn"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Attack patterns, as somebody who is signed in: `proofwatch people sign-in NAME --out my.session` first. "
        "All but `check` need the database rights of the role `triage`."
    )
    actions = SubCommands(parser, add_dsn)
    example = "emulators.yaml --over transactions.jsonl"
    checking = actions.add("check", "read a pattern file, and say what it would match", example, _check).add_argument
    _add_file(checking)
    checking("--over", type=Path, metavar="FILE", help="count its matches in a file of transaction events")
    case = "6b1f0c1e-6f0a-5b0e-9a53-0b6c2f1f7d10"
    summary = "draft a pattern from a case that was found to be novel, or write a draft anew"
    drafting = actions.add("draft", summary, f"emulators.yaml --case {case} --as my.session", _draft).add_argument
    _add_file(drafting)
    drafting("--case", type=kept.name, metavar="CASE", help="the case that it comes from; a new one needs it")
    add_as(drafting, required=True)
    for deed, (summary, _) in _DEEDS.items():
        add = actions.add(deed, summary, _WHO, _done).add_argument
        _add_pattern(add)
        kept.add_reason(add, "why; it stays")
        add_as(add, required=True)
    summary = "say what a pattern would have matched of late, and what is known of that"
    previewing = actions.add(
        "preview", summary, "emulators --since 7d --as my.session", looking_back.preview
    ).add_argument
    summary = "open for review what a pattern matched before, which must be in shadow or live"
    example = "emulators --since 7d --limit 500 --as my.session"
    hunting = actions.add("hunt", summary, example, looking_back.hunt).add_argument
    hunting("--limit", type=int, default=500, metavar="N", help="open at most so many (default: %(default)s)")
    for add in (previewing, hunting):
        _add_pattern(add)
        looking_back.declare(add)
        add_as(add, required=True)
    listing = actions.add("list", "list the patterns, and how they stand", "--as my.session", _listed).add_argument
    showing = actions.add(
        "show", "show one: what it says, and what people did with it", "emulators --as my.session", _one
    )
    _add_pattern(showing.add_argument)
    for add in (listing, showing.add_argument):
        add_as(add, required=True)
        add_json(add)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call or a file is wrong."""
    return ended(
        f"pattern {args.action}",
        lambda: asyncio.run(_run(args)),
        refused=(AccessDenied, BusError),
        wrong=(NoSuchPattern, NotSignedIn, InvalidPattern, ValueError),
    )


def _add_file(add: Add) -> None:
    add("pattern_file", type=Path, metavar="FILE", help="pattern_id, description, severity, species, predicate")


def _add_pattern(add: Add) -> None:
    add("pattern_id", type=kept.name, metavar="PATTERN", help="its name, as `list` shows it")


async def _run(args: argparse.Namespace) -> None:
    if args.act is _check:
        sys.stdout.write(_check(args))
        return
    token = token_in(args.session)
    async with opened(args.dsn or Settings.read().postgres_dsn, max_size=2) as pool:
        await check_schema(pool, "triage")
        act: Callable[[PostgresPatterns, str, argparse.Namespace, datetime], Awaitable[str]] = args.act
        said = await act(PostgresPatterns(pool), token, args, instant_of(SystemClock().now_ms()))
    sys.stdout.write(said)


def _check(args: argparse.Namespace) -> str:
    pattern = load_pattern(args.pattern_file)
    said = f"{args.pattern_file}: a valid pattern, {pattern.pattern_id}: {pattern.content().predicate}\n"
    if args.over is not None:
        matched, total = matches(pattern, args.over)
        said += f"{args.over}: matches {matched} of {total} transactions\n"
    return said


async def _draft(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    pattern = load_pattern(args.pattern_file)
    found = await at.draft(pattern.pattern_id, pattern.content(), args.case, token, now)
    return (
        f"{found.pattern_id} is a draft; `proofwatch pattern propose {found.pattern_id}` asks another to approve it\n"
    )


async def _done(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    found = await at.do(args.action, args.pattern_id, token, now, args.reason)
    return f"{found.pattern_id}: {_DEEDS[args.action][1].format(state=_state(found))}\n"


async def _listed(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    _, found = await at.listed(token, now)
    if args.json:
        return _json([_object(each) for each in found])
    if not found:
        return "no patterns\n"
    heads = ("PATTERN", "REVISION", "STATE", "SEVERITY", "SPECIES", "DESCRIPTION")
    return as_columns(heads, [_cells(each) for each in found])


async def _one(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    _, found, history = await at.one(args.pattern_id, token, now)
    if args.json:
        return _json({**_object(found), "history": [each._asdict() for each in history]})
    text = found.text
    lines = [
        f"{found.pattern_id}, revision {found.revision}: {_state(found)}",
        f"{text.description} (severity {text.severity}, species {text.species or 'unknown'})",
        f"predicate: {text.predicate}",
        *(["from case " + found.case_id] if found.case_id else []),
        *map(_told, history),
    ]
    return "".join(f"{each}\n" for each in lines)


def _told(acted: Acted) -> str:
    why = f": {acted.reason}" if acted.reason else ""
    return f"{acted.at:%Y-%m-%dT%H:%M:%SZ} {acted.name or acted.person_id} {acted.deed} → {acted.to_state}{why}"


def _state(pattern: Pattern) -> str:
    return pattern.state.replace("_", " ")


def _cells(pattern: Pattern) -> list[str]:
    text = pattern.text
    return [
        pattern.pattern_id,
        str(pattern.revision),
        _state(pattern),
        text.severity,
        text.species or "–",
        text.description,
    ]


def _object(pattern: Pattern) -> dict[str, Any]:
    given = {name: value for name, value in pattern._asdict().items() if name not in ("text", "tenant")}
    return {**given, **pattern.text._asdict()}


def _json(told: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"
