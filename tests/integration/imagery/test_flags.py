"""What is kept of a transaction that was flagged more than once: imagery is of one person, as the tag says."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from proofwatch.bus.postgres.pool import create_pool
from proofwatch.instants import instant_of
from proofwatch.runtime.migrations import migrate
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.core.facts import Flagged

BARE: Final = Flagged("kestrel", "tx-9", "a" * 32, None, None, None, instant_of(1_772_442_000_000))
A: Final = "s3://imagery/kestrel/a"
B: Final = "s3://imagery/kestrel/b"
OTHER: Final = BARE._replace(
    subject_tag="b" * 32, imagery_ref=B, imagery_sha256="2" * 64, imagery_media_type="image/png"
)
WITH: Final = BARE._replace(imagery_ref=A)
WHOLE: Final = WITH._replace(imagery_sha256="1" * 64, imagery_media_type="image/jpeg")
ANOTHER: Final = OTHER._replace(subject_tag=BARE.subject_tag)
CASES: Final = {
    "of another person": ([BARE, OTHER], BARE),
    "of another person, who is first": ([OTHER, WHOLE], OTHER),
    "a digest of another person": ([WITH, OTHER._replace(imagery_ref=A)], WITH),
    "later": ([BARE, WHOLE], WHOLE),
    "the rest of it": ([WITH, WHOLE], WHOLE),
    "less": ([WHOLE, BARE], WHOLE),
    "other imagery of the person": ([WITH, ANOTHER], WITH),
    "both": ([BARE, OTHER, WITH, ANOTHER, WHOLE], WHOLE),
}


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator["asyncpg.Pool"]:
    await migrate(postgres_dsn)
    made = await create_pool(postgres_dsn)
    yield made
    await made.close()


async def test_imagery_comes_to_the_person_it_is_of(pool: "asyncpg.Pool") -> None:
    """In one batch or in several, it is the same that is kept."""
    tables = PostgresBroker(pool)
    for name, (flagged, kept) in CASES.items():
        for batches in ([flagged], [[each] for each in flagged]):
            async with tables.transaction() as tx:
                for batch in batches:
                    await tables.flag(tx, batch)
                assert await tables.flagged(tx, "kestrel", "tx-9") == kept, name
                await tx.execute("delete from imagery.flagged")


async def test_of_many_transactions_each_keeps_its_own(pool: "asyncpg.Pool") -> None:
    tables = PostgresBroker(pool)
    many = [each._replace(transaction_id=name) for name, (flagged, _) in CASES.items() for each in flagged]
    async with tables.transaction() as tx:
        await tables.flag(tx, many)
        for name, (_, kept) in CASES.items():
            assert await tables.flagged(tx, "kestrel", name) == kept._replace(transaction_id=name)
