"""The attempt history of one subject: which checks failed when, and what cleared them.

A history is a tuple of entries in the order of the log. Each carries the offset of the transaction that caused it,
and a transaction sees only what lies below its own offset. So a history that was written ahead of a crash, or by an
owner that was shut out, gives the same answers when the same records are judged again, and nothing counts twice.
"""

from datetime import UTC
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from proofwatch.events.types import Attempt, Attempts, Transaction
from services.scorer.core.rules import LIVENESS_FAILED, MATCH_FAILED

BOUND: Final = 128
"""Entries that a transaction looks back on at most; above the greatest limit that a policy may have (100)."""


_BLANK: Final = blake2b(digest_size=8)  # copying it costs less than making another

History = tuple[Attempt, ...]
"""What a subject's transactions did, in the order of the log: failures, or with `failed` 0 clearing accepts."""


class Before(NamedTuple):
    """A subject just before a transaction; `suspected`: the running episode has had its suspicion."""

    failures: Attempts
    suspected: bool


CLEAN: Final = Before(Attempts(match=0, liveness=0), suspected=False)


class Identity(NamedTuple):
    """Which attempt of which transaction, as 64 bits each within one subject's history.

    The attempt stands for its name and for what was judged: so the same record is the same attempt however late it
    comes again, and another payload is another one, also where upstream gives one id and one time to all.
    """

    transaction: int
    attempt: int


def identity(event: Transaction) -> Identity:
    """Return the identity of an event (BLAKE2b, the same in every process)."""
    judged = f"{attempt_name(event)}\0{event.match_score!r}\0{event.liveness_score!r}"
    return Identity(_digest(event.transaction_id), _digest(judged))


def attempt_name(event: Transaction) -> str:
    """Return upstream's name of the attempt, or its time: what tells it from others of its transaction."""
    if event.attempt_id is not None:
        return event.attempt_id
    at = event.occurred_at
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
    return f"{text[:-6]}Z"  # in place of +00:00


def named(event: Transaction) -> Transaction:
    """Return the event of a further attempt under a name, so that nothing of it is taken for another's."""
    return event if event.attempt_id is not None else msgspec.structs.replace(event, attempt_id=attempt_name(event))


def is_further(history: History, offset: int, of: Identity) -> bool:
    """Return whether another attempt of the transaction has failed since the last accept."""
    for entry in _visible(history, offset)[: -BOUND - 1 : -1]:
        if not entry.failed:
            return False  # what lies before is dropped sooner or later
        if entry.transaction == of.transaction and entry.attempt not in (None, of.attempt):
            return True
    return False


def _digest(text: str) -> int:
    digest = _BLANK.copy()
    digest.update(text.encode())
    return int.from_bytes(digest.digest(), "big", signed=True)


def before(history: History, offset: int, occurred_ms: int, of: Identity, window_ms: int) -> Before:
    """Return the failures that count for the transaction at `offset`.

    They lie below `offset` and above the last accept, less than `window_ms` of event time away, and belong to other
    attempts; each attempt counts once per check. An entry of an earlier release stands for all of its transaction.
    """
    match: set[tuple[int, int | None]] = set()
    liveness: set[tuple[int, int | None]] = set()
    newest: Attempt | None = None
    for entry in _visible(history, offset)[: -BOUND - 1 : -1]:
        if not entry.failed:
            break
        newest = newest or entry
        if abs(occurred_ms - entry.occurred_ms) >= window_ms:
            continue
        if entry.transaction == of.transaction and entry.attempt in (None, of.attempt):
            continue
        if entry.failed & MATCH_FAILED:
            match.add((entry.transaction, entry.attempt))
        if entry.failed & LIVENESS_FAILED:
            liveness.add((entry.transaction, entry.attempt))
    if newest is None:
        return CLEAN
    suspected_ms = newest.suspected_ms
    return Before(
        Attempts(match=len(match), liveness=len(liveness)),
        suspected=suspected_ms is not None and abs(occurred_ms - suspected_ms) < window_ms,
    )


def after(history: History, offset: int, occurred_ms: int, of: Identity, failed: int, *, suspicion: bool) -> History:
    """Return the history with what the transaction at `offset` did; the same object when it changes nothing."""
    visible = _visible(history, offset)
    running = visible[-1] if visible and visible[-1].failed else None
    if not failed and running is None:
        return visible
    suspected_ms = running.suspected_ms if running and failed else None
    if suspicion:
        suspected_ms = occurred_ms
    entry = Attempt(
        offset=offset,
        occurred_ms=occurred_ms,
        transaction=of.transaction,
        failed=failed,
        suspected_ms=suspected_ms,
        attempt=of.attempt,
    )
    return (*visible, entry)


def settled(history: History, position: int) -> History:
    """Return what a batch that begins at `position` builds on, bounded; the same object when nothing goes.

    Entries at or above it stem from a batch that was never committed; below it nothing will be judged again, so what
    no later transaction can see is dropped.
    """
    if len(history) == 1 and history[0].failed and history[0].offset < position:
        return history  # nearly always: the first failure
    visible = _visible(history, position)
    clear = next((index for index in range(len(visible) - 1, -1, -1) if not visible[index].failed), -1)
    return visible[max(clear + 1, len(visible) - BOUND) :]


def _visible(history: History, offset: int) -> History:
    end = len(history)
    while end and history[end - 1].offset >= offset:
        end -= 1
    return history if end == len(history) else history[:end]
