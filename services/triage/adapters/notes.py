"""Notes on cases in PostgreSQL, each sealed under a data key that is the case's own and goes with its subject.

A case does not know its subject's key: tags lead from a subject to their cases, and nothing leads back (ADR 0049). So
the notes of a case have a key beside those of the subjects, which is wrapped and moved from epoch to epoch with them,
and which `triage.forget` and `triage.retire` remove.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from proofwatch.audit.entry import Entry, Object, Sealed, person
from proofwatch.audit.pending import Draw, act
from proofwatch.privacy.data_keys import RANDOM_BYTES, DataKey, Unreadable, made_of, opened, sealed
from proofwatch.privacy.key_encryption import (
    NONCE_BYTES,
    EpochDestroyed,
    InvalidKeys,
    KeyEncryption,
    KeysAway,
    Tampered,
)
from proofwatch.privacy.postgres_keys import PostgresKeys, about
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import CaseNow
from services.triage.core.notes import Note

NOTED: Final = "case.noted"
_AWAY: Final = (EpochDestroyed, InvalidKeys, KeysAway, Tampered)
_ADD: Final = """
insert into triage.notes(note_id, case_id, person_id, at, key_id, nonce, ciphertext)
values($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning note_id"""
_HELD: Final = "select tenant, mark, key_id, epoch, wrapped from triage.note_keys($1::text[])"
_KEEP: Final = "select triage.keep_note_key($1, $2, $3, $4)"
_OF: Final = f"""
select n.note_id, n.case_id, c.tenant, n.at, n.person_id, d.name, n.key_id, n.nonce, n.ciphertext
from triage.notes n join triage.cases c using (case_id){restriction_of("c", "$2")}
left join access.directory d on d.person_id = n.person_id
where restriction.holds is null
  and n.case_id in (select $1::text union all select p.case_id from triage.cases p where p.part_of = $1)
order by n.number limit 500"""  # noqa: S608 - a join of ours
_log = structlog.get_logger(__name__)


class NotesAway(Exception):
    """Notes cannot be sealed now: the key-encryption keys are not given, or do not answer."""


class PostgresNotes:
    """Writes and reads notes, in the transaction that it is given."""

    def __init__(self, keys: KeyEncryption | None) -> None:
        """`keys`: what wraps data keys; None: there are no notes."""
        self._keys = keys

    @property
    def are_kept(self) -> bool:
        """Return whether notes can be taken at all."""
        return self._keys is not None

    async def add(self, tx: Any, note_id: str, case: CaseNow, text: str, by: str, now: datetime) -> bool:
        """Add a note to a case, which is locked; return whether it is new. Raises `NotesAway`."""
        key = await self._key(tx, case.tenant, case.case_id)
        under = sealed(key, text.encode(), note_id, secrets.token_bytes(NONCE_BYTES))
        of = under.key_id, under.nonce, under.ciphertext
        return await tx.fetchval(_ADD, note_id, case.case_id, by, now, *of) is not None

    async def of(self, tx: Any, case_id: str, now: datetime) -> Sequence[Note]:
        """Return the notes of a case and of its parts, the oldest first; none of whose processing is restricted now."""
        rows = await tx.fetch(_OF, case_id, now)
        keys = await self._opening(tx, sorted({row["case_id"] for row in rows})) if rows else {}
        return [_note(row, keys.get(row["case_id"])) for row in rows]

    async def _key(self, tx: Any, tenant: str, case_id: str) -> DataKey:
        if self._keys is None:
            raise NotesAway("notes are sealed, and this console was not given the keys for it: its operator can")
        try:
            held = await self._held(tx, self._keys, [case_id])
            if case_id not in held:
                key = made_of(secrets.token_bytes(RANDOM_BYTES))
                await tx.execute(
                    _KEEP, case_id, key.key_id, *await self._keys.wrap(key.secret, about(tenant, key.key_id))
                )
                held = await self._held(tx, self._keys, [case_id])
        except _AWAY as error:
            _log.error("notes_not_sealed", error=type(error).__name__, reason=str(error))
            raise NotesAway("the keys that notes are sealed under do not answer; nothing was noted") from None
        return held[case_id]

    async def _opening(self, tx: Any, case_ids: Sequence[str]) -> dict[str, DataKey]:
        try:
            return await self._held(tx, self._keys, case_ids) if self._keys else {}
        except _AWAY as error:
            _log.error("notes_not_opened", error=type(error).__name__, reason=str(error))
            return {}

    async def _held(self, tx: Any, keys: KeyEncryption, case_ids: Sequence[str]) -> dict[str, DataKey]:
        found = await PostgresKeys(keys).unwrapped(await tx.fetch(_HELD, case_ids))
        return {case_id: key for (_, case_id), key in found.items()}


def noted(case: CaseNow, note_id: str, by: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a note, which has nothing of what it says."""
    return act(NOTED, person(by), now, Object("case", case.case_id), tenant=case.tenant,
               details={"note": note_id}, draw=draw)  # fmt: skip


def _note(row: Any, key: DataKey | None) -> Note:
    text = None
    if key is not None:
        try:
            found = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
            text = opened(key, found, row["note_id"]).decode()
        except Unreadable:
            _log.error("note_unreadable", note=row["note_id"])
    return Note(row["note_id"], row["case_id"], row["at"], row["person_id"], row["name"], text)
