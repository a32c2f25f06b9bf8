"""Attempts by name in PostgreSQL: counted before they are judged, under a lock, so that many at once are many."""

from datetime import datetime
from typing import Any, Final

from proofwatch.access.throttle import FORGOTTEN, Attempts, Verdict, admit, key_of

_LOCK: Final = """
insert into access.attempts as a(name_hash, failures, unheard) values($1, 0, 0)
on conflict(name_hash) do update set failures = a.failures returning failures, last_at, unheard"""
"""One statement: between two, whoever succeeds at the same moment takes the row away."""
_SAVE: Final = "update access.attempts set failures = $2, last_at = $3, unheard = $4 where name_hash = $1"
_FORGET: Final = "delete from access.attempts where name_hash = $1"
_FORGET_OLD: Final = "delete from access.attempts where last_at < $1"
_FORGET_SESSIONS: Final = "delete from access.sessions where expires_at < $1"


async def count(tx: Any, name: str, now: datetime) -> Verdict:
    """Count an attempt; return whether it may be judged. It stands until `forget`."""
    key = key_of(name)
    verdict = admit(Attempts(*await tx.fetchrow(_LOCK, key)), now)
    await tx.execute(_SAVE, key, *verdict.after)
    return verdict


async def forget(tx: Any, name: str) -> None:
    """Forget the failures of a name: somebody succeeded, or was enrolled anew."""
    await tx.execute(_FORGET, key_of(name))


async def forget_old(tx: Any, now: datetime) -> None:
    """Forget attempts that are a month old, and sessions that ended so long ago: the audit log has them."""
    await tx.execute(_FORGET_OLD, now - FORGOTTEN)
    await tx.execute(_FORGET_SESSIONS, now - FORGOTTEN)
