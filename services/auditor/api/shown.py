"""Entries as bodies."""

from collections.abc import Mapping

from proofwatch.audit.checkpoint import Checkpoint as Signed
from proofwatch.audit.entry import Entry
from proofwatch.audit.note import Note
from services.auditor.adapters.log_search import Holding
from services.auditor.api.bodies import ActedOn, Checkpoint, Listed
from services.auditor.api.bodies import Entry as EntryBody

People = Mapping[str, str]


def shown_listed(index: int, entry: Entry, signed: int, people: People) -> Listed:
    """Return an entry of a list; `signed`: so many are in a checkpoint that has left."""
    return Listed(**_listed(index, entry, people), left=index < signed)


def shown_whole(index: int, entry: Entry, digest: bytes, holding: Holding | None, people: People) -> EntryBody:
    """Return an entry whole; `holding`: the first checkpoint that has left with it."""
    second = entry.authority.second_person
    return EntryBody(
        **_listed(index, entry, people),
        left=holding is not None,
        entry_id=entry.entry_id,
        purpose=entry.purpose,
        policy=entry.authority.policy,
        grant=entry.authority.grant,
        second_person=second,
        second_person_name=people.get(second) if second else None,
        details=dict(entry.details),
        sealed=entry.sealed is not None,
        leaf_hash=digest.hex(),
        checkpoint=None if holding is None else _checkpoint(holding),
    )


def _checkpoint(holding: Holding) -> Checkpoint:
    origin = Signed.parse(Note.parse(holding.note.encode()).text).origin
    return Checkpoint(origin=origin, size=holding.size, left_at=holding.left_at, cosigned=holding.cosigned)


def _listed(index: int, entry: Entry, people: People) -> dict[str, object]:
    return {
        "index": index,
        "logged_at": entry.logged_at,
        "acted_at": entry.acted_at,
        "actor_kind": entry.actor.kind,
        "actor": entry.actor.id,
        "actor_name": people.get(entry.actor.id) if entry.actor.kind == "person" else None,
        "action": entry.action,
        "outcome": entry.outcome,
        "tenant": entry.tenant,
        "objects": [ActedOn(kind=each.kind, id=each.id) for each in entry.objects],
        "reason": entry.reason,
    }
