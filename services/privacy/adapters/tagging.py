"""The move of subjects' tags from the deployment's secret to their data keys (ADR 0049): once, all of them or none.

A tag of ADR 0005 is its subject's mark, so that nobody needs to be named. Keys are made first, some at a time, and
change nothing; then the tables are closed to writers and every tag is replaced in one transaction. So no process ever
sees two kinds, and consents and references of one person go on having the same tag.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.privacy.data_keys import tag_of
from proofwatch.privacy.key_encryption import KeyEncryption
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.privacy.suppression import Whose
from services.privacy.adapters.acting import acting, deciding
from services.privacy.core import acts

if TYPE_CHECKING:
    import asyncpg

TABLES: Final[Mapping[str, str]] = {
    "consents.": "consents",
    "imagery.": "imagery_references",
    "triage.": "cases",
    "triage.attempts_": "attempts",
}
"""Tables whose rows know subjects by tags, by how the names of their functions begin, with what the rows are.

In the order in which they are locked.
"""
_AT_ONCE: Final = 2_000
_KEPT: Final = 200_000
"""Tags that are kept in memory from making the keys to the move, some 60 MB; of more, the rest is derived again."""
Told = Callable[[int, int | None], None]
"""Is told how many of how many tags are done; while keys are made, nobody knows of how many."""
_MOVED: Final = "select moved_at from privacy.tagging"
_ALONE: Final = "select moved_at from privacy.tagging for update"
_SUBJECTS: Final = "select count(*) from privacy.keys"
_MOVE: Final = "update privacy.tagging set moved_at = $1"
_RESTRICTED: Final = "select tenant, mark from privacy.holds where ground is not null and lifted_at is null"
_RETAG: Final = """
update privacy.holds h set tag = w.tag from unnest($1::text[], $2::text[], $3::text[]) as w(tenant, mark, tag)
where h.tenant = w.tenant and h.mark = w.mark and h.ground is not null and h.lifted_at is null"""


class PostgresTagging:
    """What kind of tags there is, and the move to the other."""

    def __init__(self, pool: "asyncpg.Pool", keys: KeyEncryption, kept: int = _KEPT) -> None:
        self._pool, self._people, self._keys = pool, PostgresPeople(pool), PostgresKeys(keys)
        self._most, self._tags = kept, dict[Whose, str]()

    async def move(
        self, token: str, reason: str, now: datetime, tell: Told = lambda _, __: None
    ) -> tuple[datetime, Mapping[str, int]]:
        """Move what was not; return when that was, and how much of what this call moved, if it did.

        Raises `NoSession`, `NotAllowed`, `DatabaseAway` (then nothing was moved), and what wrapping raises.
        """
        found = 0
        for table in TABLES:
            async for done in self._keyed(table, token, now):
                tell(found := found + done, None)
        about = Object("tags", "data_keys")
        async with deciding(self._pool, acts.MOVED, now, about, reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.APPROVE_ERASURE, now, None)
            if (moved := await tx.fetchval(_ALONE)) is not None:
                return moved, {}
            await tx.execute("lock table privacy.holds in share row exclusive mode")  # retention goes by tags
            for table in TABLES:
                await tx.execute(f"select {table}lock_tags()")
            figures, replaced = dict.fromkeys(TABLES.values(), 0), 0
            for table, what in TABLES.items():
                async for tags, rows in self._retagged(tx, table):
                    figures[what] += rows
                    tell(replaced := replaced + tags, max(found, replaced))
            await self._restrictions_retagged(tx)
            figures["subjects"] = await tx.fetchval(_SUBJECTS)
            await tx.execute(_MOVE, now)
            await enter(tx, act(acts.MOVED, person(who.person_id), now, about, reason=reason, details=figures))
        return now, figures

    async def _keyed(self, table: str, token: str, now: datetime) -> AsyncIterator[int]:
        """Make keys of all whom a table knows by now; yield how many those were of each page."""
        after: Whose = ("", "")
        while True:
            async with deciding(self._pool, acts.MOVED, now, Object("tags", "data_keys")) as tx:
                await acting(self._people, tx, token, Act.APPROVE_ERASURE, now, None)
                page = await _unkeyed(tx, table, after) if await tx.fetchval(_MOVED) is None else []
                await self._known(tx, page)
            if not page:
                return
            yield len(page)
            after = page[-1]

    async def _retagged(self, tx: Any, table: str) -> AsyncIterator[tuple[int, int]]:
        """Replace the tags of a table; yield how many, and in how many rows, of each page."""
        after = ("", "")
        while page := await _unkeyed(tx, table, after):  # page by page: an index keeps what this transaction replaced
            tags = await self._known(tx, page)
            columns = [tenant for tenant, _ in page], [mark for _, mark in page], [tags[each] for each in page]
            changed = await tx.fetchval(f"select {table}retag($1::text[], $2::text[], $3::text[])", *columns)
            assert changed >= len(page), "each was there a moment ago, and nobody writes meanwhile"
            yield len(page), changed
            after = page[-1]
        assert not await _unkeyed(tx, table, ("", "")), "all were moved"

    async def _restrictions_retagged(self, tx: Any) -> None:
        """Let restrictions know people by what tables know them by from now on."""
        whose = [(row["tenant"], row["mark"]) for row in await tx.fetch(_RESTRICTED)]
        tags = await self._known(tx, whose)
        columns = [tenant for tenant, _ in whose], [mark for _, mark in whose], [tags[each] for each in whose]
        await tx.execute(_RETAG, *columns)

    async def _known(self, tx: Any, whose: Sequence[Whose]) -> Mapping[Whose, str]:
        missing = [each for each in whose if each not in self._tags]
        made = await self._keys.held_or_made(tx, missing) if missing else {}
        fresh = {each: tag_of(key) for each, key in made.items()}
        tags = {each: self._tags[each] for each in whose if each not in fresh} | fresh
        self._tags.update(islice(fresh.items(), max(0, self._most - len(self._tags))))
        return tags


async def _unkeyed(tx: Any, table: str, after: Whose) -> list[Whose]:
    query = f"select tenant, tag from {table}tags_unkeyed($1, $2, $3)"  # noqa: S608 - tables of ours
    return [(row["tenant"], row["tag"]) for row in await tx.fetch(query, *after, _AT_ONCE)]
