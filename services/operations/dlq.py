"""`proofwatch dlq`: what could not be processed, and sending it again."""

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from proofwatch.bus.errors import BusError, BusUnavailable, Fenced
from proofwatch.bus.port import Bus
from proofwatch.bus.wording import plain
from proofwatch.events.rejected import Rejected
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.settings import Settings
from proofwatch.runtime.terminal import progress_bar
from services.operations import dlq_list, dlq_redrive, dlq_show
from services.operations.dlq_read import existing, full_name

_AGO: Final = re.compile(r"(\d+)([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|redrive")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")

    listing = _action(actions, shared, "list", "count dead letters by topic, stage, reason and partition", "--since 2h")
    listing.add_argument("--topic", help="of this topic only; default: of all")
    listing.add_argument(
        "--since", type=instant_ms, metavar="TIME", help="refused since then: 90m, 2h, 7d, or ISO 8601"
    )
    listing.add_argument("--reason", help="refused for this reason only, for example schema_mismatch")
    listing.add_argument("--json", action="store_true", help="a JSON array instead of a table")

    place = "onboarding.transactions.v1.dlq/3/17"
    show = _action(actions, shared, "show", "say where and why one record was refused", place)
    show.add_argument("place", metavar="TOPIC/PARTITION/OFFSET", help="as `list` gives it; any topic will do")
    show.add_argument(
        "--bytes",
        nargs="?",
        const=dlq_show.TERMINAL,
        metavar="FILE",
        help="also the record's value, which is personal data: into a new file, or onto this terminal",
    )

    example = "onboarding.transactions.v1 --reason unknown_schema_version --operator r.mehta --note 'v2 is deployed'"
    redrive = _action(actions, shared, "redrive", "send dead letters to their topic again, on record", example)
    redrive.add_argument("topic", help="the topic, or its dead-letter topic")
    redrive.add_argument("--partition", type=int, help="only this partition")
    redrive.add_argument("--offset", type=int, help="only the dead letter at this offset of --partition")
    redrive.add_argument("--reason", help="only those refused for this reason")
    redrive.add_argument("--operator", required=True, metavar="NAME", help="who sends them again")
    redrive.add_argument("--note", required=True, metavar="TEXT", help="why they may pass now; no personal data")
    redrive.add_argument("--limit", type=int, default=1_000, metavar="N", help="at most so many (%(default)s)")
    redrive.add_argument("--again", action="store_true", help="also those that were sent again before")
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be sent")


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the bus refuses or what was asked for is not there; 2 for arguments that make no sense."""
    if args.action == "redrive" and (wrong := _senseless(args)):
        sys.stderr.write(f"proofwatch dlq: {wrong}\n")
        return 2
    configure_logging("warning", "dlq")  # on standard error: what is asked for has standard output to itself
    try:
        return asyncio.run(_on_kafka(Settings.read(), ACTIONS[args.action], args))
    except Fenced:
        sys.stderr.write(
            "proofwatch dlq: another redrive has begun, so this one ended; what it has sent is on record "
            "(`proofwatch dlq list`, column REDRIVEN)\n"
        )
    except (BusError, Rejected, dlq_show.NotShown) as error:
        sys.stderr.write(f"proofwatch dlq: {error}\n")
    return 1


async def listing(bus: Bus, args: argparse.Namespace) -> int:
    """Write the groups to standard output."""
    topics = await existing(bus, args.topic)
    with progress_bar("reading") as progress:
        groups = await dlq_list.collect(bus, topics, progress, since_ms=args.since, reason=args.reason)
    sys.stdout.write(dlq_list.as_json(groups) if args.json else dlq_list.as_table(groups))
    return 0


async def showing(bus: Bus, args: argparse.Namespace) -> int:
    """Write one dead letter to standard output; its value only on demand."""
    at, offset = dlq_show.parse_place(args.place)
    found = await dlq_show.find(bus, at, offset)
    sys.stdout.write(await dlq_show.describe(bus, found))
    if args.bytes is not None:
        sys.stdout.write(dlq_show.hand_out(found.record, args.bytes))
    return 0


async def redriving(bus: Bus, args: argparse.Namespace) -> int:
    """Send again, and say what was sent; return 1 when one was asked for by its offset and was not sent."""
    order = dlq_redrive.Order(
        full_name(args.topic),
        args.operator,
        args.note,
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


ACTIONS: Final[dict[str, Callable[[Bus, argparse.Namespace], Awaitable[int]]]] = {
    "list": listing,
    "show": showing,
    "redrive": redriving,
}


def instant_ms(text: str) -> int:
    """Return a time in milliseconds since the Unix epoch: so long ago (90m, 2h, 7d), or ISO 8601, UTC by default."""
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    if ago := _AGO.fullmatch(text):
        when = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no time; write 90m, 2h, 7d, or for example 2026-01-31T09:30:00Z"
            ) from None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp() * 1000)


async def _on_kafka(
    settings: Settings, action: Callable[[Bus, argparse.Namespace], Awaitable[int]], args: argparse.Namespace
) -> int:
    from aiokafka.errors import KafkaError  # the driver belongs to the Kafka extra; --help works without it

    from proofwatch.bus.kafka.bus import KafkaBus

    bus = KafkaBus.of(settings, "dlq", bootstrap=args.bootstrap)
    await bus.start()
    try:
        return await action(bus, args)
    except KafkaError as error:
        raise BusUnavailable(f"Kafka at {args.bootstrap or settings.kafka_bootstrap}: {plain(error)}") from error
    finally:
        await bus.stop()


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: argparse.ArgumentParser,
    name: str,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    return actions.add_parser(
        name,
        parents=[shared],
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  proofwatch dlq {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _senseless(args: argparse.Namespace) -> str | None:
    if args.offset is not None and args.partition is None:
        return "--offset needs --partition: offsets count within a partition"
    if args.offset is not None and args.reason is not None:
        return "--offset and --reason exclude each other: an offset names one dead letter"
    return "--limit must be at least 1" if args.limit < 1 else None
