"""`proofwatch keys`: key-encryption keys in a file, their epochs, and what is wrapped in them."""

import argparse
from pathlib import Path
from typing import Final

from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.instants import instant_of
from proofwatch.local_time import minute
from proofwatch.privacy.key_encryption import KeyEncryption
from proofwatch.privacy.key_file import KeyFile
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.terminal import progress_bar
from services.privacy.adapters.epochs import PostgresEpochs
from services.privacy.adapters.tagging import PostgresTagging
from services.privacy.commands.opening import add_dsn, database
from services.privacy.commands.running import reason_of, run_command
from services.privacy.config import Settings

_FILE: Final = "/run/secrets/key-encryption-keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Key-encryption keys wrap the data keys of data subjects, in epochs: what was wrapped in an epoch that is "
        "destroyed is unreadable for good, in every backup too. The file is theirs alone; give it to the services as "
        "PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE (docs/privacy.md)."
    )
    actions = SubCommands(parser, add_dsn)
    _add_file(actions.add("begin", "begin an epoch; the first one makes the file", _FILE, _begun).add_argument)
    _add_file(actions.add("list", "show the epochs, and how much is wrapped in each", _FILE, _listed).add_argument)
    example = f"{_FILE} --as my.session --reason 'monthly'"
    add = actions.add("rewrap", "wrap everything in the newest epoch", example, _rewrapped).add_argument
    _add_who(add)
    example = "- --as my.session --reason 'all processes are of this release'"
    _add_who(actions.add("tags", "move subjects' tags to their data keys, once", example, _moved).add_argument)
    example = f"{_FILE} --epoch 3 --as my.session --reason 'backups of May are void'"
    add = actions.add("destroy", "destroy an epoch that holds nothing any more", example, _destroyed).add_argument
    add("--epoch", type=int, required=True, metavar="N", help="which one")
    _add_who(add)


def run(args: argparse.Namespace) -> int:
    """Do it; return 0, 1 when it is refused or the database is away, 2 when the call is wrong."""
    # the environment may name the very file that is to be made
    return run_command("keys", args, Settings.model_construct() if args.act is _begun else None)


def _add_file(add: Add) -> None:
    add(
        "file",
        type=Path,
        metavar="FILE",
        help="where the keys are; for list, rewrap and tags also -: where the settings say, as a transit engine",
    )


def _add_who(add: Add) -> None:
    _add_file(add)
    add_as(add, required=True)
    kept.add_reason(add)


def _kept(args: argparse.Namespace, settings: Settings) -> KeyEncryption:
    """Return the keys of the file; `-`: those of the settings, as of a transit engine."""
    return settings.key_encryption() if args.file == Path("-") else KeyFile(args.file)


async def _begun(args: argparse.Namespace, settings: Settings) -> str:
    epoch = KeyFile(args.file).begin()
    if epoch == 1:
        return f"{args.file} has epoch 1; give it to the services as PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE\n"
    return (
        f"{args.file} has epoch {epoch}. Start the services anew, so that they know it; then: proofwatch keys rewrap "
        f"{args.file} …\n"
    )


async def _listed(args: argparse.Namespace, settings: Settings) -> str:
    keys = _kept(args, settings)
    here = await keys.epochs()
    async with database(settings, args.dsn) as pool:
        counted = await PostgresEpochs(pool, keys).counted()
    rows = [
        [str(epoch), "yes" if epoch in here else "destroyed, or elsewhere", f"{counted.get(epoch, 0):,}"]
        for epoch in sorted({*here, *counted})
    ]
    return as_columns(("EPOCH", "HERE", "SECRETS"), rows)


async def _rewrapped(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, keys = reason_of(args), token_in(args.session), _kept(args, settings)
    async with database(settings, args.dsn) as pool:
        moved = await PostgresEpochs(pool, keys).wrap_anew(token, reason, instant_of(SystemClock().now_ms()))
    return f"{moved:,} secrets were wrapped in epoch {max(await keys.epochs())}\n"


async def _moved(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, keys = reason_of(args), token_in(args.session), _kept(args, settings)
    async with database(settings, args.dsn) as pool:
        now = instant_of(SystemClock().now_ms())
        with progress_bar("moving tags") as advance:
            at, figures = await PostgresTagging(pool, keys).move(token, reason, now, advance)
    if not figures:
        return f"tags of subjects are under data keys since {minute(at)}; nothing was changed\n"
    counted = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in figures.items())
    return (
        f"tags of subjects are under data keys from now on: {counted}. Backups from before, and escalations for 90 "
        "days, have tags that the deployment's secret can derive (docs/privacy.md)\n"
    )


async def _destroyed(args: argparse.Namespace, settings: Settings) -> str:
    reason, token, keys = reason_of(args), token_in(args.session), KeyFile(args.file)
    keys.require_older(args.epoch)
    async with database(settings, args.dsn) as pool:
        await PostgresEpochs(pool, keys).require_unused(token, args.epoch, reason, instant_of(SystemClock().now_ms()))
    keys.destroy(args.epoch)
    return (
        f"epoch {args.epoch} is destroyed in {args.file}: destroy every copy of it. What was wrapped in it, also in "
        "backups of the database, is unreadable\n"
    )
