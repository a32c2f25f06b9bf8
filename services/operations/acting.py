"""Who operates the platform: by a session, or by a name that is stated; on record before anything is shown or written.

What is about no single tenant is for who sees every tenant.
"""

import argparse
from typing import TYPE_CHECKING

from proofwatch.command_line import kept
from proofwatch.command_line.session_file import add_as
from proofwatch.command_line.sub_commands import Add
from proofwatch.exits.asking import Asking, NotSaid
from proofwatch.exits.opening import through_door
from proofwatch.exits.table import Exit
from proofwatch.governance.settings import GovernanceSettings

if TYPE_CHECKING:
    from proofwatch.exits.door import Granted

_LONGEST = 512


def add_operator(add: Add, *, dsn: bool = True) -> None:
    """Declare who acts, and why; `add`: a parser's `add_argument`; `dsn`: where it is on record, too."""
    add_as(add)
    add(
        "--operator",
        type=kept.name,
        metavar="NAME",
        help="who acts, instead of --as, by the database's own rights; on record as stated",
    )
    add("--note", type=kept.reason, metavar="TEXT", help="why it is right; it stays; no personal data")
    if dsn:
        add("--dsn", metavar="DSN", help="the database, where it is on record; default: PROOFWATCH_POSTGRES_DSN")


def mistake_in(args: argparse.Namespace) -> str | None:
    """Return what is wrong with who acts and why; None: nothing."""
    if bool((args.operator or "").strip()) == (args.session is not None) or not (args.note or "").strip():
        return (
            "say who acts, it is on record: --operator NAME, or --as FILE, the session that "
            "`proofwatch people sign-in` wrote; and with --note why"
        )
    if any(len(text or "") > _LONGEST for text in (args.operator, args.note)):
        return f"--operator and --note have at most {_LONGEST} characters"
    return None


async def on_record(exit_: Exit, args: argparse.Namespace) -> "Granted":
    """Return who acts once it is on record. Raises what the door does (`exits.refusals`), and `BusError`."""
    if wrong := mistake_in(args):
        raise NotSaid(wrong)
    asking = Asking(args.session, (args.operator or "").strip(), args.note.strip())
    async with through_door(GovernanceSettings.read(), exit_, None, asking, dsn=args.dsn) as (_, granted):
        return granted
