"""What asks the database: exports, proofs, listings."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import Actor, Entry, entry_of, leaf_of
from proofwatch.audit.merkle_proofs import inclusion_parts, inclusion_proof
from proofwatch.audit.note import VerifierKey
from proofwatch.audit.proof import Proof
from proofwatch.bus.postgres.pool import opened
from proofwatch.exits.asking import asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.standing import BY_LAW
from proofwatch.exits.table import AUDIT
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.instants import instant_of
from proofwatch.new_file import require_new, write_new
from proofwatch.new_folder import tried
from proofwatch.plain import in_ascii, one_line, printable, told_apart
from proofwatch.runtime.settings import Settings
from proofwatch.runtime.terminal import progress_bar
from services.auditor.adapters.log_reader import LogReader, Wanted
from services.auditor.commands.in_export import found_in, leaf_in
from services.auditor.commands.offline import policy_of
from services.auditor.commands.write_export import write_export


class NothingFound(ValueError):
    """What was asked for is not there; the message says what would be right."""


async def exported(args: argparse.Namespace) -> int:
    """Write an export."""
    witnesses: tuple[VerifierKey, ...] = ()
    if args.witness_policy:
        witnesses = tuple(policy_of(args.witness_policy).witnesses.values())
    tried(args.out)
    async with _log("audit export", args) as (reader, _):
        with progress_bar("exporting entries") as advance:
            done = await write_export(reader, args.out, args.begin or 0, args.end, witnesses, advance)
    sys.stdout.write(f"{done.entries:,} entries and {done.checkpoints:,} checkpoints in {args.out}\n")
    sys.stdout.write(f"check it with: proofwatch audit verify {args.out} --key LOG_KEY_FILE\n")
    return 0


async def proved(args: argparse.Namespace) -> int:
    """Write the proof of one entry, and its leaf beside it. What is there already is not written over."""
    beside = args.out.with_suffix(".leaf.json")
    require_new(args.out, beside)
    async with _log("audit prove", args) as (reader, _):
        place = await reader.place_of(args.entry)
        checkpoints = await reader.checkpoints(0, 0)
        if place is None or not checkpoints or place >= checkpoints[-1][1]:
            raise NothingFound(f"no checkpoint has an entry {args.entry}; try: proofwatch audit search")
        _, size, note = checkpoints[-1]
        nodes = await reader.nodes(inclusion_parts(place, size))
        leaf = await reader.leaf(place)
    write_new(args.out, Proof(place, tuple(inclusion_proof(place, size, nodes)), note).body())
    write_new(beside, leaf)
    sys.stdout.write(f"{args.out}, and the entry in {beside}\n")
    return 0


async def searched(args: argparse.Namespace) -> int:
    """List the newest entries."""
    since = instant_of(args.since) if args.since is not None else None
    if args.own and args.actor:
        raise NothingFound("--own and --actor exclude each other: your own entries are those whose actor you are")
    wanted = Wanted(args.entry_action.replace("*", "%") if args.entry_action else None, args.actor, args.tenant, since)
    if args.run is not None:
        if args.own:
            raise NothingFound("--own needs a session: an export does not say who you are; give --actor")
        found = found_in(args.run, wanted, args.limit)
    else:
        async with _log("audit search --own" if args.own else "audit search", args) as (reader, who):
            if args.own:
                wanted = wanted._replace(actor=who.id)
            found = await reader.find(wanted, args.limit)
    if not found:
        raise NothingFound("no entry is like that; leave an option out, or begin earlier with --since")
    for place, entry in reversed(found):
        sys.stdout.write(one_line(line(place, entry, as_json=args.json)) + "\n")
    return 0


async def shown(args: argparse.Namespace) -> int:
    """Show one entry whole, as JSON."""
    leaf = leaf_in(args.run, args.entry) if args.run is not None else await _shown(args)
    if leaf is None:
        raise NothingFound(f"the log has no entry {args.entry}; try: proofwatch audit search")
    sys.stdout.write(printable(msgspec.json.format(leaf, indent=2).decode()) + "\n")
    if beyond := spelled(entry_of(leaf)):
        sys.stderr.write(f"beyond ASCII, and perhaps like another name: {beyond}\n")
    return 0


async def _shown(args: argparse.Namespace) -> bytes | None:
    async with _log("audit show", args) as (reader, _):
        place = await reader.place_of(args.entry)
        return None if place is None else await reader.leaf(place)


async def keys(args: argparse.Namespace) -> int:
    """List the keys of the log: which sign, and which did. They are public, and nobody's data."""
    async with opened(Settings.read().postgres_dsn) as pool:
        reader = LogReader(pool)
        found = (await reader.keys()).keys
        checkpoints = await reader.checkpoints(0, 0)
    if not found:
        raise NothingFound("the log has no key yet; does the auditor run?")
    for each in found:
        state = "signs" if each.retired is None else f"retired by entry {each.retired}"
        sys.stdout.write(f"{each.key.text()}  added by entry {each.added}, {state}\n")
    if checkpoints:
        last = Checkpoint.parse(checkpoints[-1][2].text)
        sys.stdout.write(f"last checkpoint: {last.size:,} entries, root {last.root.hex()}\n")
    return 0


@asynccontextmanager
async def _log(name: str, args: argparse.Namespace) -> AsyncIterator[tuple[LogReader, Actor]]:
    """Open the log of the database that the settings name, once it is on record who reads it; give who that is."""
    settings, tenant = GovernanceSettings.read(), getattr(args, "tenant", None)
    asked = asking(args, reason=False)
    async with through_door(settings, AUDIT[name], tenant, asked, found=BY_LAW) as (pool, granted):
        yield LogReader(pool), granted.actor


def spelled(entry: Entry) -> str:
    """Return who acted on what, as far as a name is beyond ASCII, each with how it is spelled; empty: none is."""
    names = (entry.actor.id, *(each.id for each in entry.objects))
    return one_line(", ".join(told_apart(each) for each in names if not each.isascii()))


def line(place: int, entry: Entry, *, as_json: bool) -> str:
    """Return an entry in a line. A name beyond ASCII is spelled out beside itself; as JSON everything beyond it is."""
    if as_json:
        return in_ascii(f'{{"index":{place},"entry":{leaf_of(entry).decode()}}}')
    objects = " ".join(f"{each.kind}:{told_apart(each.id)}" for each in entry.objects)
    who = told_apart(entry.actor.id)
    at = entry.logged_at.strftime("%Y-%m-%d %H:%M:%S")
    return f"{place:>8}  {at}  {entry.action:28} {entry.outcome:8} {entry.actor.kind} {who:20} {objects}"
