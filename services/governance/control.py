"""`proofwatch control`: protective measures for a cohort, turned on and off by an operator."""

import argparse
from typing import Any, get_args

from proofwatch.audit.entry import Object
from proofwatch.command_line import kept
from proofwatch.command_line.options import add_json
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.times import zoned_moment_ms
from proofwatch.events.enumerations import ControlMeasure
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Control
from proofwatch.exits.table import CONTROL
from proofwatch.governance.scope import parse_scope
from proofwatch.governance.timed_records import TimedRecord
from proofwatch.instants import instant_of
from services.governance import acting, output
from services.governance.arguments import add_effective_from, add_log_options, add_publishing, add_who
from services.governance.governed_log import GovernedLog, RequestRefused, open_log, run_action


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser)
    turn_on = actions.add(
        "on",
        "turn a measure on for a cohort",
        "step_up_mfa --cohort acme/os=android --expires-at +72h --by r.mehta --reason 'ticket 4711'",
        turn,
    )
    turn_on.add_argument(
        "--expires-at", type=zoned_moment_ms, required=True, metavar="TIME", help="when it ends by itself"
    )
    turn_off = actions.add(
        "off",
        "turn a measure off for a cohort",
        "step_up_mfa --cohort acme/os=android --by r.mehta --reason over",
        turn,
    )
    for each in (turn_on, turn_off):
        each.add_argument(
            "measure", choices=get_args(ControlMeasure), help="second factor for flagged users, or alarm for everybody"
        )
        each.add_argument(
            "--cohort", type=kept.name, required=True, metavar="TENANT[/SEGMENT=VALUE]", help="whose transactions"
        )
        add_effective_from(each)
        add_publishing(each)
        add_who(each)
    listing = actions.add("list", "show what is on, and what is coming", "--all", show)
    listing.add_argument("--all", action="store_true", help="also what is over")
    add_json(listing.add_argument)
    for each in (turn_on, turn_off, listing):
        add_log_options(each, keyring=False)


def run(args: argparse.Namespace) -> int:
    """Return 0; 1 when it is refused; 2 when an argument cannot be used."""
    return run_action("control", args)


async def turn(args: argparse.Namespace) -> int:
    """Publish one control record."""
    cohort = parse_scope(args.cohort)
    if cohort.tenant is None:
        raise RequestRefused("a control belongs to a tenant or a cohort of it, not to everyone")
    async with open_log(args, governed=False) as log:
        from_ms = log.earliest_ms() if args.effective_from is None else args.effective_from
        if from_ms < log.now_ms + log.lead_ms:
            raise RequestRefused(
                f"nothing was published: it must take effect at least {log.lead_ms / 1000:g} s from now"
            )
        expires_ms = getattr(args, "expires_at", None)
        if expires_ms is not None and expires_ms <= from_ms:
            raise RequestRefused("nothing was published: it would expire before it takes effect")
        event = Control(
            schema_version=1,
            control_id=derived_id("control", args.measure, *cohort, args.action, from_ms),
            measure=args.measure,
            state=args.action,
            tenant=cohort.tenant,
            segment_name=cohort.segment_name,
            segment_value=cohort.segment_value,
            effective_from=instant_of(from_ms),
            expires_at=None if expires_ms is None else instant_of(expires_ms),
            reason="operator",
            evidence={},
        )
        _refuse_idle(log, args, event, from_ms)
        until = "" if expires_ms is None else f" to {_said(expires_ms)}"
        what = f"{args.measure} {args.action} for {args.cohort} from {_said(from_ms)}{until}"
        log.rehearse([event])
        if output.confirm(args, what):
            await acting.on_record(args, CONTROL, cohort.tenant, Object("control", event.control_id))
            await log.publish([event])
            output.print_line(f"published: {what}")
    return 0


async def show(args: argparse.Namespace) -> int:
    """List controls."""
    async with open_log(args, governed=False) as log:
        now_ms = log.now_ms
        inside = {each.control_id for each in log.replica.at(now_ms).controls}
        rows = [_row(each, inside, now_ms) for each in log.replica.controls.all()]
    rows = [row for row in rows if args.all or row["is"] != "past"]
    if args.json:
        output.print_json(rows)
    elif not rows:
        output.print_line("no control is on or coming; --all shows what is over")
    else:
        output.print_table("controls", tuple(rows[0]), [tuple(row.values()) for row in rows])
    return 0


def _refuse_idle(log: GovernedLog, args: argparse.Namespace, event: Control, from_ms: int) -> None:
    about = log.replica.controls.about(event)
    if event.state == "off" and log.replica.controls.in_force(about, from_ms) is None:
        raise RequestRefused(f"nothing was published: {args.measure} is not on for {args.cohort} at that time")


def _row(measure: TimedRecord[Control], inside: set[str], now_ms: int) -> dict[str, Any]:
    control = measure.record
    cohort = control.tenant
    if control.segment_name is not None:
        cohort += f"/{control.segment_name}={control.segment_value}"
    state = "in force" if control.control_id in inside else "coming" if measure.begins_ms > now_ms else "past"
    return {
        "measure": control.measure,
        "cohort": cohort,
        "state": control.state,
        "from": _said(measure.begins_ms),
        "expires": None if control.expires_at is None else control.expires_at.isoformat(),
        "reason": control.reason,
        "is": state,
        "evidence": ", ".join(f"{name} {value:g}" for name, value in sorted(control.evidence.items())),
    }


def _said(ms: int) -> str:
    return instant_of(ms).isoformat().replace("+00:00", "Z")
