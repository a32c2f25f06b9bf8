"""Pending entries become leaves, in the order in which they were entered; the tree grows by them."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from proofwatch.audit.entry import AUDITOR, SALT_BYTES, Entry, InvalidLeaf, Object, entry, entry_of, leaf_of
from proofwatch.audit.merkle import Range, leaf_hash

REFUSED: Final = "log.entry_refused"


class Pending(NamedTuple):
    """A row of `audit.pending`."""

    pending_id: int
    body: bytes


class Tree(NamedTuple):
    """The log as it stands: all entries so far, and when the last was logged; None: there is none."""

    entries: Range
    logged_at: datetime | None


class Row(NamedTuple):
    """An entry in its place, which is counted from 0."""

    place: int
    entry: Entry
    leaf: bytes
    leaf_hash: bytes


class Refusal(NamedTuple):
    """A pending row that is no entry, and why."""

    pending: Pending
    reason: str


class Growth(NamedTuple):
    """What is to be stored in one transaction. `nodes`: level, index and hash, from level 1 on."""

    tree: Tree
    rows: Sequence[Row]
    nodes: Sequence[tuple[int, int, bytes]]
    refusals: Sequence[Refusal]


def grown(
    tree: Tree, own: Iterable[Entry], pending: Iterable[Pending], known: Collection[str], now: datetime
) -> Growth:
    """Return the log with what is new, each entry once.

    `own`: the auditor's, which come first; `known`: the ids among the pending that the log has. An entry's time is
    `now`, or that of the entry before it where a clock was set back.
    """
    at = max(now, tree.logged_at) if tree.logged_at is not None else now
    seen, entries, refusals = set(known), list(own), list[Refusal]()
    for each in pending:
        try:
            found = entry_of(each.body)
        except InvalidLeaf as error:
            refusals.append(Refusal(each, str(error)))
            found = _refused(each, at)
        if found.entry_id not in seen:
            seen.add(found.entry_id)
            entries.append(found)
    return _grown(tree, entries, at, refusals)


def _grown(tree: Tree, entries: Sequence[Entry], at: datetime, refusals: Sequence[Refusal]) -> Growth:
    whole, rows, nodes = tree.entries.copy(), list[Row](), list[tuple[int, int, bytes]]()

    def made(level: int, index: int, node: bytes) -> None:
        if level:
            nodes.append((level, index, node))

    for each in entries:
        logged = replace(each, logged_at=at)
        leaf = leaf_of(logged)
        digest = leaf_hash(leaf)
        rows.append(Row(whole.end, logged, leaf, digest))
        whole.append(digest, made)
    return Growth(Tree(whole, at if rows else tree.logged_at), rows, nodes, refusals)


def _refused(pending: Pending, at: datetime) -> Entry:
    """Return the entry that says so. It holds the digest of what was refused, so that nothing is lost unseen."""
    digest = hashlib.sha256(pending.body).digest()
    return entry(
        AUDITOR,
        REFUSED,
        f"refused-{pending.pending_id}",
        at,
        digest[:SALT_BYTES],
        objects=(Object("pending_entry", str(pending.pending_id)),),
        details={"sha256": digest.hex()},
        outcome="failed",
    )
