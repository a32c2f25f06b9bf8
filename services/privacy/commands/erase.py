"""`proofwatch erase`: one person asks for a data subject's erasure, another approves it; then it is carried out."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.options import add_bootstrap, add_json
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.command_line.telling import written
from proofwatch.instants import instant_of
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.clock import SystemClock
from services.privacy.adapters.replay import PostgresReplay, announced, remember
from services.privacy.adapters.requests import About, PostgresRequests, known
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.adapters.unknown import unknown, warning
from services.privacy.commands.opening import (
    add_dsn,
    bus_of,
    database,
    erasing,
    secret_of,
    subject_of,
)
from services.privacy.commands.running import reason_of, run_command
from services.privacy.commands.subjects import add_subject, subject_ref, transactions_in
from services.privacy.config import Settings
from services.privacy.core.erasure import STEPS, Erasure, Figures, Step, is_of_nobody

_OF_NOBODY: Final = (
    "Nothing was found of this person. If there should have been: is the reference, and its tenant, as they were "
    "sent?\n"
)
_TOPICS_TOO: Final = "--dry-run also looks through the topics, as carrying it out does.\n"
_ID: Final = "0b9f4a0e-6d1c-4d6e-9a51-3c1f0f6f5d10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Erase a data subject (GDPR Art. 17): key destroyed, tables unlinked, tombstones on compacted topics, Redis; "
        "what happened by then does not bring them back. Two people of the role privacy are needed, and a legal hold "
        "refuses it. It ends with a receipt in the audit log that names nobody (docs/privacy.md). Needs the rights of "
        "the role `privacy`."
    )
    actions = SubCommands(parser, _shared)
    example = "kestrel-telecom sub-c07e51 --as my.session --reason 'ticket 4711'"
    add = actions.add("request", "ask for an erasure, or see what it would touch", example, _requested).add_argument
    add_subject(add)
    add("--transactions", type=Path, metavar="FILE", help="ids of the person's transactions, one a line, that are "
        "older than what topics keep: the tenant knows them")  # fmt: skip
    add("--dry-run", action="store_true", help="list what it would touch, and ask for nothing")
    _add_who(add)
    kept.add_reason(add, "why, without personal data; it stays in the audit log")
    add = actions.add("approve", "approve an erasure that somebody else asked for, and carry it out",
                      f"{_ID} --as other.session", _approved).add_argument  # fmt: skip
    _add_erasure(add)
    _add_who(add)
    add = actions.add("withdraw", "take back what nobody has approved yet",
                      f"{_ID} --as my.session --reason 'they stay'", _withdrawn).add_argument  # fmt: skip
    _add_erasure(add)
    _add_who(add)
    kept.add_reason(add)
    add = actions.add("resume", "go on with an approved erasure that was interrupted", _ID, _resumed).add_argument
    _add_erasure(add)
    actions.add("replay", "after a restore: erase again what the database does not know", "", _replayed)
    add = actions.add("list", "list erasures", "--as my.session", _listed).add_argument
    add("--all", action="store_true", help="those that have ended, too")
    _add_who(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or something is away, 2 when the call is wrong."""
    return run_command("erase", args)


def _shared(add: Add) -> None:
    add_dsn(add)
    add_bootstrap(add)


def _add_who(add: Add) -> None:
    add_as(add, required=True)


def _add_erasure(add: Add) -> None:
    add("erasure", type=kept.name, metavar="ERASURE", help="its id, as `list` shows it")


async def _requested(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, now = reason_of(args), token_in(args.session), _now()
    subject = subject_of(settings, args.tenant, subject_ref(args.subject))
    about = About(subject, known(transactions_in(args.transactions)))
    async with database(settings, args.dsn) as pool:
        requests = PostgresRequests(pool, settings.key_encryption(), written)
        if args.dry_run:
            await requests.previewing(token, args.tenant, reason, now)
            async with erasing(settings, pool, args.bootstrap) as at_work:
                found = await at_work.preview(about)
                return f"{_figures('an erasure would touch', found)}{_nobody(found)}nothing was changed\n"
        slip = warning(await unknown(pool, subject), subject.tenant)
        erasure_id = await requests.request(token, about, reason, now)
    return (
        f"erasure {erasure_id} is asked for. Somebody else of the role privacy approves it, and it is carried out "
        f"then: proofwatch erase approve {erasure_id} --as FILE\n{slip}{_TOPICS_TOO if slip else ''}"
    )


async def _approved(args: argparse.Namespace, settings: Settings) -> str:
    token, erasure_id = token_in(args.session), args.erasure
    async with database(settings, args.dsn) as pool, erasing(settings, pool, args.bootstrap) as at_work:
        await PostgresRequests(pool, settings.key_encryption(), written).approve(token, erasure_id, _now())
        return _ended(await at_work.run(erasure_id, _told))


async def _withdrawn(args: argparse.Namespace, settings: Settings) -> str:
    reason, token = reason_of(args), token_in(args.session)
    async with database(settings, args.dsn) as pool:
        await PostgresRequests(pool, settings.key_encryption(), written).withdraw(token, args.erasure, reason, _now())
    return f"erasure {args.erasure} is withdrawn; nothing was erased\n"


async def _resumed(args: argparse.Namespace, settings: Settings) -> str:
    async with database(settings, args.dsn) as pool, erasing(settings, pool, args.bootstrap) as at_work:
        return _ended(await at_work.run(args.erasure, _told))


async def _replayed(args: argparse.Namespace, settings: Settings) -> str:
    async with database(settings, args.dsn) as pool, bus_of(settings, args.bootstrap) as (bus, wire):
        steps = PostgresSteps(pool, PostgresKeys(settings.key_encryption()))
        replay = PostgresReplay(pool, steps, secret_of(settings))
        missing, under_way = await replay.unknown(await announced(bus, wire))
        for event in missing:
            sys.stderr.write(_figures(f"erasure {event.erasure_id}", await replay.tell(event, _now())))
        await remember(pool, bus)
    left = "".join(f"erasure {each} was under way: proofwatch erase resume {each}\n" for each in under_way)
    were = "1 erasure was" if len(missing) == 1 else f"{len(missing):,} erasures were"
    return f"{were} told again; the database knows all that were announced\n{left}"


async def _listed(args: argparse.Namespace, settings: Settings) -> str:
    token = token_in(args.session)
    async with database(settings, args.dsn) as pool:
        found = await PostgresRequests(pool, settings.key_encryption(), written).listed(token, _now(), ended=args.all)
    if args.json:
        whole = [{name: value for name, value in each._asdict().items() if name != "mark"} for each in found]
        return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
    rows = [
        [each.erasure_id, each.tenant, each.state, f"{len(each.done)} of {len(STEPS)}",
         f"{each.requested_at:%Y-%m-%d %H:%M}", each.reason]
        for each in found
    ]  # fmt: skip
    return as_columns(("ERASURE", "TENANT", "STATE", "STEPS", "ASKED FOR (UTC)", "REASON"), rows)


def _told(step: Step, figures: Figures) -> None:
    sys.stderr.write(_figures(step, figures))


def _figures(what: str, figures: Figures) -> str:
    counted = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in figures.items())
    return f"{what}: {counted or 'done'}\n"


def _ended(erasure: Erasure) -> str:
    if erasure.state != "done":
        return f"erasure {erasure.erasure_id} is {erasure.state}: nothing was done\n"
    nobody = _nobody({name: n for done in erasure.done.values() for name, n in done.items()})
    day = f"The last topic has forgotten by the end of {erasure.forgotten_by}.\n" if erasure.forgotten_by else ""
    return (
        f"erasure {erasure.erasure_id} is done. {day}Its receipt says what cannot be called back: proofwatch audit "
        f"search --entry-action subject.erased --as FILE\n{nobody}"
    )


def _nobody(figures: Figures) -> str:
    return _OF_NOBODY if is_of_nobody(figures) else ""


def _now() -> datetime:
    return instant_of(SystemClock().now_ms())
