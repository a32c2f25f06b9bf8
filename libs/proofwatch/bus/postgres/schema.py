"""Whether a database is ready for a service: migrated for this release, and open to the service's user."""

import re
from typing import Any, Final

from proofwatch import resources
from proofwatch.bus.errors import DatabaseUnfit
from proofwatch.bus.postgres.errors import translated
from proofwatch.bus.postgres.pool import DatabasePool
from proofwatch.bus.postgres.setup import in_schema

_REVISION: Final = re.compile(r"-- revision (\d+)\b")
_MIGRATED: Final = (
    "select to_regclass('{schema}.fence') is not null and to_regclass('proofwatch.migrations') is not null"
)
_STORED: Final = "select revision from proofwatch.migrations where schema = $1"
_DENIED: Final = """
select format('%I.%I', $1::text, relname) from pg_class
where relnamespace = to_regnamespace($1) and relkind in ('r', 'p')
  and not (has_table_privilege(oid, 'select') and (has_table_privilege(oid, 'insert') or not $2))
order by 1 limit 1
"""


def revision_of(sql: str) -> int:
    """Return the revision that a schema's file names in its first line. Raises `ValueError`."""
    found = _REVISION.match(sql)
    if found is None:
        raise ValueError("the first line of a migration must be: -- revision <number>")
    return int(found[1])


async def check_schema(pool: DatabasePool, schema: str, *, writes: bool = True) -> None:
    """Raise `DatabaseUnfit`, saying what to run, unless `schema` is there, as new as this release, and ours to use.

    `writes` False: ours to read; what else is allowed is less than the whole of any table.

    A later revision is accepted: while an upgrade rolls, processes of the release before are still at work.
    """
    needed = revision_of((resources.migrations() / f"{schema}.sql").read_text(encoding="utf-8"))
    try:
        async with pool.acquire(timeout=10) as connection, connection.transaction():
            await _check(connection, schema, needed, pool.where, writes=writes)
    except Exception as error:
        if known := translated(error, pool.where):
            raise known from error
        raise


async def _check(connection: Any, schema: str, needed: int, where: str, *, writes: bool) -> None:
    if not await connection.fetchval(in_schema(_MIGRATED, schema)):
        raise DatabaseUnfit(f"PostgreSQL at {where} has no schema {schema!r}: run `proofwatch migrate` first", "schema")
    stored = await connection.fetchval(_STORED, schema)
    if stored is None or stored < needed:
        has = 1 if stored is None else stored
        raise DatabaseUnfit(
            f"schema {schema!r} of PostgreSQL at {where} has revision {has}, this release needs {needed}: "
            f"run `proofwatch migrate` of this release",
            "schema",
        )
    if denied := await connection.fetchval(_DENIED, schema, writes):
        what = "read and write" if writes else "read"
        raise DatabaseUnfit(
            f"PostgreSQL at {where} denies this user to {what} {denied}: grant it, or run as the owner",
            "rights",
        )
