"""`proofwatch baseline show|rebase`: what is usual for the rates of a tenant, and a person's word that it is otherwise.

A rebase takes effect with the first five-minute window that begins ten minutes from now or later: none of those can
have closed, so everybody who counts the same log sees it at the same place.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from proofwatch.access.reasons import stated
from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import add_time_zone
from proofwatch.command_line.exit_codes import ended
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.times import moment_ms
from proofwatch.csv_file import Cell
from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.exits.asking import Asking, add_asking, asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import BASELINE_REBASE
from proofwatch.local_time import local
from proofwatch.runtime.clock import SystemClock
from services.aggregator.config import GovernedSettings
from services.aggregator.core.cusum.kinds import series_of
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.figures import PROXIES
from services.aggregator.core.found import NothingFound, shown, told
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS, MINUTE_MS
from services.aggregator.queries.admitted import admitted_database
from services.aggregator.queries.arguments import segment
from services.aggregator.queries.baseline_source import Baselines, keys_of, of_database, of_run
from services.aggregator.queries.clock import TenantsClock, clock_of
from services.aggregator.queries.sheet import FORMATS, Sheet, count, percent, write

_AHEAD_MS: Final = 10 * MINUTE_MS
_METRICS: Final = (*(each.metric for each in PROXIES), PEOPLE_REFERRED)
_COLUMNS: Final = (
    "segment_name", "segment_value", "metric", "rate", "k", "n", "hours", "dispersion", "reference_rate",
    "reference_from", "reference_to", "reference_by", "up", "down", "counted",
)  # fmt: skip
_HEADINGS: Final = ("rate", "of", "usual now", "k of n", "φ", "reference", "since … until", "chart up", "down")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = "Show what is usual for the rates of a tenant, or have them begin anew by a person's word."
    actions = SubCommands(parser)
    show = actions.add(
        "show",
        "show the moving baseline, the frozen reference, the charts, and the entries of people",
        "--tenant kestrel-telecom --metric rejection_rate --run out/demo",
        _shown,
    )
    rebase = actions.add(
        "rebase",
        "have baseline, reference and charts begin anew, with an entry that stays",
        "--tenant kestrel-telecom --segment sdk_version=5.2.0 --since 6h --by 'A. Rao' --reason 'change 1187'",
        _rebased,
    )
    rebase.description = (
        "Have baseline, frozen reference and charts of a tenant's rates begin anew: what they did from --since on is "
        "what is usual. The entry stays, with who, when and why. It takes effect with the first five-minute window "
        "that begins ten minutes from now. Baselines of days follow within a week by themselves. Needs the rights of "
        "the process windows."
    )
    for each in (show, rebase):
        add = each.add_argument
        add("--tenant", type=kept.tenant, required=True, metavar="T", help="whose rates")
        add("--metric", choices=_METRICS, metavar="METRIC", help=f"one of {', '.join(_METRICS)}; default: every one")
        add("--segment", type=segment, metavar="NAME=VALUE", help="a segment value; default: tenant and all its values")
        add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    add_time_zone(show, "the tenant's clock, in which the table is written; default: the run's, or that of its "
        "settings in force; else UTC")  # fmt: skip
    show.add_argument("--run", type=Path, metavar="OUT", help="the folder of a demo or a replay, not the database")
    add_asking(show.add_argument)
    show.add_argument("--format", choices=FORMATS, default="table", help="on standard output (%(default)s)")
    rebase.add_argument("--since", type=moment_ms, metavar="TIME", help="ISO 8601 or 6h (so long ago); default: now")
    add_asking(rebase.add_argument)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when the database is away, 2 when there is nothing of the kind or an argument is wrong."""
    settings = GovernedSettings.read()
    return ended(
        f"baseline {args.action}",
        lambda: args.act(settings, args),
        refused=(BusError, *REFUSED),
        wrong=(NothingFound, *WRONG),
    )


def _shown(settings: GovernedSettings, args: argparse.Namespace) -> None:
    clock = clock_of(args, settings)
    known = (
        of_run(args.run, args.tenant, args.segment) if args.run else asyncio.run(_of_database(settings, args, clock))
    )
    sheet = _sheet(known, args, clock.zone)
    write(sheet._replace(notes=[*sheet.notes, *clock.notes]), args.format, sys.stdout, sys.stderr)


def _rebased(settings: GovernedSettings, args: argparse.Namespace) -> None:
    asked, rebase = asking(args), rebase_of(args, SystemClock().now_ms())
    sys.stdout.write(f"{said(asyncio.run(_write(settings, args, asked, rebase)))}\n")


def rebase_of(args: argparse.Namespace, now_ms: int) -> Rebase:
    """Return the entry that the arguments ask for. Raises `NothingFound` naming what is wrong with them."""
    if args.segment and args.segment.value is None:
        raise NothingFound(f"--segment {args.segment.name} needs a value, such as {args.segment.name}=…")
    from_ms = now_ms if args.since is None else args.since
    if from_ms > now_ms:
        raise NothingFound(f"--since {shown(from_ms)} is still to come; what is usual was seen already")
    effective_ms = -(-(now_ms + _AHEAD_MS) // FIVE_MS) * FIVE_MS
    name, value = args.segment or (None, None)
    by = (args.by or "").strip()  # of a session it is the account, which is known behind the door
    return Rebase(args.tenant, name, value, args.metric, from_ms, effective_ms, by, stated(args.reason))


def said(rebase: Rebase, zone: str | None = None) -> str:
    """Return what an entry says, in a sentence."""
    where = (
        rebase.tenant
        if rebase.segment_name is None
        else f"{rebase.segment_name}={rebase.segment_value} of {rebase.tenant}"
    )
    what = "every rate" if rebase.metric is None else rebase.metric
    since, effective = (told(each, zone) for each in (rebase.from_ms, rebase.effective_ms))
    return (
        f"{what} of {where} begins anew: what it did since {since} is what is usual, from the windows "
        f"of {effective} on. By {rebase.by}: {rebase.reason}"
    )


async def _write(settings: GovernedSettings, args: argparse.Namespace, asked: Asking, rebase: Rebase) -> Rebase:
    """Write it with its entry, once it is on record who asks; return it as it was written."""
    async with through_door(settings, BASELINE_REBASE, args.tenant, asked, dsn=args.dsn) as (pool, granted):
        from proofwatch.audit.pending import enter
        from proofwatch.exits.door import through
        from services.aggregator.adapters.rate_chart_store import write_rebase
        from services.aggregator.queries.acts import entry_of_rebase

        written = rebase._replace(by=granted.actor.id)
        async with pool.acquire() as connection, connection.transaction():
            await keys_of(connection, args.tenant, args.segment, granted.sees)
            await write_rebase(connection, written)
            await enter(connection, through(entry_of_rebase(written), granted, BASELINE_REBASE))
    return written


async def _of_database(settings: GovernedSettings, args: argparse.Namespace, clock: TenantsClock) -> Baselines:
    async with (
        admitted_database("baseline show", args, settings, clock.standing) as (pool, sees),
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await of_database(connection, args.tenant, args.segment, sees)


def _sheet(known: Baselines, args: argparse.Namespace, zone: str | None) -> Sheet:
    rows, hours, words = known
    found = [
        _cells(key, metric, rows[key], hours[key])
        for key in sorted(rows, key=lambda key: (key.segment_name or "", key.segment_value or ""))
        for metric in rows[key].rates
        if args.metric in (None, metric)
    ]
    if not found:
        raise NothingFound(f"{args.tenant} has no trials of {args.metric or 'any rate'} yet")
    newest = max(each.last_ms for each in rows.values())
    return Sheet(
        f"What is usual for the rates of {args.tenant}", {"tenant": args.tenant}, _COLUMNS, found, _HEADINGS,
        [_text(each, zone) for each in found],
        [
            f"as of {told(newest + FIVE_MS, zone)}, the end of the newest five-minute window",
            *([said(each, zone) for each in words] or ["nobody has rebased anything of it"]),
            *_before(hours, args.metric),
        ],
    )  # fmt: skip


def _before(histories: Mapping[RowKey, HourRow], wanted: str | None) -> Iterator[str]:
    """Yield what was usual before the last governed marker of each rate: what that did is not absorbed unseen."""
    for key in sorted(histories, key=lambda key: (key.segment_name or "", key.segment_value or "")):
        for name, each in histories[key].before.items():
            metric, _, firsts = name.partition(":")
            if wanted in (None, metric) and any(each.n):
                where = f"{key.segment_name}={key.segment_value}" if key.segment_name else "whole tenant"
                k, n = sum(each.k), sum(each.n)
                of = "first attempts of " if firsts else ""
                yield f"{metric} of {of}{where} was {percent(k / n)} ({count(k)} of {count(n)}) {each.by}"


def _cells(key: RowKey, metric: str, row: RateRow, hours: HourRow) -> list[Cell]:
    state = row.rates[metric]
    frozen = hours.references.get(series_of(metric, firsts=state.firsts))
    usual, reference = state.usual, state.reference
    return [
        key.segment_name, key.segment_value, metric, usual.p0, usual.k, usual.n, usual.hours, state.phi,
        reference.p0 if reference else None,
        shown(frozen.from_hour * HOUR_MS) if frozen else None,
        shown(frozen.to_hour * HOUR_MS) if frozen else None,
        (frozen.by or "first 28 days") if frozen else None,
        max(state.up.baseline.statistic, state.up.reference.statistic),
        max(state.down.baseline.statistic, state.down.reference.statistic),
        "first_attempts" if state.firsts else "attempts",
    ]  # fmt: skip


def _text(cells: list[Cell], zone: str | None) -> list[str]:
    name, value, metric, rate, k, n, _, phi, reference, first, last, by, up, down, counted = cells
    assert isinstance(rate, float)
    assert isinstance(phi, float)
    of = " first" if counted == "first_attempts" else ""
    known = f"{count(k)} of {count(n)}{of}" if isinstance(k, int) and isinstance(n, int) and n else "the policy's rate"
    dates = (f"{local(datetime.fromisoformat(str(each)), zone):%Y-%m-%d}" for each in (first, last) if each)
    span = f"{' … '.join(dates)}, {by}" if first else "not yet"
    return [
        str(metric), f"{name}={value}" if name else "whole tenant", percent(rate), known, f"{phi:.2f}",
        percent(reference if isinstance(reference, float) else None), span, f"{up:.1f}", f"{down:.1f}",
    ]  # fmt: skip
