"""`proofwatch tokens`: what machines may read over HTTP, until when."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from proofwatch.access import acts
from proofwatch.access.errors import AccessDenied
from proofwatch.access.register import NoSuchPerson
from proofwatch.access.roles import Act
from proofwatch.access.scopes import Scope
from proofwatch.access.token_register import PostgresTokens
from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import NotSignedIn
from proofwatch.command_line.sub_commands import SubCommands, add_dsn
from proofwatch.exits.asking import NotSaid, add_asking, asking
from proofwatch.exits.door import ask
from proofwatch.exits.standing import OF_THE_PLATFORM
from proofwatch.exits.table import TOKENS_LIST
from services.people import tokens_text
from services.people.acting import add_who, who, with_database

if TYPE_CHECKING:
    import asyncpg

_REFUSED: Final = (AccessDenied, BusError)
_WRONG: Final = (NoSuchPerson, NotSaid, NotSignedIn, OSError)
_ACTS: Final = {"create": acts.MACHINE_ADDED, "revoke": acts.MACHINE_REVOKED}
_SCOPES: Final = tuple(scope.value for scope in Scope)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Tokens of machines: what a program may read of the console's API, of which tenants, until when. Every act is "
        "an entry of the audit log. Needs the database rights of the role `people`."
    )
    actions = SubCommands(parser, add_dsn)
    example = "siem --scope cases:read --tenant kestrel-telecom --expires 90d --as admin.session --reason 'ticket 12'"
    add = actions.add("create", "make a token, which is shown once", example, _created).add_argument
    add("name", type=kept.name, help="of the machine, as the audit log names it")
    add("--scope", choices=_SCOPES, action="append", default=[], metavar="SCOPE",
        help=f"one of {', '.join(_SCOPES)}; repeat for several")  # fmt: skip
    add("--tenant", type=kept.tenant, action="append", default=[], metavar="T",
        help="whose data is there for it; repeat for several")  # fmt: skip
    add("--every-tenant", action="store_true", help="instead of --tenant: that of all, of later ones too")
    add(
        "--expires",
        type=_days,
        default=timedelta(days=90),
        metavar="DAYS",
        help="after how long, such as 90d (default)",
    )
    add_who(add)
    add = actions.add("list", "show the tokens that there are and were", "--as admin.session", _listed).add_argument
    add_asking(add)
    add_json(add)
    add = actions.add("revoke", "let a token open nothing more, at once and for good", "1a2b3c4d --as admin.session "
        "--reason 'it stood in a log'", _revoked).add_argument  # fmt: skip
    add("token", type=kept.name, help="its id, as the list and the token behind pw_ have it")
    add_who(add)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    return ended(
        f"tokens {args.action}", lambda: asyncio.run(with_database(args, _ACTS)), refused=_REFUSED, wrong=_WRONG
    )


def _days(text: str) -> timedelta:
    number = text.removesuffix("d")
    if not (number.isascii() and number.isdigit() and 1 <= len(number) <= 3 and int(number)):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of days; right is 90d")
    return timedelta(days=int(number))


async def _created(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    expires, tenants = now + args.expires, _tenants(args)
    token = await PostgresTokens(pool).create(args.name, map(Scope, args.scope), tenants, expires, by, now)
    sys.stdout.write(tokens_text.created(args.name, token, expires))


async def _listed(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    await ask(pool, TOKENS_LIST, None, asking(args, reason=False), OF_THE_PLATFORM, now)
    found = await PostgresTokens(pool).everything(now)
    sys.stdout.write(tokens_text.as_json(found) if args.json else tokens_text.as_table(found, now))


async def _revoked(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    name = await PostgresTokens(pool).revoke(args.token, by, now)
    sys.stdout.write(f"that token of {name} opens nothing any more\n")


def _tenants(args: argparse.Namespace) -> Sequence[str] | None:
    """Return the tenants that were given; None: all. Raises `NoSuchPerson` where neither was said, or both."""
    if args.every_tenant == bool(args.tenant):
        raise NoSuchPerson("say whose data is there for it: --tenant T, as often as needed, or --every-tenant")
    return None if args.every_tenant else list(args.tenant)
