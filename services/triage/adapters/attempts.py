"""What became of attempts, kept in PostgreSQL: a fixed number of round trips for a batch of any size."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from proofwatch.privacy.suppression import Erased, Whose, suppressed
from services.triage.core.attempts import WATCHED, Attempt

_NEWEST: Final = """
select w.tenant, w.tag, n.logged_at from unnest($1::text[], $2::text[]) as w(tenant, tag) cross join lateral (
  select a.logged_at from triage.attempts a where a.tenant = w.tenant and a.subject_tag = w.tag and a.logged_at > $3
  order by a.logged_at desc limit 1) n"""
_COLUMNS: Final = ("subject_tag", "keyed", *Attempt._fields)
_TYPES: Final = (
    "text", "bool", "text", "text", "text", "timestamptz", "timestamptz", "text", "text", "text", "text", "text",
    "float8", "float8", "float8", "float8", "uuid", "uuid", "uuid", "text",
)  # fmt: skip
_LISTS: Final[Mapping[str, str]] = {"reasons": "text[]", "slices": "uuid[]"}
"""Columns of several values, which come as one text each: arrays of arrays must be of one length."""
_KEEP: Final = f"""
insert into triage.attempts({", ".join(_COLUMNS)})
select {", ".join(f"string_to_array({n}, ' ')::{_LISTS[n]}" if n in _LISTS else n for n in _COLUMNS)}
from unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_TYPES, 1))}) as u({", ".join(_COLUMNS)})
on conflict do nothing"""  # noqa: S608 - columns of ours


class PostgresAttempts:
    """The `AttemptStore` of the service; all calls work inside the transaction that they are given."""

    async def erased(self, subjects: Collection[Whose], tx: Any) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        return await suppressed(tx, subjects)

    async def newest(self, tags: Collection[Whose], since: datetime, tx: Any) -> Mapping[Whose, datetime]:
        """Return when the newest attempt of each was logged; `tags`: tenants and tags. See `AttemptStore`."""
        if not tags:
            return {}
        tenants, whose = zip(*sorted(tags), strict=True)
        rows = await tx.fetch(_NEWEST, list(tenants), list(whose), since - WATCHED)
        return {(row["tenant"], row["tag"]): row["logged_at"] for row in rows}

    async def keep(self, attempts: Sequence[tuple[str, Attempt]], tx: Any, *, keyed: bool) -> None:
        """Keep attempts, each with its person's tag; what is there already stays as it is. See `AttemptStore`."""
        if not attempts:
            return
        rows = sorted((_row(tag, each, keyed) for tag, each in attempts), key=lambda row: row[2:5])
        await tx.execute(_KEEP, *map(list, zip(*rows, strict=True)))


def _row(tag: str, attempt: Attempt, keyed: bool) -> tuple[Any, ...]:
    given = attempt._replace(reasons=" ".join(attempt.reasons), slices=" ".join(attempt.slices))  # type: ignore[arg-type]
    return (tag, keyed, *given)
