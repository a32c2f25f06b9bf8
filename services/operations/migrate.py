"""`proofwatch migrate`: the tables of every service."""

import argparse
import asyncio
import sys

import asyncpg

from proofwatch.runtime.migrations import migrate
from proofwatch.runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--dsn", help="the database; default: PROOFWATCH_POSTGRES_DSN")


def run(args: argparse.Namespace) -> int:
    """Apply what is new; return 0, or 1 when the database does not answer."""
    try:
        changed = asyncio.run(migrate(args.dsn or Settings.read().postgres_dsn))
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        sys.stderr.write(f"proofwatch migrate: PostgreSQL refused: {error}; check PROOFWATCH_POSTGRES_DSN\n")
        return 1
    sys.stdout.write(f"schemas changed: {', '.join(changed) or 'none'}\n")
    return 0
