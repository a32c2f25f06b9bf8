"""Who acts: an admin by a session, or whoever has the database's own rights, and says so; and doing it."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from proofwatch.access import acts
from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.reasons import stated
from proofwatch.access.roles import Act
from proofwatch.audit.entry import person
from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import opened, transaction
from proofwatch.bus.postgres.schema import check_schema
from proofwatch.command_line import kept
from proofwatch.command_line.session_file import NotSignedIn, add_as, token_in
from proofwatch.command_line.sub_commands import Add
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.settings import Settings

if TYPE_CHECKING:
    import asyncpg


def add_who(add: Add) -> None:
    """Declare who acts and why; `add`: a parser's `add_argument`."""
    add_as(add)
    add(
        "--as-operator",
        action="store_true",
        help="without a session, by the database's own rights, as the first admin is added; it is on record as that",
    )
    kept.add_reason(add)


async def who(pool: "asyncpg.Pool", args: argparse.Namespace, act: Act, now: datetime) -> By:
    """Return who acts. Raises `NotSignedIn`, `NoSession`, and `NotAllowed` where the role is missing."""
    if not stated(args.reason):
        raise NotAllowed("--reason must say why: it stays in the audit log")
    if args.as_operator == (args.session is not None):
        raise NotSignedIn(
            "give --as FILE, the session of an admin (proofwatch people sign-in NAME --out FILE); or, where there is "
            "none yet, --as-operator"
        )
    if args.as_operator:
        return By(OPERATOR, stated(args.reason))
    session = await PostgresPeople(pool).session_of(token_in(args.session), now)
    if session is None:
        raise NoSession
    if not session.may(act):
        raise NotAllowed("only an admin changes people and roles; ask one, or sign in as one", session.person_id)
    return By(person(session.person_id), stated(args.reason))


async def with_database(args: argparse.Namespace, on_record: Mapping[str, str]) -> None:
    """Do the act of a command, `args.act`, with a database that is fit for it.

    `on_record`: what each action is on record as, also where it is refused; of others a refusal is no entry.
    Raises what the act does.
    """
    async with opened(args.dsn or Settings.read().postgres_dsn, max_size=2) as pool:
        await check_schema(pool, "access")
        act: Callable[[Any, argparse.Namespace, datetime], Awaitable[None]] = args.act
        now = instant_of(SystemClock().now_ms())
        try:
            await act(pool, args, now)
        except (NoSession, NotAllowed) as refused:
            if what := on_record.get(args.action):
                async with transaction(pool, "access") as tx:
                    await enter(tx, *acts.denial(refused, what, now, reason=stated(args.reason)))
            raise
