"""`proofwatch privacy retention`: what is old enough to go, and what holds keep."""

import argparse
import sys

from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.events.stores import load_stores
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.privacy.adapters.retention import PostgresRetention
from services.privacy.commands.opening import WrongCall, database
from services.privacy.config import Settings
from services.privacy.core.retention import Due, Rule, rules_of


def add_retention(actions: SubCommands) -> None:
    """Declare what the command takes."""
    summary = "what `proofwatch run privacy` would remove by age today, by store, category and purpose"
    add = actions.add("retention", summary, "--dry-run --as my.session", _shown).add_argument
    add("--dry-run", action="store_true", help="show it; nothing is removed: the process does that by itself")
    add_as(add, required=True)


async def _shown(args: argparse.Namespace, settings: Settings) -> str:
    if not args.dry_run:
        raise WrongCall("`proofwatch run privacy` removes what is old, once a day; --dry-run shows what that would be")
    token, rules = token_in(args.session), rules_of(load_stores().values(), settings.days())
    async with database(settings, args.dsn) as pool:
        tags = PostgresTags(settings.key_encryption_if_any())
        due, holds = await PostgresRetention(pool, tags).due(token, rules, instant_of(SystemClock().now_ms()))
    for each in due:
        for hold_id, count in each.kept.items():
            of = f"{count:,} of {each.rule.what} of {each.tenant}"
            sys.stderr.write(f"kept: {of}, by hold {hold_id}: {holds[hold_id].reason}\n")
    rows = [_row(rule, [each for each in due if each.rule == rule]) for rule in rules]
    names = ("STORE", "RULE", "CATEGORIES", "PURPOSES", "DAYS", "TENANTS", "WOULD GO", "HELD")
    return as_columns(names, rows) + "nothing was removed\n"


def _row(rule: Rule, due: list[Due]) -> list[str]:
    kept, goes = sum(sum(each.kept.values()) for each in due), sum(each.goes for each in due)
    of = ", ".join(rule.categories), ", ".join(rule.purposes)
    tenants = sum(1 for each in due if each.goes)
    return [rule.store, rule.rule, *of, f"{rule.days:,}", f"{tenants:,}", f"{goes:,}", f"{kept:,}"]
