"""`proofwatch dlq`: what could not be processed, and sending it again."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from proofwatch.bus.errors import BusError, Fenced
from proofwatch.bus.port import Bus
from proofwatch.command_line import kept
from proofwatch.command_line.options import add_bootstrap, add_json
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.times import moment_ms
from proofwatch.events.rejected import Rejected
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.opening import Through, through_door
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import DLQ_REDRIVE, DLQ_SHOW
from proofwatch.governance.pseudonyms import InvalidSecret
from proofwatch.governance.release import Denied
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.governance.subject_settings import SubjectSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.settings import Settings
from proofwatch.runtime.terminal import progress_bar
from services.operations import dlq_list, dlq_redrive, dlq_show
from services.operations.acting import add_operator, mistake_in, on_record
from services.operations.dlq_read import Letter, existing_topics, full_name
from services.operations.dlq_whose import whose
from services.operations.on_kafka import act_on_kafka


class _Settings(GovernanceSettings, SubjectSettings):
    """What governs, and by what it is told whose a record is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser)

    listed = actions.add("list", "count dead letters by topic, stage, reason and partition", "--since 2h", list_groups)
    listed.add_argument("--topic", help="of this topic only; default: of all")
    listed.add_argument("--since", type=moment_ms, metavar="TIME", help="refused since then: 90m, 2h, 7d, or ISO 8601")
    listed.add_argument("--reason", help="refused for this reason only, for example schema_mismatch")
    add_json(listed.add_argument)

    place = "onboarding.transactions.v1.dlq/3/17 --by r.mehta --reason 'ticket 4711'"
    shown = actions.add("show", "say where and why one record was refused", place, show)
    shown.add_argument("place", metavar="TOPIC/PARTITION/OFFSET", help="as `list` gives it; any topic will do")
    shown.add_argument(
        "--bytes",
        nargs="?",
        const=dlq_show.TERMINAL,
        metavar="FILE",
        help="also the record's value, which is personal data: into a new file, or onto this terminal",
    )

    add_asking(shown.add_argument)
    shown.add_argument(
        "--dsn", metavar="DSN", help="the database, where it is on record; default: PROOFWATCH_POSTGRES_DSN"
    )
    shown.add_argument(
        "--tenant",
        type=kept.tenant,
        metavar="T",
        help="whose record it is; default: of any, for who sees every tenant",
    )

    example = "onboarding.transactions.v1 --reason unknown_schema_version --operator r.mehta --note 'v2 is deployed'"
    sent = actions.add("redrive", "send dead letters to their topic again, on record", example, redrive)
    sent.add_argument("topic", help="the topic, or its dead-letter topic")
    sent.add_argument("--partition", type=int, help="only this partition")
    sent.add_argument("--offset", type=int, help="only the dead letter at this offset of --partition")
    sent.add_argument("--reason", help="only those refused for this reason")
    add_operator(sent.add_argument)
    sent.add_argument("--limit", type=int, default=1_000, metavar="N", help="at most so many (%(default)s)")
    sent.add_argument("--again", action="store_true", help="also those that were sent again before")
    sent.add_argument("--dry-run", action="store_true", help="only say what would be sent")

    for each in (listed, shown, sent):
        add_bootstrap(each.add_argument)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the bus refuses or what was asked for is not there; 2 for arguments that make no sense."""
    if args.action == "redrive" and (wrong := _mistake_in(args)):
        sys.stderr.write(f"proofwatch dlq: {wrong}\n")
        return 2
    configure_logging("warning", "dlq")  # on standard error: what is asked for has standard output to itself
    try:
        return asyncio.run(act_on_kafka("dlq", Settings.read(), args))
    except Fenced:
        sys.stderr.write(
            "proofwatch dlq: another redrive has begun, so this one ended; what it has sent is on record "
            "(`proofwatch dlq list`, column REDRIVEN)\n"
        )
    except (InvalidSecret, *WRONG) as error:
        sys.stderr.write(f"proofwatch dlq: {error}\n")
        return 2
    except (BusError, Rejected, dlq_show.NotShown, *REFUSED) as error:
        sys.stderr.write(f"proofwatch dlq: {error}\n")
    return 1


async def list_groups(bus: Bus, args: argparse.Namespace) -> int:
    """Write the groups to standard output."""
    topics = await existing_topics(bus, args.topic)
    with progress_bar("reading") as progress:
        groups = await dlq_list.collect(bus, topics, progress, since_ms=args.since, reason=args.reason)
    sys.stdout.write(dlq_list.as_json(groups) if args.json else dlq_list.as_table(groups))
    return 0


async def show(bus: Bus, args: argparse.Namespace) -> int:
    """Write one dead letter to standard output, once it is on record who looks; its value only on demand."""
    dlq_show.parse_place(args.place)
    settings = _Settings.read()
    asked = asking(args)
    async with through_door(settings, DLQ_SHOW, args.tenant, asked, dsn=args.dsn, bootstrap=args.bootstrap) as through:
        return await write(bus, args, lambda letter: _require_unrestricted(letter, through, settings))


async def write(bus: Bus, args: argparse.Namespace, require_usable: Callable[[Letter], Awaitable[None]]) -> int:
    """Write the dead letter itself, for whoever was let through. `require_usable`: raises `Denied` where it is not."""
    at, offset = dlq_show.parse_place(args.place)
    found = await dlq_show.find(bus, at, offset, args.tenant)
    described = await dlq_show.describe(bus, found)
    await require_usable(found)  # right before anything is written
    sys.stdout.write(described)
    if args.bytes is not None:
        sys.stdout.write(dlq_show.write_value(found.record, args.bytes))
    return 0


async def _require_unrestricted(letter: Letter, through: Through, settings: _Settings) -> None:
    """Raise `Denied` where a restriction closes the record, or may: then its sizes are shown, and nothing else."""
    from proofwatch.exits.restricted import require_nobody_restricted, require_unrestricted  # belong to an extra

    found, now = whose(letter), instant_of(SystemClock().now_ms())
    if found.told and found.tenant is not None:
        about = found.tenant, found.transaction_ids, found.subject_refs
        await require_unrestricted(through.pool, DLQ_SHOW, through.granted, *about, settings.secret, now)
    elif not found.told:
        try:
            await require_nobody_restricted(through.pool, DLQ_SHOW, through.granted, found.tenant, now)
        except Denied:
            sys.stdout.write(dlq_show.sizes(letter))
            raise


async def redrive(bus: Bus, args: argparse.Namespace) -> int:
    """Send again, once it is on record who does; say what was sent."""
    operator, note = (args.operator or "").strip(), (args.note or "").strip()
    if not args.dry_run:
        operator = (await on_record(DLQ_REDRIVE, args)).actor.id
    return await send(bus, args, operator, note)


async def send(bus: Bus, args: argparse.Namespace, operator: str, note: str) -> int:
    """Send again, and say what was sent; return 1 when one was asked for by its offset and was not sent."""
    order = dlq_redrive.Order(
        full_name(args.topic),
        operator,
        note,
        args.partition,
        args.offset,
        args.reason,
        args.limit,
        args.again,
    )
    with progress_bar("redriving") as progress:
        outcome = await dlq_redrive.redrive(bus, order, SystemClock(), progress, dry_run=args.dry_run)
    done = "would be sent" if args.dry_run else "sent"
    for (topic, reason), count in sorted(outcome.sent.items()):
        sys.stdout.write(f"{count:,} {reason}: {done} to {topic}\n")
    if not outcome.sent:
        sys.stdout.write(f"nothing {done}\n")
    if outcome.done_before:
        sys.stdout.write(f"{outcome.done_before:,} left out: were sent again before (--again sends them once more)\n")
    if outcome.foreign:
        sys.stdout.write(f"{outcome.foreign:,} left out: their headers are not those of a dead letter of this topic\n")
    if outcome.limited:
        sys.stdout.write("the limit is reached and there are more: run it again for the next ones\n")
    return 1 if args.offset is not None and not outcome.sent else 0


def _mistake_in(args: argparse.Namespace) -> str | None:
    if args.offset is not None and args.partition is None:
        return "--offset needs --partition: offsets count within a partition"
    if args.offset is not None and args.reason is not None:
        return "--offset and --reason exclude each other: an offset names one dead letter"
    if args.limit < 1:
        return "--limit must be at least 1"
    return mistake_in(args) if not args.dry_run else None
