"""The attempt history of one subject: which checks failed when, and what cleared them.

A history is a tuple of entries in the order of the log. Each carries the offset of the transaction that caused it,
and a transaction sees only what lies below its own offset. So a history that was written ahead of a crash, or by an
owner that was shut out, gives the same answers when the same records are judged again, and nothing counts twice.
"""

import hashlib
from typing import Final, NamedTuple

from proofwatch.events.types import Attempt, Attempts
from services.scorer.core.rules import LIVENESS_FAILED, MATCH_FAILED

BOUND: Final = 128
"""Entries that a transaction looks back on at most; above the greatest limit that a policy may have (100)."""


History = tuple[Attempt, ...]
"""What a subject's transactions did, in the order of the log: failures, or with `failed` 0 clearing accepts."""


class Before(NamedTuple):
    """A subject just before a transaction; `suspected`: the running episode has had its suspicion."""

    failures: Attempts
    suspected: bool


CLEAN: Final = Before(Attempts(match=0, liveness=0), suspected=False)


def transaction_digest(transaction_id: str) -> int:
    """Return 64 bits that stand for the id within one subject's history (BLAKE2b, the same in every process)."""
    return int.from_bytes(hashlib.blake2b(transaction_id.encode(), digest_size=8).digest(), "big", signed=True)


def before(history: History, offset: int, occurred_ms: int, transaction: int, window_ms: int) -> Before:
    """Return the failures that count for the transaction at `offset`.

    They lie below `offset` and above the last accept, less than `window_ms` of event time away, and belong to other
    transactions; each transaction counts once per check.
    """
    match: set[int] = set()
    liveness: set[int] = set()
    newest: Attempt | None = None
    for entry in _visible(history, offset)[: -BOUND - 1 : -1]:
        if not entry.failed:
            break
        newest = newest or entry
        if entry.transaction == transaction or abs(occurred_ms - entry.occurred_ms) >= window_ms:
            continue
        if entry.failed & MATCH_FAILED:
            match.add(entry.transaction)
        if entry.failed & LIVENESS_FAILED:
            liveness.add(entry.transaction)
    if newest is None:
        return CLEAN
    suspected_ms = newest.suspected_ms
    return Before(
        Attempts(match=len(match), liveness=len(liveness)),
        suspected=suspected_ms is not None and abs(occurred_ms - suspected_ms) < window_ms,
    )


def after(
    history: History, offset: int, occurred_ms: int, transaction: int, failed: int, *, suspicion: bool
) -> History:
    """Return the history with what the transaction at `offset` did; the same object when it changes nothing."""
    visible = _visible(history, offset)
    standing = visible[-1] if visible and visible[-1].failed else None
    if not failed and standing is None:
        return visible
    suspected_ms = standing.suspected_ms if standing and failed else None
    if suspicion:
        suspected_ms = occurred_ms
    entry = Attempt(
        offset=offset, occurred_ms=occurred_ms, transaction=transaction, failed=failed, suspected_ms=suspected_ms
    )
    return (*visible, entry)


def settled(history: History, position: int) -> History:
    """Return what a batch that begins at `position` builds on, bounded; the same object when nothing goes.

    Entries at or above it stem from a batch that was never committed; below it nothing will be judged again, so what
    no later transaction can see is dropped.
    """
    visible = _visible(history, position)
    clear = next((index for index in range(len(visible) - 1, -1, -1) if not visible[index].failed), -1)
    return visible[max(clear + 1, len(visible) - BOUND) :]


def _visible(history: History, offset: int) -> History:
    end = len(history)
    while end and history[end - 1].offset >= offset:
        end -= 1
    return history if end == len(history) else history[:end]
