"""The database's tables: one SQL file per schema, applied before any service starts."""

import hashlib
from typing import Final

import asyncpg

from proofwatch import resources
from proofwatch.bus.postgres.schema import revision_of
from proofwatch.bus.postgres.setup import fence_ddl

_LOCK: Final = 0x5052_4F4F_46  # one migration at a time, whoever runs it
_HISTORY: Final = """
create schema if not exists proofwatch;
create table if not exists proofwatch.migrations(
  schema text primary key, digest text not null, applied_at timestamptz not null default now());
alter table proofwatch.migrations add column if not exists revision int not null default 1;
grant usage on schema proofwatch to public;
grant select on proofwatch.migrations to public;
"""


async def migrate(dsn: str) -> list[str]:
    """Bring every schema up to date and return the names of those that changed.

    Each file of `deploy/migrations` is idempotent and named after the one schema it owns; it is applied with the
    schema's fence and outbox tables in one transaction, whenever its content is new to this database. A database that
    a later release has migrated is left as it is.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)  # a pooler may lie in between
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_HISTORY)
            rows = await connection.fetch("select schema, digest, revision from proofwatch.migrations")
            known = {schema: (digest, revision) for schema, digest, revision in rows}
            changed = []
            for path in sorted(resources.migrations().glob("*.sql")):
                sql = path.read_text(encoding="utf-8") + fence_ddl(path.stem)
                digest = hashlib.sha256(sql.encode()).hexdigest()
                revision = revision_of(sql)
                if path.stem in known and (known[path.stem][0] == digest or known[path.stem][1] > revision):
                    continue
                await connection.execute(sql)
                await connection.execute(
                    "insert into proofwatch.migrations(schema, digest, revision) values($1, $2, $3) "
                    "on conflict(schema) do update set digest = excluded.digest, revision = excluded.revision, "
                    "applied_at = now()",
                    path.stem,
                    digest,
                    revision,
                )
                changed.append(path.stem)
            return changed
    finally:
        await connection.close()
