"""Who acts: an admin by a session, or whoever has the database's own rights, and says so."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.reasons import stated
from proofwatch.access.roles import Act
from proofwatch.audit.entry import person
from proofwatch.command_line import kept
from proofwatch.command_line.session_file import NotSignedIn, add_as, token_in
from proofwatch.command_line.sub_commands import Add

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
