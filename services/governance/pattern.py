"""`proofwatch pattern`: attack patterns that transactions are show_changes with, published and withdrawn."""

import argparse
from pathlib import Path

from proofwatch.audit.entry import Object
from proofwatch.command_line import kept
from proofwatch.command_line.options import add_json
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.events.types import AttackPattern
from proofwatch.exits.table import PATTERN
from proofwatch.instants import instant_of, ms_of
from services.governance import acting, output
from services.governance.arguments import add_effective_from, add_log_options, add_publishing, add_who
from services.governance.governed_log import GovernedLog, RequestRefused, open_log, run_action
from services.governance.pattern_file import load_pattern, matches


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser)
    checking = actions.add(
        "check",
        "read a pattern file, and say what it would match",
        "emulators.yaml --over transactions.jsonl",
        check,
    )
    checking.add_argument("--over", type=Path, metavar="FILE", help="count its matches in a file of transaction events")
    publishing_ = actions.add(
        "publish", "publish a pattern, or a change of it", "emulators.yaml --by r.mehta --reason 4711", publish
    )
    for each in (checking, publishing_):
        each.add_argument("file", type=Path, metavar="FILE", help="pattern_id, description, severity, predicate")
    withdrawing = actions.add(
        "withdraw", "stop comparing with a pattern", "emulators --by r.mehta --reason 4711", withdraw
    )
    withdrawing.add_argument("pattern_id", type=kept.name, metavar="PATTERN")
    listing = actions.add("list", "show the patterns in force, and those coming", "--all", show)
    listing.add_argument("--all", action="store_true", help="also what is over")
    add_json(listing.add_argument)
    for each in (publishing_, withdrawing):
        add_effective_from(each)
        add_publishing(each)
        add_who(each)
    for each in (publishing_, withdrawing, listing):
        add_log_options(each, keyring=False)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when a file cannot be used."""
    return run_action("pattern", args)


def check(args: argparse.Namespace) -> int:
    """Read the file; count matches."""
    pattern = load_pattern(args.file)
    output.print_line(f"{args.file}: a valid pattern, {pattern.pattern_id}: {pattern.text()}")
    if args.over is not None:
        matched, total = matches(pattern, args.over)
        output.print_line(f"{args.over}: matches {matched} of {total} transactions")
    return 0


async def publish(args: argparse.Namespace) -> int:
    """Publish the next revision of a pattern."""
    pattern = load_pattern(args.file)
    text = pattern.text()
    async with open_log(args, governed=False) as log:
        known = _revisions(log, pattern.pattern_id)
        event = AttackPattern(
            schema_version=1,
            pattern_id=pattern.pattern_id,
            revision=max((each.revision for each in known), default=0) + 1,
            state="published",
            description=pattern.description,
            severity=pattern.severity,
            predicate=text,
            effective_from=instant_of(_from_ms(log, args)),
            expires_at=pattern.expires_at,
        )
        if pattern.expires_at is not None and ms_of(pattern.expires_at) <= ms_of(event.effective_from):
            raise RequestRefused(f"{args.file}: expires_at lies before it would take effect")
        for each in known[-1:]:
            output.print_line(f"revision {each.revision} was {each.state}: {each.predicate}")
        return await _publish(log, args, event, f"{pattern.pattern_id} ({pattern.severity}): {text}")


async def withdraw(args: argparse.Namespace) -> int:
    """Publish that a pattern is withdrawn."""
    async with open_log(args, governed=False) as log:
        known = _revisions(log, args.pattern_id)
        if not known or known[-1].state == "withdrawn":
            raise RequestRefused(f"no pattern {args.pattern_id!r} is published; `proofwatch pattern list` shows them")
        last = known[-1]
        event = AttackPattern(
            schema_version=1,
            pattern_id=last.pattern_id,
            revision=last.revision + 1,
            state="withdrawn",
            description=last.description,
            severity=last.severity,
            predicate=last.predicate,
            effective_from=instant_of(_from_ms(log, args)),
        )
        return await _publish(log, args, event, f"withdrawal of {args.pattern_id}")


async def show(args: argparse.Namespace) -> int:
    """List patterns."""
    async with open_log(args, governed=False) as log:
        now_ms = log.now_ms
        inside = {(each.pattern_id, each.revision) for each in log.replica.at(now_ms).patterns}
        rows = []
        for measure in log.replica.patterns.all():
            each = measure.record
            coming = "coming" if measure.begins_ms > now_ms else "past"
            state = "in force" if (each.pattern_id, each.revision) in inside else coming
            if args.all or state != "past":
                rows.append(
                    {
                        "pattern": each.pattern_id,
                        "revision": each.revision,
                        "state": each.state,
                        "severity": each.severity,
                        "from": instant_of(measure.begins_ms).isoformat(),
                        "expires": None if each.expires_at is None else each.expires_at.isoformat(),
                        "is": state,
                        "predicate": each.predicate,
                    }
                )
    if args.json:
        output.print_json(rows)
    elif not rows:
        output.print_line("no pattern is in force or coming; --all shows what is over")
    else:
        output.print_table("attack patterns", tuple(rows[0]), [tuple(row.values()) for row in rows])
    return 0


def _revisions(log: GovernedLog, pattern_id: str) -> list[AttackPattern]:
    known = [each.record for each in log.replica.patterns.all() if each.record.pattern_id == pattern_id]
    return sorted(known, key=lambda each: each.revision)


def _from_ms(log: GovernedLog, args: argparse.Namespace) -> int:
    from_ms = log.earliest_ms() if args.effective_from is None else int(args.effective_from)
    if from_ms < log.now_ms + log.lead_ms:
        raise RequestRefused(f"nothing was published: it must take effect at least {log.lead_ms / 1000:g} s from now")
    return from_ms


async def _publish(log: GovernedLog, args: argparse.Namespace, event: AttackPattern, what: str) -> int:
    log.rehearse([event])
    what = f"{what}, revision {event.revision}, from {event.effective_from.isoformat()}"
    if output.confirm(args, what):
        about = Object("attack_pattern", event.pattern_id)
        await acting.on_record(args, PATTERN, None, about)
        await log.publish([event])
        output.print_line(f"published: {what}")
    return 0
