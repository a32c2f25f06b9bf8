"""`proofwatch imagery`: what was opened, held against what the store gave; and what two people open together."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import session
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.exits.asking import Asking, add_asking, asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import IMAGERY_RECONCILE
from proofwatch.governance.settings import GovernanceSettings
from services.imagery.commands.glass import BrokerAway, add_glass
from services.imagery.commands.share import InvalidMonth, add_share
from services.imagery.core.reconcile import InvalidAccessLog, Opened, Reconciled, reads, reconciled

_MOST_SHOWN: Final = 50
_VIEWS: Final = """
select v.view_id, f.imagery_ref, v.intended_at, v.ended_at, v.state
from imagery.views v join imagery.leases l using (lease_id)
  join imagery.flagged f on f.tenant = l.tenant and f.transaction_id = l.transaction_id
where v.intended_at <= $2 and coalesce(v.ended_at, 'infinity') >= $1 and f.imagery_ref like 's3://%/%'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "What the imagery broker opened: needs the database rights of the role `imagery`. And to open what is not "
        "yours, with a second person: needs the broker, and that you are signed in."
    )
    actions = SubCommands(parser)
    summary = "hold the store's access log against the views, one to one, and name what has no counterpart"
    add = actions.add("reconcile", summary, "access.log --skew 5", _reconciled).add_argument
    add("log", type=Path, help="of the store, in the format of S3 server access logs")
    add_asking(add)
    add("--skew", type=float, default=5.0, metavar="S", help="seconds that clocks may differ (default: %(default)s)")
    add("--json", action="store_true", help="as JSON")
    add_share(actions)
    add_glass(actions)


def run(args: argparse.Namespace) -> int:
    """Run a sub-command; 1: something has no counterpart, or is refused; 2: nothing could be done."""
    wrong = (BrokerAway, InvalidAccessLog, InvalidMonth, *WRONG, OSError, UnicodeDecodeError, BusError)
    return ended(f"imagery {args.action}", lambda: asyncio.run(args.act(args)), refused=REFUSED, wrong=wrong)


async def _reconciled(args: argparse.Namespace) -> int:
    with args.log.open(encoding="utf-8") as lines:
        found = reads(lines)
    asked, skew = asking(args, reason=False), timedelta(seconds=args.skew)
    times = [each.at for each in found]
    if not times:
        raise InvalidAccessLog(f"{args.log} has no read of an object: there is nothing to compare")
    views = await _views(asked, min(times) - skew, max(times) + skew)
    result = reconciled(found, views, skew)
    as_json = msgspec.json.encode(result).decode() + "\n"
    sys.stdout.write(as_json if args.json else _text(result, len(found), len(views)))
    return 1 if result.unexplained or result.missing else 0


async def _views(asked: Asking, begin: datetime, end: datetime) -> list[Opened]:
    async with (
        through_door(GovernanceSettings.read(), IMAGERY_RECONCILE, None, asked) as (pool, _),
        session(pool, "imagery reconcile") as connection,
    ):
        rows = await connection.fetch(_VIEWS, begin, end)
    return [_opened(row) for row in rows]


def _opened(row: Any) -> Opened:
    bucket, _, key = row["imagery_ref"].removeprefix("s3://").partition("/")
    fetched = row["state"] in ("delivered", "presumed_seen")
    return Opened(row["view_id"], bucket, key, row["intended_at"], row["ended_at"], fetched)


def _text(result: Reconciled, reads_: int, views: int) -> str:
    lines = [f"{reads_:,} reads of the store, {views:,} views: {result.matched:,} belong together"]
    for each in result.unexplained[:_MOST_SHOWN]:
        at = each.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"  read without a view: line {each.line}, {at} UTC, by {each.requester}")
    shown = result.missing[:_MOST_SHOWN]
    lines += [f"  view without a read: {each.view_id}, {each.begun:%Y-%m-%d %H:%M:%S} UTC" for each in shown]
    left_out = max(0, len(result.unexplained) - _MOST_SHOWN) + max(0, len(result.missing) - _MOST_SHOWN)
    if left_out:
        lines.append(f"  and {left_out:,} more; --json has them all")
    return "\n".join(lines) + "\n"
