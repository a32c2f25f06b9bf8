"""`proofwatch pattern preview` and `hunt`: what a pattern would have matched, of what the topic of transactions has."""

import argparse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.access.session import Session
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import session
from proofwatch.command_line.times import moment
from proofwatch.events.wire import Wire, connect_wire
from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.privacy.restriction import restricted_subjects
from proofwatch.runtime.terminal import progress_bar
from services.triage.adapters.past import Read, open_for_review, policies_of, read_past
from services.triage.adapters.pattern_desk import HUNTED, PREVIEWED, USER, PostgresPatterns
from services.triage.adapters.pattern_hits import found_among, known_among
from services.triage.config import Settings
from services.triage.core.looking_back import Kept, LookBack, attempt_of, by_day, opened, suspicions, under
from services.triage.core.patterns import Pattern

MOST_READ: Final = 5_000_000


class Found(NamedTuple):
    """What a pattern matched of the past."""

    by: Session
    pattern: Pattern
    back: LookBack
    kept: Kept
    restricted: int
    read: Read


def declare(add: Any) -> None:
    """Declare how far back, and how much."""
    add("--since", type=moment, required=True, metavar="WHEN", help="log time from which on: 14d, or a time")
    add("--most", type=int, default=MOST_READ, metavar="N", help="read at most so many (default: %(default)s)")
    add("--bootstrap", metavar="HOST:PORT", help="Kafka; default: PROOFWATCH_KAFKA_BOOTSTRAP")


async def preview(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    """Say what a pattern would have matched, and what is known of that."""
    async with _kafka(args) as (bus, wire):
        found = await _looked(at, token, args, now, PREVIEWED, bus, wire, {"since": args.since.isoformat()})
    async with session(at.pool, USER) as connection:
        matched = sorted({(event.tenant, event.transaction_id) for event, _ in found.kept})
        threats, judged, cases = await found_among(connection, matched)
    lines = [_summary(found)]
    lines += [f"  {tenant} {day} {count:,}" for (tenant, day), count in sorted(by_day(found.kept).items())]
    if judged:
        low, high = clopper_pearson_lower(threats, judged, 0.975), clopper_pearson_upper(threats, judged, 0.975)
        lines.append(
            f"{threats} of {judged} judged cases with one of them were threats: {threats / judged:.0%}, "
            f"95 % interval {low:.0%} to {high:.0%}"
        )
    else:
        lines.append(f"of the {cases} cases with one of them nobody has judged any")
    return "".join(f"{each}\n" for each in lines)


async def hunt(at: PostgresPatterns, token: str, args: argparse.Namespace, now: datetime) -> str:
    """Open for review what a pattern matched before; what cases have already is not opened again."""
    limit = max(1, args.limit)
    said = {"since": args.since.isoformat(), "limit": limit}
    async with _kafka(args) as (bus, wire):
        found = await _looked(at, token, args, now, HUNTED, bus, wire, said)
        ids = sorted({each.suspicion_id for each, _ in suspicions(found.pattern, found.kept)})
        async with session(at.pool, USER) as connection:
            known = await known_among(connection, ids)
        to_open = opened(found.pattern, found.kept, known, limit)
        left_out = len(ids) - len(known) - len(to_open)
        await at.hunted(found.pattern, found.by, now, len(to_open), left_out)
        with progress_bar("reading verdicts") as advance:
            wanted = {attempt_of(each) for each, _ in to_open}
            to_open = under(to_open, await policies_of(bus, wire, _since_ms(args), wanted, advance))
        with progress_bar("opening for review") as advance:
            await open_for_review(bus, wire, to_open, advance)
    return (
        f"{_summary(found)}\n{len(to_open):,} opened for review, the newest; {len(known):,} were already; "
        f"{left_out + found.back.beyond:,} left out (--limit {limit:,})\n"
    )


async def _looked(
    at: PostgresPatterns,
    token: str,
    args: argparse.Namespace,
    now: datetime,
    action: str,
    bus: Bus,
    wire: Wire,
    details: Mapping[str, str | int],
) -> Found:
    by, pattern = await at.looking_back(action, args.pattern_id, token, now, details)
    back = LookBack(pattern, by.sees)
    with progress_bar("reading transactions") as advance:
        read = await read_past(bus, wire, _since_ms(args), max(1, args.most), back.take, advance)
    async with session(at.pool, USER) as connection:
        whose = {event.tenant for event, _ in back.kept}
        restricted = {tenant: await restricted_subjects(connection, tenant, _secret) for tenant in whose}
    kept = [each for each in back.kept if not restricted[each[0].tenant].has(each[0].subject_ref)]
    return Found(by, pattern, back, kept, len(back.kept) - len(kept), read)


def _since_ms(args: argparse.Namespace) -> int:
    since: datetime = args.since
    return round(since.timestamp() * 1000)


def _summary(found: Found) -> str:
    pattern, back, read = found.pattern, found.back, found.read
    matched = f"{len(found.kept) + back.beyond:,} of {back.read:,} transactions that the topic still has"
    notes = [
        *([] if read.is_all else ["there are more than --most: the oldest were read"]),
        *([f"{found.restricted:,} of restricted people are left out"] if found.restricted else []),
        *([f"{read.refused:,} could not be read"] if read.refused else []),
    ]
    return f"{pattern.pattern_id} matches {matched}{''.join(f'; {each}' for each in notes)}"


def _secret() -> bytes:
    given = Settings.read().subject_tag_secret
    return parse_secret(given.get_secret_value() if given else None)


@asynccontextmanager
async def _kafka(args: argparse.Namespace) -> AsyncIterator[tuple[Bus, Wire]]:
    """Give a connection. Raises `BusUnavailable`."""
    from proofwatch.bus.kafka.bus import KafkaBus  # the driver belongs to an extra; what needs none does without

    settings = Settings.read()
    bus = KafkaBus.of(settings, "patterns", bootstrap=args.bootstrap)
    await bus.start()
    try:
        wire = await connect_wire(settings)
        try:
            yield bus, wire
        finally:
            await wire.close()
    finally:
        await bus.stop()
