"""`proofwatch export training`: a training set, filtered by consent; it is there once its entry is in the audit log."""

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.command_line.times import moment_ms
from proofwatch.events.wire import connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.exits.asking import Asking, add_asking, asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import EXPORT_TRAINING
from proofwatch.governance.consent_words import ConsentsBehind
from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret
from proofwatch.new_file import NotNew
from proofwatch.new_folder import tried
from proofwatch.privacy.key_encryption import InvalidKeys
from proofwatch.runtime.clock import SystemClock
from services.outputs.config import Settings
from services.outputs.training import Ask, Exported, Moving, export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    sub = SubCommands(parser).add(
        "training",
        "write a set for training models: no account data; sensitive data on each subject's consent alone",
        "--tenant kestrel-telecom --since 7d --out out/training --by r.mehta --reason 'liveness model 5'",
        _training,
    )
    add = sub.add_argument
    add("--tenant", type=kept.tenant, required=True, metavar="T")
    add("--since", required=True, type=moment_ms, metavar="TIME", help="log time from which on: ISO 8601, or 7d")
    add("--out", required=True, type=Path, metavar="DIR", help="a folder that is not there yet")
    add_asking(add)
    add("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for. Return 1 when it is refused or something is away, 2 when the call is wrong."""
    code: int = args.act(args)
    return code


def _training(args: argparse.Namespace) -> int:
    try:
        tried(args.out)
    except NotNew as error:
        sys.stderr.write(f"proofwatch export training: {error}\n")
        return 2
    settings = Settings.read()
    try:
        asked = asking(args)
        given = settings.subject_tag_secret
        secret = parse_secret(given.get_secret_value() if given else None)
        done = asyncio.run(_export(args, settings, secret, asked))
    except (InvalidKeys, InvalidSecret, *WRONG) as error:
        sys.stderr.write(f"proofwatch export training: {error}\n")
        return 2
    except ModuleNotFoundError as error:
        sys.stderr.write(f"proofwatch export training needs {error.name}: pip install 'proofwatch[kafka,training]'\n")
        return 2
    except (BusError, ConsentsBehind, InvalidWire, Moving, NotNew, OSError, RegistryUnavailable, *REFUSED) as error:
        sys.stderr.write(f"proofwatch export training: nothing was handed over: {error}\n")
        return 1
    sys.stdout.write(said(args.out, done))
    return 0


def said(folder: Path, done: Exported) -> str:
    """Return what was handed over, and what was not, in sentences."""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in done.withheld.items()) or "none"
    return (
        f"{done.rows:,} rows in {folder}; manifest {done.manifest}\n"
        f"withheld by reason: {reasons}; left out whole, because consent was withdrawn or processing is restricted: "
        f"{done.left_out:,}\n"
    )


async def _export(args: argparse.Namespace, settings: Settings, secret: bytes, asked: Asking) -> Exported:
    import_module("pyarrow")  # before anything is entered
    from proofwatch.bus.kafka.bus import KafkaBus
    from proofwatch.bus.postgres.pool import opened
    from proofwatch.exits.door import admitted

    async with AsyncExitStack() as stack:
        wire = await connect_wire(settings)
        stack.push_async_callback(wire.close)
        pool = await stack.enter_async_context(opened(settings.postgres_dsn, max_size=2))
        bus = KafkaBus.of(settings, "export", bootstrap=args.bootstrap)
        await bus.start()
        stack.push_async_callback(bus.stop)
        clock = SystemClock()
        granted = await admitted(pool, settings, EXPORT_TRAINING, args.tenant, asked, clock, bootstrap=args.bootstrap)
        ask = Ask(args.tenant, args.since, args.out, granted.actor.id, asked.reason)
        return await export(ask, bus, pool, secret, clock, wire, settings.key_encryption_if_any())
