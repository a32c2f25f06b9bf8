"""`proofwatch people`: who may sign in, and as what; and signing in itself, for commands."""

import argparse
import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proofwatch.access import acts
from proofwatch.access.code_seal import CodeSeal, CodesSealed, InvalidCodeKeys, parse_code_keys
from proofwatch.access.errors import AccessDenied
from proofwatch.access.passwords import WeakPassword, hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import NoSuchPerson, PostgresRegister
from proofwatch.access.roles import Act, Role, RolesExclude
from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import NotSignedIn, token_in, write_token
from proofwatch.command_line.sub_commands import Add, SubCommands, add_dsn
from proofwatch.command_line.telling import written
from proofwatch.exits.asking import NotSaid, add_asking, asking
from proofwatch.exits.door import ask
from proofwatch.exits.standing import OF_THE_PLATFORM
from proofwatch.exits.table import PEOPLE_LIST
from proofwatch.instants import instant_of
from proofwatch.new_file import NotNew
from proofwatch.runtime.access_settings import AccessSettings
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.secrets import InvalidSecretFile
from services.people import text, typed
from services.people.acting import add_who, who, with_database
from services.people.review import add_review

if TYPE_CHECKING:
    import asyncpg

_REFUSED: Final = (AccessDenied, BusError, CodesSealed)
_WRONG: Final = (
    InvalidCodeKeys, InvalidSecretFile, NoSuchPerson, NotNew, NotSaid, NotSignedIn, RolesExclude, WeakPassword,
    typed.NothingTyped, OSError,
)  # fmt: skip
_ACTS: Final = {
    "add": acts.ADDED, "enrol": acts.ENROLLED, "roles": acts.ROLES_GIVEN, "revoke": acts.REVOKED,
    "end-sessions": acts.SESSIONS_ENDED,
}  # fmt: skip
"""What each is on record as, also where it is refused."""
_ROLES: Final = tuple(role.value for role in Role)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Who may sign in, as what, and for which tenants. Every act is an entry of the audit log. Needs the database "
        "rights of the role `people`."
    )
    actions = SubCommands(parser, add_dsn)
    example = "a.rao --role analyst --tenant kestrel-telecom --as admin.session --reason 'joined the team'"
    add = actions.add("add", "add a person, who is then to be enrolled", example, _added).add_argument
    _add_access(add)
    example = "a.rao --as admin.session --reason 'first day'"
    add = actions.add("enrol", "give a new password and secret", example, _enrolled).add_argument
    add("name", type=kept.name, help="of the account")
    _add_password(add, "the new password")
    add_who(add)
    example = "--as admin.session --reason 'review of the quarter'"
    add = actions.add("list", "show who is there, and what they may", example, _listed).add_argument
    add_asking(add)
    add_json(add)
    add_review(actions)
    example = "a.rao --role checker --tenant kestrel-telecom --as admin.session --reason 'leads the team'"
    summary = "give other roles and tenants instead of those that somebody has; ends their sessions"
    _add_access(actions.add("roles", summary, example, _given).add_argument)
    example = "a.rao --as admin.session --reason 'left'"
    add = actions.add("revoke", "let somebody in no more, at once and for good", example, _revoked).add_argument
    add("name", type=kept.name, help="of the account")
    add_who(add)
    add = actions.add("sign-in", "sign in for commands", "a.rao --out my.session", _signed_in).add_argument
    add("name", type=kept.name, help="of the account")
    add("--out", type=Path, required=True, metavar="FILE", help="where the session goes, for `--as` of other commands")
    _add_password(add, "the password")
    actions.add("sign-out", "end a session", "my.session", _signed_out).add_argument(
        "session", type=Path, metavar="FILE"
    )
    summary = "end every session of everybody, as after a clock that ran ahead"
    add_who(actions.add("end-sessions", summary, "--as-operator --reason 'clock'", _all_ended).add_argument)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    return ended(
        f"people {args.action}", lambda: asyncio.run(with_database(args, _ACTS)), refused=_REFUSED, wrong=_WRONG
    )


def _add_access(add: Add) -> None:
    add("name", type=kept.name, help="of the account")
    add("--role", choices=_ROLES, action="append", default=[], metavar="ROLE", help=f"one of {', '.join(_ROLES)}; "
        "repeat for several")  # fmt: skip
    add(
        "--tenant",
        type=kept.tenant,
        action="append",
        default=[],
        metavar="T",
        help="whose data is there for them; repeat for several",
    )
    add("--every-tenant", action="store_true", help="instead of --tenant: that of all, of later ones too")
    add_who(add)


def _add_password(add: Add, what: str) -> None:
    add("--password-file", type=Path, metavar="FILE", help=f"{what}; default: it is asked for")


async def _added(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    person_id = await PostgresRegister(pool, tell=written).add(args.name, map(Role, args.role), _tenants(args), by, now)
    sys.stdout.write(f"{args.name} is added, with the id {person_id}; next: proofwatch people enrol {args.name} …\n")


async def _enrolled(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    new = await asyncio.to_thread(hashed, typed.password(args.password_file, twice=True), args.name)
    secret = await PostgresRegister(pool, _seal(), tell=written).enrol(args.name, new, by, now)
    sys.stdout.write(text.enrolled(args.name, secret))


async def _listed(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    await ask(pool, PEOPLE_LIST, None, asking(args, reason=False), OF_THE_PLATFORM, now)
    people = await PostgresRegister(pool, tell=written).everybody(now)
    sys.stdout.write(text.as_json(people) if args.json else text.as_table(people))


async def _given(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_ROLES, now)
    ended = await PostgresRegister(pool, tell=written).give_roles(
        args.name, map(Role, args.role), _tenants(args), by, now
    )
    sys.stdout.write(f"{args.name} is {', '.join(sorted(set(args.role))) or 'nothing'} now; {text.ended(ended)}\n")


async def _revoked(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    ended = await PostgresRegister(pool, tell=written).revoke(args.name, by, now)
    sys.stdout.write(f"{args.name} is let in no more; {text.ended(ended)}\n")


async def _signed_in(pool: "asyncpg.Pool", args: argparse.Namespace, _: datetime) -> None:
    password, code = typed.password(args.password_file), typed.one_time_code()
    now = instant_of(SystemClock().now_ms())  # typing takes time, and a code is of its half minute
    token, session = await PostgresPeople(pool, seal=_seal()).sign_in(args.name, password, code, now)
    write_token(args.out, token)
    sys.stdout.write(
        f"signed in until {session.expires_at:%Y-%m-%d %H:%M} UTC, or a quarter of an hour without a command; "
        f"use it with: --as {args.out}\n"
    )


async def _signed_out(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    await PostgresPeople(pool).sign_out(token_in(args.session), now)
    args.session.unlink(missing_ok=True)
    sys.stdout.write("signed out\n")


async def _all_ended(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    by = await who(pool, args, Act.CHANGE_PEOPLE, now)
    sys.stdout.write(f"{text.ended(await PostgresRegister(pool, tell=written).end_sessions(by, now))}\n")


def _seal() -> CodeSeal:
    return parse_code_keys(AccessSettings.read().code_keys())


def _tenants(args: argparse.Namespace) -> list[str] | None:
    """Return the tenants that were given; None: all. Raises `NoSuchPerson` where neither was said, or both."""
    if args.every_tenant == bool(args.tenant):
        raise NoSuchPerson("say whose data is there for them: --tenant T, as often as needed, or --every-tenant")
    return None if args.every_tenant else list(args.tenant)
