"""Pending entries become leaves, in the order in which they were entered; the tree grows by them.

Every process may enter, and so may whoever took one over. So what says whose signatures count is the auditor's alone,
and an id that somebody took beforehand hides nothing: what says something else stands beside it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from proofwatch.audit.entry import (
    AUDITOR,
    BEGUN,
    KEY_ADDED,
    KEY_RETIRED,
    SALT_BYTES,
    Entry,
    InvalidLeaf,
    Object,
    entry,
    entry_of,
    leaf_of,
)
from proofwatch.audit.merkle import Range, leaf_hash
from services.auditor.core.enterers import is_doubtful

REFUSED: Final = "log.entry_refused"
DOUBTED: Final = "log.entry_doubted"
OWN: Final = frozenset({BEGUN, KEY_ADDED, KEY_RETIRED, REFUSED, DOUBTED})
"""What nobody else enters."""
_OWN_IDS: Final = ("log.", "refused-")
"""How the ids of such entries begin, which follow from what they say."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Pending(NamedTuple):
    """A row of `audit.pending`; `role`: by which role of the database it came."""

    pending_id: int
    body: bytes
    role: str = ""


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
    tree: Tree, own: Iterable[Entry], pending: Iterable[Pending], known: Mapping[str, Entry], now: datetime
) -> Growth:
    """Return the log with what is new, each entry once.

    `own`: the auditor's, which come first; `known`: what the log has under the ids of the pending, and under those that
    they get where it says something else (`renamed`). An entry's time is `now`, or that of the entry before it where a
    clock was set back.
    """
    at = max(now, tree.logged_at) if tree.logged_at is not None else now
    seen, entries, refusals = dict(known), list(own), list[Refusal]()
    for each in pending:
        found, refusal = read(each, at)
        if refusal is not None:
            refusals.append(refusal)
        while not same_act(found, seen.setdefault(found.entry_id, found)):
            found = renamed(found)
        if seen[found.entry_id] is found:
            entries.append(found)
            if refusal is None and is_doubtful(found.action, each.role):
                entries.append(_doubted(found, each.role, at))
    return _grown(tree, entries, at, refusals)


def read(pending: Pending, at: datetime) -> tuple[Entry, Refusal | None]:
    """Return the entry of a pending row; of one that is none, or is the auditor's to enter, the entry that says so."""
    try:
        found = entry_of(pending.body)
    except InvalidLeaf as error:
        return _refused(pending, at), Refusal(pending, str(error))
    if found.action in OWN:
        return _refused(pending, at), Refusal(pending, f"{found.action} is entered by the auditor alone")
    if found.entry_id.startswith(_OWN_IDS):
        return _refused(pending, at), Refusal(pending, "an id that begins like this is the auditor's alone")
    return found, None


def same_act(one: Entry, other: Entry) -> bool:
    """Return whether two entries say that the same was done: when that was said, and the salt, do not count."""
    return one is other or _said(one) == _said(other)


def renamed(of: Entry) -> Entry:
    """Return an entry under another id, since the log says something else under its own."""
    digest = hashlib.sha256(leaf_of(_said(of))).hexdigest()
    return replace(of, entry_id=f"{of.entry_id[:190]}~{digest[:32]}")


def _said(of: Entry) -> Entry:
    return replace(of, logged_at=_NEVER, acted_at=_NEVER, salt=bytes(SALT_BYTES))


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


def _doubted(of: Entry, role: str, at: datetime) -> Entry:
    """Return the entry that says by which role an entry came that is not that process's to make."""
    salt = hashlib.sha256(b"doubted\0" + of.salt).digest()[:SALT_BYTES]
    objects = (Object("entry", of.entry_id),)
    entry_id = f"{DOUBTED}-{hashlib.sha256(of.entry_id.encode()).hexdigest()}"
    details = {"entered_as": role, "claimed_action": of.action}
    return entry(AUDITOR, DOUBTED, entry_id, at, salt, objects=objects, details=details, outcome="failed")


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
