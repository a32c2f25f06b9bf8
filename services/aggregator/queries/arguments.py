"""What the queries have in common: their options, the source that these name, the policy whose limits judge."""

import argparse
import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import add_time_zone
from proofwatch.command_line.times import in_zone, typed_time
from proofwatch.exits.asking import add_asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.governance.policy import InvalidPolicy, Policy, load_policy
from proofwatch.instants import ms_of
from services.aggregator.config import GovernedSettings
from services.aggregator.core.found import Asked, Found, NothingFound, Query
from services.aggregator.core.span import Span
from services.aggregator.queries.admitted import admitted_database
from services.aggregator.queries.clock import TenantsClock, clock_of
from services.aggregator.queries.run_source import is_unfinished, load_run, policy_of_run
from services.aggregator.queries.sheet import FORMATS, Sheet, write

_SEGMENT: Final = re.compile(r"([a-z][a-z0-9_]{0,31})(?:=(.+))?", re.DOTALL)


class Answer(NamedTuple):
    """What a query is answered from."""

    found: Found
    policy: Policy
    small_cell: int
    notes: list[str]
    zone: str | None = None


def add_query(parser: argparse.ArgumentParser) -> None:
    """Declare what every query of windows takes."""
    add_span(parser, "whose windows", "the last closed window")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="whose limits judge; default: the run's, or PROOFWATCH_POLICY_FILE"
    )


def add_span(parser: argparse.ArgumentParser, whose: str, until: str) -> None:
    """Declare of whom and of when a query is, from which source, who asks, and the format.

    `whose`: what the tenant is the owner of; `until`: where the span ends by default.
    """
    add = parser.add_argument
    add("--tenant", type=kept.tenant, required=True, metavar="T", help=whose)
    add("--since", type=typed_time, metavar="TIME", help="a date or time of the tenant, a time with its zone, or "
        "24h (so long ago); of a run by default all of it")  # fmt: skip
    add("--until", type=typed_time, metavar="TIME", help=f"likewise, exclusive; default: {until}")
    add_time_zone(parser, "the tenant's clock, in which --since and --until are read and tables are written; default: "
        "the run's, or that of its settings in force; else UTC")  # fmt: skip
    add("--segment", type=segment, metavar="NAME[=VALUE]", help="the values of a segment, or one of them")
    add("--run", type=Path, metavar="OUT", help="the folder of a demo or a replay, instead of the database")
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    add_asking(add)
    add("--format", choices=FORMATS, default="table", help="on standard output (%(default)s)")


def answer(
    name: str, args: argparse.Namespace, sheet: Callable[[Answer], Sheet], query: Callable[[Query], Query] = lambda q: q
) -> int:
    """Read and write; return 0, 1 when the database is away, 2 when there is nothing or an argument is wrong."""
    settings = GovernedSettings.read()
    try:
        clock = clock_of(args, settings)
        asked = query(query_of(args, clock.zone))
        found = load_run(args.run, asked) if args.run else asyncio.run(_database(name, args, settings, asked, clock))
        policy = (
            load_policy(args.policy)
            if args.policy
            else (policy_of_run(args.run) if args.run else None) or load_policy(settings.policy_file)
        )
        found.require(asked)
        result = sheet(
            Answer(
                found,
                policy,
                settings.small_cell,
                [*_unfinished(args.run), *found.notes(asked), *_judged_by(found, policy), *clock.notes],
                asked.zone,
            )
        )
    except (NothingFound, InvalidPolicy, *WRONG) as error:
        sys.stderr.write(f"proofwatch {name}: {error}\n")
        return 2
    except (BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch {name}: {error}\n")
        return 1
    write(result, args.format, sys.stdout, sys.stderr)
    return 0


def _unfinished(run: Path | None) -> list[str]:
    if run is None or not is_unfinished(run):
        return []
    said = "this run is not finished: it goes on, or was broken off (no summary.json)"
    return [f"{said}; these are the windows that it published until now, and labels may be missing"]


def small_values(values: int, transactions: int, small_cell: int) -> list[str]:
    """Return the sentence about values that are kept back; nothing where there are none."""
    if not values:
        return []
    return [f"kept back: {values:,} values with fewer than {small_cell} transactions ({transactions:,} in all)"]


def query_of(args: argparse.Namespace, zone: str | None) -> Query:
    """Return what is asked for, by the clock of `zone`. Raises `NothingFound` where the span is none."""
    if args.since is None and not args.run:
        raise NothingFound("--since is needed where the database is read, such as --since 24h or --since 2026-01-15")
    span = Span(*(None if each is None else ms_of(in_zone(each, zone)) for each in (args.since, args.until)))
    if span.since_ms is not None and span.until_ms is not None and span.since_ms >= span.until_ms:
        raise NothingFound("--since must lie before --until")
    names, value = ((args.segment.name,), args.segment.value) if args.segment else ((), None)
    return Query(args.tenant, span, names, value, zone=zone)


async def _database(
    name: str, args: argparse.Namespace, settings: GovernedSettings, query: Query, clock: TenantsClock
) -> Found:
    async with admitted_database(name, args, settings, clock.standing) as (pool, sees):
        from services.aggregator.adapters.database_source import load_database

        return await load_database(pool, query, sees)


def _judged_by(found: Found, policy: Policy) -> list[str]:
    hashes = {each for window in found.counted for each in window.policies}
    hashes |= {each for window in found.labelled for each in window.policies}
    said = [f"limits: policy {policy.name} ({policy.hash})"]
    if hashes and policy.hash not in hashes:
        said[0] += f"; what is shown was decided by {', '.join(sorted(hashes))}: give that one with --policy"
    return said


def segment(text: str) -> Asked:
    """Return the segment that was typed. Raises `ArgumentTypeError`."""
    found = _SEGMENT.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no segment; right is device_model, or os=android")
    return Asked(found[1], found[2])
