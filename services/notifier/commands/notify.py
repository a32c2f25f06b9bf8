"""`proofwatch notify`: what people were told and why, silences, and who takes care of what."""

import argparse
import asyncio
import sys
from typing import Final

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import add_json
from proofwatch.command_line.sub_commands import Add, SubCommands, add_dsn
from proofwatch.command_line.times import zoned_moment_ms
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.door import ask
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.standing import OF_THE_PLATFORM
from proofwatch.exits.table import NOTIFY
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.notifier.adapters.handling import Handling, NothingSuch, Said
from services.notifier.commands import text
from services.notifier.core.durations import milliseconds
from services.notifier.core.matchers import Matcher, matcher

_LONGEST_MS: Final = 30 * 86_400_000
_SHORTEST_MS: Final = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "What people were told, why, and why not; silences, which hold back what begins and never what ends; and who "
        "takes care of what was told. Every act is an entry of the audit log."
    )
    actions = SubCommands(parser, _shared)
    example = "--as my.session"
    add = actions.add("list", "show what channels were told that fires, and who takes care of it", example, _listed)
    add_json(add.add_argument)
    add = actions.add("explain", "show what was decided of one thing: told, silenced, inhibited …",
        "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0001 --as my.session", _explained)  # fmt: skip
    add.add_argument("id", type=kept.name, metavar="ID", help="of an incident, a case, an alert or a notification")
    add_json(add.add_argument)
    add = actions.add("silences", "show the silences that hold, or are to begin", example, _silences)
    add.add_argument("--all", action="store_true", help="those that are over as well")
    add_json(add.add_argument)
    add = actions.add("silence", "hold back what begins and matches all conditions",
        "kind=lag 'service=~scorer|ledger' --for 2h --as my.session --reason 'ticket 4711'", _silenced)  # fmt: skip
    add.add_argument("matchers", nargs="+", type=_matcher, metavar="CONDITION",
        help="on a label: tenant=acme, kind!=lag, service=~'scorer|ledger'")  # fmt: skip
    add.add_argument("--for", dest="span_ms", type=_span, required=True, metavar="SPAN", help="how long: 30m, 2h, 1d")
    add.add_argument("--from", dest="from_ms", type=zoned_moment_ms, metavar="TIME",
        help="when it begins, with its zone; default: now")  # fmt: skip
    add = actions.add("expire", "end a silence now", "7c1d… --as my.session --reason 'works are over'", _expired)
    add.add_argument("id", type=kept.name, metavar="SILENCE", help="its id, as the list has it, or how it begins")
    add = actions.add("ack", "say that you take care of it: no repeats, and nobody further is told, until it is graver",
        "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0001 --as my.session --reason 'I am on it'", _acknowledged)  # fmt: skip
    add.add_argument("id", type=kept.name, metavar="ID", help="of an incident, a case, an alert, or a group")


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    return ended(
        f"notify {args.action}", lambda: asyncio.run(_done(args)), refused=(*REFUSED, BusError),
        wrong=(*WRONG, NothingSuch),
    )  # fmt: skip


def _shared(add: Add) -> None:
    add_dsn(add)
    add("--tenant", type=kept.tenant, metavar="T", help="of this tenant alone; needed by who sees only some")
    add_asking(add)


async def _done(args: argparse.Namespace) -> None:
    from proofwatch.bus.postgres.pool import opened

    settings = GovernanceSettings.read()
    acts = args.act in (_silenced, _expired, _acknowledged)
    asked = asking(args, reason=acts)
    async with opened(args.dsn or settings.postgres_dsn) as pool:
        now_ms = SystemClock().now_ms()
        granted = await ask(pool, NOTIFY, args.tenant, asked, OF_THE_PLATFORM, instant_of(now_ms))
        await args.act(Handling(pool, args.tenant), args, Said(granted, asked.reason, now_ms))


async def _listed(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    found = await handling.told()
    sys.stdout.write(text.as_json(found) if args.json else text.told(found, said.at_ms))


async def _explained(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    found = await handling.decided(args.id)
    sys.stdout.write(text.as_json(found) if args.json else text.decided(found))


async def _silences(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    found = await handling.silences(0 if args.all else said.at_ms)
    sys.stdout.write(text.as_json(found) if args.json else text.silences(found, said.at_ms))


async def _silenced(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    begins_ms = said.at_ms if args.from_ms is None else args.from_ms
    silence, covered = await handling.silence(args.matchers, begins_ms, begins_ms + args.span_ms, said)
    sys.stdout.write(text.silenced(silence, covered))


async def _expired(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    sys.stdout.write(f"silence {await handling.expire(args.id, said)} is over: what it held back is told if it fires\n")


async def _acknowledged(handling: Handling, args: argparse.Namespace, said: Said) -> None:
    sys.stdout.write(text.acknowledged(await handling.acknowledge(args.id, said), said))


def _matcher(given: str) -> Matcher:
    try:
        return matcher(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{given[:40]!r} {error}") from None


def _span(given: str) -> int:
    try:
        span_ms = milliseconds(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{given[:20]!r} {error}") from None
    if not _SHORTEST_MS <= span_ms <= _LONGEST_MS:
        raise argparse.ArgumentTypeError(f"{given[:20]!r} is no time that a silence lasts; right is 1s to 30d")
    return span_ms
