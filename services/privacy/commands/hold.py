"""`proofwatch hold`: keep a data subject's data although somebody asks for its erasure (GDPR Art. 17(3))."""

import argparse
from datetime import UTC, datetime
from typing import Final

import msgspec

from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.telling import written
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.privacy.adapters.holds import PostgresHolds
from services.privacy.commands.opening import add_dsn, database, subject_of
from services.privacy.commands.running import reason_of, run_command
from services.privacy.commands.subjects import add_subject, subject_ref
from services.privacy.config import Settings

_ID: Final = "4d6e0b9f-6d1c-4d6e-9a51-3c1f0f6f5d10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "A legal hold refuses the erasure of a data subject. Whoever of the role privacy places one keeps the data at "
        "once; somebody else lifts it, or it ends by itself."
    )
    actions = SubCommands(parser, add_dsn)
    example = "kestrel-telecom sub-c07e51 --until 2027-06-30T00:00:00Z --as my.session --reason 'court order 12 C 7'"
    add = actions.add("place", "keep a person's data", example, _placed).add_argument
    add_subject(add)
    add("--until", type=_instant, metavar="TIME", help="when it ends by itself (RFC 3339); default: when it is lifted")
    add_as(add, required=True)
    kept.add_reason(add, "why, without personal data; it stays in the audit log")
    example = f"{_ID} --as other.session --reason 'the proceedings have ended'"
    add = actions.add("lift", "end a hold that somebody else placed", example, _lifted).add_argument
    add("hold", type=kept.name, metavar="HOLD", help="its id, as `list` shows it")
    add_as(add, required=True)
    kept.add_reason(add)
    add = actions.add("list", "list the holds in force", "--as my.session", _listed).add_argument
    add_as(add, required=True)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    return run_command("hold", args)


async def _placed(args: argparse.Namespace, settings: Settings) -> str:
    reason, token = reason_of(args), token_in(args.session)
    subject = subject_of(settings, args.tenant, subject_ref(args.subject))
    async with database(settings, args.dsn) as pool:
        hold = await PostgresHolds(pool, written).place(token, subject.tenant, subject.mark, reason, args.until, _now())
    until = f"until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else "until somebody else lifts it"
    return f"hold {hold.hold_id} keeps this person's data {until}\n"


async def _lifted(args: argparse.Namespace, settings: Settings) -> str:
    reason, token = reason_of(args), token_in(args.session)
    async with database(settings, args.dsn) as pool:
        hold = await PostgresHolds(pool, written).lift(token, args.hold, reason, _now())
    return f"hold {hold.hold_id} is lifted\n"


async def _listed(args: argparse.Namespace, settings: Settings) -> str:
    token = token_in(args.session)
    async with database(settings, args.dsn) as pool:
        found = await PostgresHolds(pool, written).listed(token, _now())
    if args.json:
        whole = [{name: value for name, value in each._asdict().items() if name != "mark"} for each in found]
        return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
    rows = [
        [each.hold_id, each.tenant, f"{each.placed_at:%Y-%m-%d}", each.placer,
         f"{each.until:%Y-%m-%d %H:%M}" if each.until else "it is lifted", each.reason]
        for each in found
    ]  # fmt: skip
    return as_columns(("HOLD", "TENANT", "PLACED", "BY", "UNTIL (UTC)", "REASON"), rows)


def _instant(text: str) -> datetime:
    try:
        found = msgspec.json.decode(msgspec.json.encode(text), type=datetime)
    except msgspec.ValidationError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError("must be a time with its zone, such as 2027-06-30T00:00:00Z")
    return found.astimezone(UTC)


def _now() -> datetime:
    return instant_of(SystemClock().now_ms())
