"""`proofwatch subjects repair`: a state of a subject that cannot be read keeps the scorer from its partition."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from proofwatch.bus.errors import BusError, Fenced
from proofwatch.bus.port import Bus
from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.events.topics import SUBJECTS
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import SUBJECTS_REPAIR
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.settings import Settings
from services.operations.acting import add_operator, mistake_in, on_record
from services.operations.on_kafka import act_on_kafka
from services.scorer.maintenance.repair import Order, Unreadable, repair, unreadable

_TRIES: Final = 10
_log = structlog.get_logger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    mending = SubCommands(parser).add(
        "repair",
        "show what cannot be read and what would take its place; with --yes write that",
        "--partition 3 --yes --operator r.mehta --note 'disk fault'",
        repair_partitions,
    )
    mending.description = (
        "Show which states of subjects cannot be read, and what would take their place: the newest state of the "
        "subject that can be read, or nothing. With --yes write it, on record; the unreadable bytes go to "
        f"{SUBJECTS}.dlq. What the subject did in between is forgotten."
    )
    add_bootstrap(mending.add_argument)
    mending.add_argument("--partition", type=int, help="only this partition; default: all")
    mending.add_argument("--yes", action="store_true", help="write what takes their place; needs --operator and --note")
    add_operator(mending.add_argument)


def run(args: argparse.Namespace) -> int:
    """Return 0: nothing blocks (any more); 1: something does, or the bus refuses; 2: the arguments make no sense."""
    if wrong := _mistake_in(args):
        sys.stderr.write(f"proofwatch subjects: {wrong}\n")
        return 2
    configure_logging("warning", "subjects")
    try:
        return asyncio.run(act_on_kafka("subjects", Settings.read(), args))
    except Fenced:
        sys.stderr.write(
            f"proofwatch subjects: the scorer acquired the partition meanwhile, {_TRIES} times: nothing was written "
            "there; stop the scorer, or try again\n"
        )
    except WRONG as error:
        sys.stderr.write(f"proofwatch subjects: {error}\n")
        return 2
    except (BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch subjects: {error}\n")
    return 1


async def repair_partitions(bus: Bus, args: argparse.Namespace) -> int:
    """Write to standard output what blocks, and what was done."""
    count = await bus.partitions(SUBJECTS)
    if args.partition is not None and not 0 <= args.partition < count:
        sys.stderr.write(f"proofwatch subjects: {SUBJECTS} has the partitions 0 to {count - 1}\n")
        return 2
    if args.yes:
        args.operator = (await on_record(SUBJECTS_REPAIR, args)).actor.id
    left = 0
    for partition in range(count) if args.partition is None else (args.partition,):
        found = await unreadable(bus, partition)
        if found and args.yes:
            done = await _repair(bus, partition, Order(args.operator, args.note))
            _tell(partition, done, "was replaced by")
            for each in done:
                _log.warning(
                    "subject_state_repaired",
                    topic=SUBJECTS,
                    partition=partition,
                    offset=each.record.offset,
                    operator=args.operator,
                    note=args.note,
                )
            # not read again: what was committed shows a moment later
            found = [each for each in found if each.of_newer_release]
        _tell(partition, found, "would be replaced by")
        left += len(found)
    if not left:
        sys.stdout.write("every state can be read\n")
    elif not args.yes:
        sys.stdout.write("nothing was written: --yes --operator NAME --note TEXT writes it\n")
    return 1 if left else 0


async def _repair(bus: Bus, partition: int, order: Order) -> list[Unreadable]:
    """Repair, and try again where the scorer, which waits and tries too, came between: nothing was written then."""
    for _ in range(_TRIES - 1):
        with suppress(Fenced):
            return await repair(bus, partition, order, SystemClock().now_ms())
    return await repair(bus, partition, order, SystemClock().now_ms())


def _tell(partition: int, found: Sequence[Unreadable], what: str) -> None:
    for each in found:
        before = f"the state at offset {each.before.offset}" if each.before else "nothing: the subject begins anew"
        outcome = "is left alone: a newer release may read it" if each.of_newer_release else f"{what} {before}"
        sys.stdout.write(f"{SUBJECTS}/{partition} offset {each.record.offset}: {each.error.message}; {outcome}\n")


def _mistake_in(args: argparse.Namespace) -> str | None:
    return mistake_in(args) if args.yes else None
