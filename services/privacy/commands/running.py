"""One way to run a command of privacy: what is refused ends with 1, what makes no sense with 2, each in a sentence."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError

from proofwatch.access.reasons import stated
from services.privacy.commands.opening import REFUSED, WRONG, WrongCall
from services.privacy.config import Settings

Act = Callable[[argparse.Namespace, Settings], Awaitable[str]]


def run_command(name: str, args: argparse.Namespace, settings: Settings | None = None) -> int:
    """Do what was chosen and write what it says; return the exit code. `settings` None: those of the environment."""
    act: Act = args.act
    try:
        with _redis_said(getattr(args, "erasure", "ERASURE")):
            said = asyncio.run(_done(act, args, settings or Settings.read()))
    except (*REFUSED, CacheAway) as error:
        sys.stderr.write(f"proofwatch {name} {args.action}: {error}\n")
        return 1
    except (*WRONG, WrongCall, OSError) as error:
        sys.stderr.write(f"proofwatch {name} {args.action}: {error}\n")
        return 2
    sys.stdout.write(said)
    return 0


def reason_of(args: argparse.Namespace) -> str:
    """Return why, as it stays in the audit log. Raises `WrongCall`."""
    found: Any = stated(args.reason)
    if not found or len(found) > 2_000:
        raise WrongCall("--reason must say why, in at most 2,000 characters and without personal data: it stays")
    return str(found)


async def _done(act: Act, args: argparse.Namespace, settings: Settings) -> str:
    return await act(args, settings)


class CacheAway(Exception):
    """Redis does not answer; what was begun goes on when it does."""


@contextmanager
def _redis_said(erasure: str) -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise CacheAway(
            f"Redis does not answer as it should ({type(error).__name__}); see that PROOFWATCH_REDIS_URL is right and "
            f"it is up; an erasure that was begun goes on with: proofwatch erase resume {erasure}"
        ) from None
