"""`proofwatch cases`: what there is to work on, and who does; every act is an entry of the audit log."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from proofwatch.access.errors import AccessDenied
from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import opened
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import time_zone
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import NotSignedIn, add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands, add_dsn
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.triage.adapters.desk import NoSuchCase, PostgresDesk
from services.triage.app import desk
from services.triage.commands import text
from services.triage.commands.deeds import DEEDS, declare, deed_in, finding_in, outcome, reason_in
from services.triage.config import Settings

_RUNNING: Final = ("open", "escalated")
_STATES: Final = {"running": _RUNNING, "open": ("open",), "escalated": ("escalated",), "closed": ("closed",)}
_CASE: Final = "6b1f0c1e-6f0a-5b0e-9a53-0b6c2f1f7d10 --as my.session"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Cases, as somebody who is signed in may see them: `proofwatch people sign-in NAME --out my.session` first. "
        "Needs the database rights of the role `triage`."
    )
    actions = SubCommands(parser, add_dsn)
    add = actions.add("list", "list the cases that are there for you", "--as my.session", _listed).add_argument
    add_as(add, required=True)
    add("--state", choices=sorted(_STATES), default="running", help="default: %(default)s, which is open or escalated")
    add("--overdue", action="store_true", help="those whose due time is over")
    add("--mine", action="store_true", help="those that you work on")
    add("--time-zone", type=time_zone, metavar="ZONE", help="such as Asia/Kolkata: by whose clock; default: UTC")
    add("--limit", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)")
    add_json(add)
    show = _add_case(actions, "show", "show one case; of a part, the whole that it goes on with", _shown)
    show("--itself", action="store_true", help="of a part: the part itself")
    summary = "take the next case: grave ones first, then overdue ones, then the oldest"
    add_as(actions.add("next", summary, "--as my.session", _next).add_argument, required=True)
    for deed, row in DEEDS.items():
        example = " ".join(filter(None, (_CASE, row.more, row.reason and f"--reason '{row.reason}'")))
        declare(deed, _add_case(actions, deed.replace("_", "-"), row.summary, _acted, example))


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    return ended(
        f"cases {args.action}",
        lambda: asyncio.run(_with_database(args)),
        refused=(AccessDenied, BusError),
        wrong=(NoSuchCase, NotSignedIn, ValueError),
    )


def _add_case(actions: SubCommands, name: str, summary: str, act: Any, example: str = _CASE) -> Add:
    add = actions.add(name, summary, example, act).add_argument
    add("case", type=kept.name, metavar="CASE", help="its id, as `list` shows it")
    add_as(add, required=True)
    return add


async def _with_database(args: argparse.Namespace) -> None:
    token = token_in(args.session)
    async with opened(args.dsn or Settings.read().postgres_dsn, max_size=2) as pool:
        await check_schema(pool, "triage")
        act: Callable[[PostgresDesk, str, argparse.Namespace, datetime], Awaitable[str]] = args.act
        said = await act(desk(Settings.read(), pool), token, args, instant_of(SystemClock().now_ms()))
    sys.stdout.write(said)


async def _listed(at: PostgresDesk, token: str, args: argparse.Namespace, now: datetime) -> str:
    found = await at.listed(
        token, now, states=_STATES[args.state], mine=args.mine, overdue=args.overdue, most=max(1, args.limit)
    )
    return text.as_json(found) if args.json else text.as_table(found, args.time_zone)


async def _shown(at: PostgresDesk, token: str, args: argparse.Namespace, now: datetime) -> str:
    return text.of_case(await at.one(_stored(args.case), token, now, itself=args.itself))


async def _next(at: PostgresDesk, token: str, args: argparse.Namespace, now: datetime) -> str:
    return text.of_next(await at.next(token, now))


async def _acted(at: PostgresDesk, token: str, args: argparse.Namespace, now: datetime) -> str:
    deed, reason = deed_in(args), reason_in(args)
    given: dict[str, Any] = {"to": getattr(args, "to", None), "until": getattr(args, "until", None)}
    finding = finding_in(args, reason)
    given["into"] = _stored(args.into) if deed == "merge" else None
    change = await at.do(deed, _stored(args.case), token, now, reason=reason, seen=args.seen, finding=finding, **given)
    return outcome(deed, change, given["to"], given["into"])


def _stored(case_id: str) -> str:
    """Return an id as the database can hold one; what cannot be one is no case."""
    if not case_id.isascii() or not case_id.isprintable():
        raise NoSuchCase(case_id)
    return case_id
