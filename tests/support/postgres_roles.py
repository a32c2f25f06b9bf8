"""Statements and roles of a real PostgreSQL, for the tests of who may do what."""

import asyncpg


async def executed(dsn: str, statements: str) -> None:
    """Run statements as the owner of the database."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def forgotten(dsn: str) -> None:
    """Drop the roles, which outlive the database."""
    connection = await asyncpg.connect(dsn)
    try:
        for row in await connection.fetch("select rolname from pg_roles where rolname like 'proofwatch-%'"):
            await connection.execute(f'drop role "{row["rolname"]}"')
    finally:
        await connection.close()
