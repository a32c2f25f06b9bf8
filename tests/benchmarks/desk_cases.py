"""A queue as months of work leave it, people who work on it, and what comes in meanwhile."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.events.types import Device, Suspicion, Timings

if TYPE_CHECKING:
    import asyncpg

COUNT: Final = "select count(*) from triage.case_reasons where code = 'liveness_far_below_threshold'"
"""How many of the suspicions that came in are in cases."""
MEMBERS: Final = 2_000
BIG: Final = hashlib.md5(b"big", usedforsecurity=False).hexdigest()
"""The case of so many members."""
_BY: Final = By(OPERATOR, "a benchmark")
_PASSWORD: Final = "four unrelated words here"
# Three of ten are not closed; one in 300 is a cluster, of which the next 90 that are not closed are parts.
_FILL: Final = (
    """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at,
         changed_at, stage)
       select md5('c' || i), 'acme', case when i % 300 = 0 then 'cluster' else 'subject' end,
         case when i % 300 = 0 then null else md5('s' || i) end,
         case when i % 10 < 3 then 'escalated' else 'closed' end, case when i % 7 = 0 then 'high' else 'medium' end,
         'soc', 1, now() - i * interval '20 seconds', now() - i * interval '20 seconds',
         case when i % 10 < 3 then 'new' else 'closed' end
       from generate_series(1, {cases}) i""",
    """insert into triage.case_reasons(case_id, source_id, source_revision, code, at, severity, evidence,
         transaction_id)
       select md5('c' || i), 'x' || i, 1, 'device_velocity', now() - i * interval '20 seconds', 'high', '{{}}',
         'f-' || i
       from generate_series(1, {cases}) i""",
    """update triage.cases p set part_of = md5('c' || 300 * ceil(x.n / 300.0)::int)
       from (select md5('c' || i) as id, i as n from generate_series(1, {cases}) i where i % 300 between 10 and 99) x
       where x.id = p.case_id and p.state <> 'closed'
         and exists (select from triage.cases w where w.case_id = md5('c' || 300 * ceil(x.n / 300.0)::int)
                     and w.state <> 'closed')""",
    """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision, opened_at,
         changed_at, part_of)
       select case when i = 0 then md5('big') else md5('b' || i) end, 'acme',
         case when i = 0 then 'cluster' else 'subject' end, case when i > 0 then md5('bs' || i) end, 'escalated',
         'high', 'soc', 1, now() - i * interval '1 second', now() - i * interval '1 second',
         case when i > 0 then md5('big') end
       from generate_series(0, {members}) i""",
    """insert into triage.parts(whole_id, part_id, joined_at, joined_by, why)
       select md5('big'), md5('b' || i), now() - i * interval '1 second', 'triage', 'device'
       from generate_series(1, {members}) i""",
    """insert into triage.case_reasons(case_id, source_id, source_revision, code, at, severity, evidence,
         transaction_id)
       select md5('b' || i), 'bx' || i, 1, 'device_velocity', now() - i * interval '1 second', 'high', '{{}}', 'b-' || i
       from generate_series(1, {members}) i""",
    "vacuum analyze",
)  # fmt: skip


def case_id(number: int) -> str:
    """Return the id of a case, by its number from 1 on."""
    return hashlib.md5(f"c{number}".encode(), usedforsecurity=False).hexdigest()


def transaction(number: int) -> str:
    """Return the transaction of a case."""
    return f"f-{number}"


def block(number: int, size: int) -> list[dict[str, str]]:
    """Return cases that one analyst alone works on, as they are seen at first: not closed, no parts."""
    found = [each for each in range(1, 300 * 100) if each % 10 < 3 and (0 < each % 300 < 10 or each % 300 > 99)]
    own = found[number * size : (number + 1) * size]
    return [{"case_id": case_id(each), "version": "1.1"} for each in own]


async def fill(dsn: str, cases: int) -> None:
    """Put so many cases into an empty database, and one of many members."""
    pool = await create_pool(dsn, max_size=1)
    try:
        for each in _FILL:
            await pool.execute(each.format(cases=cases, members=MEMBERS), timeout=300)
    finally:
        await pool.close()


async def signed_in(pool: "asyncpg.Pool", count: int) -> AsyncIterator[str]:
    """Add analysts; yield the token of each one's session."""
    register, people, password_hash = PostgresRegister(pool), PostgresPeople(pool), hashed(_PASSWORD, "analyst")
    for number in range(count):
        name, now = f"analyst-{number}", datetime.now(UTC)
        await register.add(name, [Role.ANALYST], None, _BY, now)
        secret = await register.enrol(name, password_hash, _BY, now)
        token, _ = await people.sign_in(name, _PASSWORD, code_at(secret, step_of(now)), now)
        yield token


def suspicion(number: int) -> tuple[bytes, bytes]:
    """Return key and value of a suspicion; two of each person."""
    person = f"p-{number // 2}"
    event = Suspicion(
        schema_version=1,
        suspicion_id=f"00000000-0000-5000-8000-{number:012d}",
        tenant="acme",
        transaction_id=f"t-{number}",
        subject_ref=person,
        occurred_at=datetime.now(UTC) - timedelta(seconds=1),
        reason="liveness_far_below_threshold",
        severity="medium",
        evidence={"score": 0.1, "limit": 0.3, "threshold": 0.995},
        policy_hash="0" * 32,
        device=Device(ref=f"d-{person}", model=f"m-{number % 50}", os="android", sdk_version="11"),
        timings=Timings(capture_ms=1000.0 + number, upload_ms=300.0 + number % 97),
    )
    return f"acme/{person}".encode(), msgspec.json.encode(event)
