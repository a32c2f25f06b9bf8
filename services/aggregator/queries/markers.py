"""`proofwatch markers`: which versions of matcher, PAD, SDK, vendor and policy came into use, and what they changed.

All kinds together: those that traffic showed, policies that were activated, and what people declared (`declare`).
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import add_time_zone
from proofwatch.command_line.times import in_zone, moment_ms, typed_time
from proofwatch.csv_file import Cell
from proofwatch.exits.asking import add_asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.instants import ms_of
from services.aggregator.config import GovernedSettings
from services.aggregator.core.found import NothingFound, shown, told
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.touches import TOUCHES
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.spelling import canonical
from services.aggregator.queries.admitted import admitted_database
from services.aggregator.queries.clock import TenantsClock, clock_of
from services.aggregator.queries.declare import KINDS, declare
from services.aggregator.queries.run_source import unread
from services.aggregator.queries.sheet import FORMATS, Sheet, count, percent, write

_COLUMNS: Final = (
    "name", "version", "previous", "since", "known", "transactions", "counted_until", "share", "state", "ended", "by",
    "reason",
)  # fmt: skip
_HEADINGS: Final = ("what", "from", "to", "since", "transactions", "share", "comparison")
_WORDS: Final = {
    "comparing": "goes on",
    "no_change": "no change found",
    "changed": "it does otherwise: see its findings",
    "as_before": "did otherwise, and is as before",
    "no_traffic": "its traffic ended",
}
_COUNTED: Final = (
    "transactions, and their share of the tenant's, are counted from `since` on until the comparison is over; so far: "
    "it goes on, and they are those of the five minutes that have closed"
)
_TOGETHER_MS: Final = 300_000


class _Row(msgspec.Struct):
    tenant: str
    marker: Marker


_decode = msgspec.json.Decoder(_Row).decode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "List the versions of matcher, PAD, SDK and policy that began to carry real traffic of a tenant, with what "
        "their comparison with what ran before and beside them came to. With `add`, declare that matcher, PAD, SDK or "
        "vendor changed: what it touches is compared with before, and begins anew; the entry stays, with who, when and "
        "why, and needs the rights of the process windows; else it is read only, and on record who asked."
    )
    add = parser.add_argument
    add("action", nargs="?", choices=("list", "add"), default="list", help="list them, or add one (%(default)s)")
    add("--tenant", type=kept.tenant, required=True, metavar="T", help="whose versions")
    add("--kind", choices=tuple(KINDS), help="add: what changed")
    add("--version", type=kept.name, metavar="V", help="add: to which version, as traffic names it, if it does")
    add("--at", type=moment_ms, metavar="TIME", help="add: when; default: now")
    add_asking(add)
    add("--since", type=typed_time, metavar="TIME", help="a date or time of the tenant, a time with its zone, or "
        "24h (so long ago); default: all")  # fmt: skip
    add("--until", type=typed_time, metavar="TIME", help="likewise, exclusive")
    add_time_zone(parser, "the tenant's clock, in which --since and --until are read and the table is written; "
        "default: the run's, or that of its settings in force; else UTC")  # fmt: skip
    add("--run", type=Path, metavar="OUT", help="the folder of a demo or a replay, instead of the database")
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    add("--format", choices=FORMATS, default="table", help="on standard output (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Return 0, also where there are none; 1 when the database is away, 2 when folder or arguments are wrong."""
    try:
        settings = GovernedSettings.read()
        if args.action == "add":
            sys.stdout.write(f"{declare(settings, args)}\n")
            return 0
        clock = clock_of(args, settings)
        found = _of_run(args.run, args.tenant) if args.run else asyncio.run(_of_database(args, settings, clock))
    except (NothingFound, *WRONG) as error:
        sys.stderr.write(f"proofwatch markers: {error}\n")
        return 2
    except (BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch markers: {error}\n")
        return 1
    zone = clock.zone
    since, until = (None if each is None else ms_of(in_zone(each, zone)) for each in (args.since, args.until))
    within = [each for each in found if _within(each, since, until)]
    none = f"no new version of {args.tenant} in this span"
    notes = [*([_COUNTED, *_words(within), *_together(within)] if within else [none]), *clock.notes]
    rows, texts = [_cells(each) for each in within], [_text(each, zone) for each in within]
    about = {"tenant": args.tenant}
    write(
        Sheet(f"Versions of {args.tenant}", about, _COLUMNS, rows, _HEADINGS, texts, notes),
        args.format, sys.stdout, sys.stderr,
    )  # fmt: skip
    return 0


def _within(each: Marker, since_ms: int | None, until_ms: int | None) -> bool:
    return (since_ms is None or each.since_ms >= since_ms) and (until_ms is None or each.since_ms < until_ms)


def _of_run(directory: Path, tenant: str) -> list[Marker]:
    path = directory / "markers.jsonl"
    try:
        with path.open("rb") as lines:
            rows = [_decode(line) for line in lines if line.strip()]
    except OSError as error:
        raise unread(path, error) from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise NothingFound(f"{path}: not the markers of a run ({error})") from None
    return [row.marker for row in rows if row.tenant == tenant]


async def _of_database(args: argparse.Namespace, settings: GovernedSettings, clock: TenantsClock) -> list[Marker]:
    async with admitted_database("markers", args, settings, clock.standing) as (pool, _), pool.acquire() as connection:
        from services.aggregator.adapters.version_store import load_declared, read_markers

        seen = [marker for _, marker in await read_markers(connection, args.tenant)]
        said = [each for each in await load_declared(connection, [args.tenant]) if not _is_seen(each, seen)]
        return sorted([*seen, *map(_unseen, said)], key=lambda each: each.known_ms)


def _is_seen(entry: Declared, seen: Iterable[Marker]) -> bool:
    return any(
        (each.name, each.by, each.reason) == (entry.name, entry.by, entry.reason)
        and canonical(each.version) == canonical(entry.version)
        for each in seen
    )


def _unseen(entry: Declared) -> Marker:
    """Return the marker of a word that no traffic came for yet."""
    since = entry.effective_ms
    return Marker(entry.name, entry.version, None, since, since, 0, 0.0, "comparing", 0, entry.by, entry.reason)


def _words(found: Iterable[Marker]) -> list[str]:
    return [f"{each.name} {each.version}: by {each.by}: {each.reason}" for each in found if each.by]


def _together(found: Sequence[Marker]) -> list[str]:
    """Return which began in the same five minutes, of kinds that have a part in the same: their doings are one."""
    return [
        f"{one.name} {one.version} and {other.name} {other.version} began in the same five minutes: what both have a "
        "part in changed with both, and cannot be told apart"
        for one, other in combinations(found, 2)
        if one.name != other.name
        and abs(one.since_ms - other.since_ms) < _TOGETHER_MS
        and TOUCHES[one.name].compared & TOUCHES[other.name].compared
    ]


def _cells(each: Marker) -> Sequence[Cell]:
    ended = shown(each.ended_ms) if each.ended_ms else None
    return [
        each.name, each.version, each.previous, shown(each.since_ms), shown(each.known_ms), each.n, ended,
        round(each.share, 6), each.state, ended, each.by or None, each.reason or None,
    ]  # fmt: skip


def _text(each: Marker, zone: str | None) -> list[str]:
    until = f"until {told(each.ended_ms, zone)}" if each.ended_ms else "so far"
    return [
        each.name, each.previous or "–", each.version, told(each.since_ms, zone), f"{count(each.n)} {until}",
        percent(each.share), _WORDS[each.state] if each.n else "no traffic yet",
    ]  # fmt: skip
