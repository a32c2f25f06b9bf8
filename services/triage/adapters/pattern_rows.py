"""Attack patterns in PostgreSQL, schema `triage`: how they stand, what people did, what is to be published."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.events.types import AttackPattern
from services.triage.core.patterns import Change, Deed, Pattern, Text, published

_ONE: Final = "select * from triage.patterns where pattern_id = $1"
_LISTED: Final = "select * from triage.patterns order by state = 'withdrawn', changed_at desc, pattern_id limit $1"
_HISTORY: Final = """
select a.at, a.deed, a.from_state, a.to_state, a.person_id, d.name, a.reason, a.revision
from triage.pattern_acts a left join access.directory d using (person_id)
where a.pattern_id = $1 order by a.act_id"""
_KEEP: Final = """
insert into triage.patterns(pattern_id, revision, state, description, species, severity, predicate, case_id, tenant,
                            drafted_by, drafted_at, proposed_by, changed_at)
values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict(pattern_id) do update set revision = excluded.revision, state = excluded.state,
  description = excluded.description, species = excluded.species, severity = excluded.severity,
  predicate = excluded.predicate, case_id = excluded.case_id, tenant = excluded.tenant,
  drafted_by = excluded.drafted_by, drafted_at = excluded.drafted_at, proposed_by = excluded.proposed_by,
  changed_at = excluded.changed_at"""
_ACT: Final = """
insert into triage.pattern_acts(pattern_id, revision, at, deed, from_state, to_state, person_id, reason)
values($1, $2, $3, $4, $5, $6, $7, $8)"""
_SEND: Final = "insert into triage.unsent(case_id, kind, body) values(null, 'pattern', $1)"


# What others published: an earlier release, at the command line. Our own revisions are here before they are there.
_LEARN: Final = """
insert into triage.patterns(pattern_id, revision, state, description, species, severity, predicate, drafted_by,
                            drafted_at, changed_at)
values($1, $2, $3, $4, $5, $6, $7, 'operator', $8, $8)
on conflict(pattern_id) do update set revision = excluded.revision, state = excluded.state,
  description = excluded.description, species = excluded.species, severity = excluded.severity,
  predicate = excluded.predicate, drafted_by = 'operator', drafted_at = excluded.drafted_at, proposed_by = null,
  changed_at = excluded.changed_at
where patterns.revision < excluded.revision"""


class Acted(NamedTuple):
    """What somebody did with a pattern; `revision`: of what is published since; `name`: of the account, if known."""

    at: datetime
    deed: Deed
    from_state: str | None
    to_state: str
    person_id: str
    name: str | None
    reason: str
    revision: int


async def locked(tx: Any, pattern_id: str) -> Pattern | None:
    """Return a pattern, locked until the transaction ends."""
    row = await tx.fetchrow(f"{_ONE} for update", pattern_id)
    return pattern_in(row) if row else None


async def found(tx: Any, pattern_id: str) -> Pattern | None:
    """Return a pattern as it is."""
    row = await tx.fetchrow(_ONE, pattern_id)
    return pattern_in(row) if row else None


async def listed(tx: Any, most: int) -> list[Pattern]:
    """Return patterns: those that are withdrawn last, then what changed last first."""
    return [pattern_in(row) for row in await tx.fetch(_LISTED, most)]


async def history(tx: Any, pattern_id: str) -> Sequence[Acted]:
    """Return what people did with a pattern, the oldest first."""
    return [Acted(**row) for row in await tx.fetch(_HISTORY, pattern_id)]


async def learn(tx: Any, event: AttackPattern, at: datetime) -> None:
    """Keep what was published and is not known here: of an earlier release, whose next revision is ours."""
    state = "live" if event.state == "published" else event.state
    text = (event.description, event.species, event.severity, event.predicate)
    await tx.execute(_LEARN, event.pattern_id, event.revision, state, *text, at)


async def done(
    tx: Any, before: Pattern | None, after: Pattern, deed: Deed, change: Change, person_id: str, reason: str
) -> Pattern:
    """Write a deed, and hand what is to be published to whoever sends it; return the pattern as it stands then."""
    if change.publish:
        event = published(after, change.publish, after.changed_at)
        await tx.execute(_SEND, msgspec.json.encode(event).decode())
        after = after._replace(revision=event.revision)
    text = after.text
    await tx.execute(
        _KEEP,
        after.pattern_id,
        after.revision,
        after.state,
        text.description,
        text.species,
        text.severity,
        text.predicate,
        after.case_id,
        after.tenant,
        after.drafted_by,
        after.drafted_at,
        after.proposed_by,
        after.changed_at,
    )
    state = before.state if before else None
    await tx.execute(
        _ACT, after.pattern_id, after.revision, after.changed_at, deed, state, after.state, person_id, reason
    )
    return after


def pattern_in(row: Mapping[str, Any]) -> Pattern:
    """Return the pattern of a row."""
    return Pattern(
        row["pattern_id"],
        row["revision"],
        row["state"],
        Text(row["description"], row["severity"], row["predicate"], row["species"]),
        row["case_id"],
        row["tenant"],
        row["drafted_by"],
        row["drafted_at"],
        row["proposed_by"],
        row["changed_at"],
    )
