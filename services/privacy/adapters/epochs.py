"""Moving data keys from epoch to epoch: wrapped anew in the newest, so that an older one can be destroyed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import session
from proofwatch.privacy.key_encryption import KeyEncryption, Wrapped
from proofwatch.privacy.postgres_keys import about
from services.privacy.adapters.acting import USER, ActRefused, acting, deciding
from services.privacy.core import acts

if TYPE_CHECKING:
    import asyncpg

_COUNTED: Final = """
select epoch, count(*) from (select epoch from privacy.keys
  union all select sealed_epoch from privacy.erasures where sealed is not null) as all_of_them group by 1 order by 1"""
_OLD_KEYS: Final = """
select tenant, key_id, epoch, wrapped from privacy.keys where epoch <> $1
order by tenant, mark limit $2 for update skip locked"""
_NEW_KEY: Final = "update privacy.keys set epoch = $2, wrapped = $3 where key_id = $1"
_OLD_REQUESTS: Final = """
select erasure_id, sealed_epoch, sealed from privacy.erasures where sealed is not null and sealed_epoch <> $1
order by erasure_id limit $2 for update skip locked"""
_NEW_REQUEST: Final = "update privacy.erasures set sealed_epoch = $2, sealed = $3 where erasure_id = $1"
_AT_ONCE: Final = 1_000


class EpochInUse(ActRefused):
    """Something is still wrapped in the epoch, and would be lost with it."""


class PostgresEpochs:
    """What is wrapped in which epoch, and the acts on that."""

    def __init__(self, pool: "asyncpg.Pool", keys: KeyEncryption) -> None:
        self._pool, self._keys, self._people = pool, keys, PostgresPeople(pool)

    async def counted(self) -> Mapping[int, int]:
        """Return how many secrets are wrapped in each epoch."""
        async with session(self._pool, USER) as connection:
            return {row[0]: row[1] for row in await connection.fetch(_COUNTED)}

    async def wrap_anew(self, token: str, reason: str, now: datetime) -> int:
        """Wrap everything in the newest epoch; return how much that was. Whoever calls again goes on.

        Raises `NoSession`, `NotAllowed`, `EpochDestroyed`, `Tampered`.
        """
        newest, total = max(await self._keys.epochs()), 0
        while moved := await self._some(newest, token, reason, now):
            total += moved
        return total

    async def require_unused(self, token: str, epoch: int, reason: str, now: datetime) -> None:
        """Enter that an epoch is destroyed, unless something is wrapped in it. Raises `EpochInUse` and as above.

        The entry comes first: an epoch that is gone without a trace would be worse than an entry about one that stayed.
        """
        what = Object("key_epoch", str(epoch))
        async with deciding(self._pool, acts.DESTROYED, now, what, reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.APPROVE_ERASURE, now, None)
            held = {row[0]: row[1] for row in await tx.fetch(_COUNTED)}.get(epoch, 0)
            if held:
                raise EpochInUse(
                    f"{held:,} secrets are wrapped in epoch {epoch} and would be lost: `proofwatch keys rewrap` first",
                    "epoch_in_use",
                    who.person_id,
                )
            by = person(who.person_id)
            await enter(tx, act(acts.DESTROYED, by, now, what, reason=reason))

    async def _some(self, newest: int, token: str, reason: str, now: datetime) -> int:
        async with deciding(self._pool, acts.WRAPPED, now, Object("key_epoch", str(newest)), reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.APPROVE_ERASURE, now, None)
            keys = await tx.fetch(_OLD_KEYS, newest, _AT_ONCE)
            held = [(row["key_id"], row["epoch"], row["wrapped"], about(row["tenant"], row["key_id"])) for row in keys]
            await self._anew(tx, _NEW_KEY, held)
            requests = await tx.fetch(_OLD_REQUESTS, newest, _AT_ONCE)
            await self._anew(tx, _NEW_REQUEST, [(*row, f"erasure\0{row['erasure_id']}") for row in requests])
            if moved := len(keys) + len(requests):
                by, what = person(who.person_id), Object("key_epoch", str(newest))
                await enter(tx, act(acts.WRAPPED, by, now, what, reason=reason, details={"secrets": moved}))
            return moved

    async def _anew(self, tx: Any, change: str, held: Sequence[tuple[str, int, bytes, str]]) -> None:
        """Wrap secrets in the newest epoch; of each its row's id, epoch and body, and what it is."""
        secrets = await self._keys.unwrap_all([(Wrapped(epoch, body), of) for _, epoch, body, of in held])
        anew = await self._keys.wrap_all([(each, of) for each, (*_, of) in zip(secrets, held, strict=True)])
        await tx.executemany(change, [(row, *under) for (row, *_), under in zip(held, anew, strict=True)])
