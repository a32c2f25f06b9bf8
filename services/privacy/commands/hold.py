"""`proofwatch hold`: keep a data subject's data (GDPR Art. 17(3)), or keep it and use it for nothing (Art. 18)."""

import argparse
from datetime import UTC, date, datetime
from typing import Final, get_args

import msgspec

from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.options import add_json
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.command_line.telling import written
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.privacy.adapters.holds import PostgresHolds
from services.privacy.adapters.restrictions import PostgresRestrictions
from services.privacy.adapters.unknown import unknown, warning
from services.privacy.commands.opening import add_dsn, database, subject_of
from services.privacy.commands.running import reason_of, run_command
from services.privacy.commands.subjects import add_subject, subject_ref
from services.privacy.config import Settings
from services.privacy.core.erasure import Ground, Hold, Use

_ID: Final = "4d6e0b9f-6d1c-4d6e-9a51-3c1f0f6f5d10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "A legal hold refuses the erasure of a data subject. Whoever of the role privacy places one keeps the data at "
        "once; somebody else lifts it, or it ends by itself. A restriction of processing (GDPR Art. 18) is a hold that "
        "closes as well: the data is stored and not used, but in a case that somebody else permits (docs/privacy.md)."
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
    _add_hold(add)
    add("--informed", type=_day, metavar="DAY", help="of a restriction: when the person was told that it ends")
    example = "kestrel-telecom sub-c07e51 --ground accuracy --as my.session --reason 'ticket 4711'"
    summary = "keep a person's data, and use it for nothing"
    add = actions.add("restrict", summary, example, _restricted).add_argument
    add_subject(add)
    add("--ground", choices=get_args(Ground), required=True, help="of GDPR Art. 18(1)")
    add("--dry-run", action="store_true", help="say what it would close, and restrict nothing")
    add_as(add, required=True)
    kept.add_reason(add, "why, without personal data; it stays in the audit log")
    case = "5f0c6c70-5b0e-5a3e-9f0e-000000000001"
    example = f"{_ID} --case {case} --use legal_claims --until 2026-12-15T00:00:00Z --as other.session --reason 'claim'"
    summary = "let a case of somebody be worked on whose processing somebody else restricted"
    add = actions.add("permit", summary, example, _permitted).add_argument
    add("--case", type=kept.name, required=True, metavar="CASE", help="the case, as people work on it")
    add("--use", choices=get_args(Use), required=True, help="for what of GDPR Art. 18(2)")
    add("--until", type=_instant, required=True, metavar="TIME", help="until when (RFC 3339), within 30 days")
    _add_hold(add)
    summary = "take back at once what was permitted of a case"
    example = f"{_ID} --case {case} --as my.session --reason 'consent withdrawn'"
    add = actions.add("forbid", summary, example, _forbidden).add_argument
    add("--case", type=kept.name, required=True, metavar="CASE", help="the case, as `list` shows it")
    _add_hold(add)
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
        slip = warning(await unknown(pool, subject), subject.tenant)
        hold = await PostgresHolds(pool, written).place(token, subject.tenant, subject.mark, reason, args.until, _now())
    until = f"until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else "until somebody else lifts it"
    return f"hold {hold.hold_id} keeps this person's data {until}\n{slip}"


async def _lifted(args: argparse.Namespace, settings: Settings) -> str:
    reason, token = reason_of(args), token_in(args.session)
    async with database(settings, args.dsn) as pool:
        hold = await PostgresHolds(pool, written).lift(token, args.hold, reason, _now(), args.informed)
    return f"hold {hold.hold_id} is lifted\n"


async def _restricted(args: argparse.Namespace, settings: Settings) -> str:
    reason, token = reason_of(args), token_in(args.session)
    subject = subject_of(settings, args.tenant, subject_ref(args.subject))
    whose, tags = (subject.tenant, subject.mark), PostgresTags(settings.key_encryption_if_any())
    async with database(settings, args.dsn) as pool:
        slip = warning(await unknown(pool, subject), subject.tenant)
        if args.dry_run:
            found = await PostgresRestrictions(pool, tags).preview(token, *whose, reason, _now())
            return (
                f"a restriction would close cases about {found.transactions_of_cases:,} transactions of this person, "
                f"and the imagery of {found.references_to_imagery:,}\n{slip}nothing was changed\n"
            )
        hold = await PostgresHolds(pool, written, tags).place(token, *whose, reason, None, _now(), args.ground)
    return (
        f"hold {hold.hold_id} keeps this person's data, and closes it, until somebody else lifts it\n"
        "From now on its imagery is not opened, its cases are not judged, and exits leave it out. One of the cases may "
        f"go on if somebody else of the role privacy permits it: proofwatch hold permit {hold.hold_id}\n{slip}"
    )


async def _permitted(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, tags = reason_of(args), token_in(args.session), PostgresTags(settings.key_encryption_if_any())
    asked = args.hold, args.case, args.use, reason, args.until
    async with database(settings, args.dsn) as pool:
        await PostgresRestrictions(pool, tags).permit(token, *asked, _now())
    return f"case {args.case} may be worked on until {args.until:%Y-%m-%d %H:%M} UTC\n"


async def _forbidden(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, tags = reason_of(args), token_in(args.session), PostgresTags(settings.key_encryption_if_any())
    async with database(settings, args.dsn) as pool:
        await PostgresRestrictions(pool, tags).forbid(token, args.hold, args.case, reason, _now())
    return f"case {args.case} may be worked on no more\n"


async def _listed(args: argparse.Namespace, settings: Settings) -> str:
    token = token_in(args.session)
    async with database(settings, args.dsn) as pool:
        found = await PostgresHolds(pool, written).listed(token, _now())
    if args.json:
        whole = [_as_document(each) for each in found]
        return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
    rows = [
        [each.hold_id, each.tenant, each.ground or "", f"{each.placed_at:%Y-%m-%d}", each.placer,
         f"{each.until:%Y-%m-%d %H:%M}" if each.until else "it is lifted", each.reason]
        for each in found
    ]  # fmt: skip
    table = as_columns(("HOLD", "TENANT", "RESTRICTS", "PLACED", "BY", "UNTIL (UTC)", "REASON"), rows)
    uses = [
        [each.hold_id, use.case_id, use.use, f"{use.until:%Y-%m-%d %H:%M}"] for each in found for use in each.permitted
    ]
    return f"{table}\n{as_columns(('HOLD', 'PERMITTED CASE', 'FOR', 'UNTIL (UTC)'), uses)}" if uses else table


def _as_document(hold: Hold) -> dict[str, object]:
    found = {name: value for name, value in hold._asdict().items() if name != "mark"}
    return {**found, "permitted": [each._asdict() for each in hold.permitted]}


def _add_hold(add: Add) -> None:
    add("hold", type=kept.name, metavar="HOLD", help="its id, as `list` shows it")
    add_as(add, required=True)
    kept.add_reason(add)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day such as 2026-11-30") from None


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
