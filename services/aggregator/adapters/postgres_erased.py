"""Which transactions of a batch are of people who were erased: asked by marks, in the ledger's own transaction."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final

from proofwatch.bus.errors import Blocked
from proofwatch.governance.pseudonyms import SECRET_VARIABLE
from proofwatch.privacy.marks import subject_mark, transaction_mark
from proofwatch.privacy.suppression import brings_back, suppressed
from services.aggregator.core.entries import Key

_LATEST: Final = "select tenant, erased_at from privacy.latest_erasures($1::text[])"
_KEEP: Final = "select privacy.suppress_late($1::text[], $2::text[], $3::text[])"
_UNLINK: Final = "select ledger.unlink($1, $2::text[])"
_COUNT: Final = """
insert into ledger.labels_of_erased as l (day, tenant, aspect, class, n)
select * from unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[])
on conflict (day, tenant, aspect, class) do update set n = l.n + excluded.n"""


class PostgresErased:
    """See `ports.ErasedStore`."""

    def __init__(self, secret: bytes | None) -> None:
        """`secret`: the deployment's for marks; None: it is needed once somebody was erased."""
        self._secret = secret

    async def latest(self, tx: Any, tenants: Collection[str]) -> Mapping[str, datetime]:
        """Return of each tenant that erased somebody when it last did. Raises `Blocked` without the secret."""
        rows = await tx.fetch(_LATEST, sorted(tenants))
        if rows and self._secret is None:
            raise Blocked(
                f"people were erased, and what comes late of them cannot be told: set {SECRET_VARIABLE}, the same as "
                "triage's, and start the ledger again"
            )
        return {row["tenant"]: row["erased_at"] for row in rows}

    async def transactions(self, tx: Any, keys: Collection[Key]) -> frozenset[Key]:
        """Return those that were known to be of somebody who was erased."""
        marks = {key: (key[0], transaction_mark(self._known(), *key)) for key in keys}
        found = await suppressed(tx, set(marks.values()))
        return frozenset(key for key, mark in marks.items() if mark in found)

    async def late(self, tx: Any, subjects: Mapping[Key, tuple[str, datetime]]) -> frozenset[Key]:
        """Return those of somebody who was erased after they had happened; from now on they are known as theirs."""
        secret = self._known()
        marks = {key: (key[0], subject_mark(secret, key[0], ref)) for key, (ref, _) in subjects.items()}
        found = await suppressed(tx, set(marks.values()))
        late = sorted(key for key, (_, at) in subjects.items() if brings_back(found, marks[key], at))
        if late:
            of = [marks[key][1] for key in late], [transaction_mark(secret, *key) for key in late]
            await tx.execute(_KEEP, [tenant for tenant, _ in late], *of)
        return frozenset(late)

    async def unlink(self, tx: Any, keys: Collection[Key]) -> None:
        """Make rows nobody's; what they count stays."""
        for tenant in sorted({tenant for tenant, _ in keys}):
            await tx.execute(_UNLINK, tenant, sorted(id_ for of, id_ in keys if of == tenant))

    async def count_labels(self, tx: Any, counts: Mapping[tuple[date, str, str, str], int]) -> None:
        """Count labels by day, tenant, aspect and class."""
        rows = [(*key, count) for key, count in sorted(counts.items())]
        await tx.execute(_COUNT, *([row[at] for row in rows] for at in range(5)))

    def _known(self) -> bytes:
        assert self._secret is not None, "`latest` comes first"
        return self._secret
