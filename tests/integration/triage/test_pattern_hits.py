"""What the scorer tells of patterns: counted once, of each tenant, and held against what cases were found to be."""

from datetime import UTC, date, datetime

import msgspec

from proofwatch.access.roles import Role
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.types import AttackPattern, PatternHit
from proofwatch.privacy.marks import subject_mark
from services.triage.adapters.pattern_desk import PostgresPatterns
from services.triage.adapters.pattern_hits import Day, FoundToBe, days_of, found_of, totals_of
from services.triage.core.dispositions import Finding
from tests.integration.triage.conftest import LOG_MS, SECRET, Triage
from tests.integration.triage.house import Desk
from tests.unit.triage.events import suspicion

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def hit(number: int, mode: str = "shadow", **fields: object) -> PatternHit:
    given = {
        "schema_version": 1, "tenant": "acme", "transaction_id": f"t-{number}", "occurred_at": AT,
        "pattern_id": "emulators", "revision": 1, "mode": mode, "decision": "accept",
    }  # fmt: skip
    return msgspec.convert(given | fields, PatternHit)


async def tell(triage: Triage, *hits: PatternHit) -> None:
    for each in hits:
        key = f"{each.tenant}/s-{each.transaction_id.partition('-')[2]}".encode()
        await triage.bus.publish([Outgoing(topics.PATTERN_HITS, key, msgspec.json.encode(each), timestamp_ms=LOG_MS)])
    await triage.settle()


async def test_each_is_counted_once_by_day_mode_and_tenant(triage: Triage) -> None:
    """A repeat counts no second time; a further attempt, another mode and another tenant do."""
    later = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    await tell(triage, hit(1), hit(2, decision="retry", occurred_at=later), hit(1), hit(1, attempt_id="2"))
    await tell(
        triage, hit(1, "live", revision=2), hit(9, tenant="other"), hit(3, occurred_at=datetime(2026, 1, 2, tzinfo=UTC))
    )
    day = date(2026, 1, 1)
    assert await days_of(triage.pool, "emulators", ["acme"], day) == [
        Day("live", day, 1, 1, AT),
        Day("shadow", day, 3, 2, later),
        Day("shadow", date(2026, 1, 2), 1, 1, datetime(2026, 1, 2, tzinfo=UTC)),
    ]
    totals = await totals_of(triage.pool, ["emulators"], None)
    assert {(each.mode, each.hits) for each in totals} == {("live", 1), ("shadow", 5)}
    assert await totals_of(triage.pool, ["emulators"], ["nobody"]) == []


async def test_precision_is_what_the_cases_were_found_to_be_each_once(desk: Desk) -> None:
    """In shadow too: of transactions that something else raised. Cases that nobody judged are told, and not counted."""
    await desk.person("ada", Role.ANALYST)
    await desk.person("carl", Role.CHECKER)
    cases = [await desk.case() for _ in range(3)]
    await tell(desk.triage, hit(1), hit(2), hit(3), hit(4))
    await desk.triage.tell(suspicion(7, subject_ref="s-7", reason="attack_pattern", pattern_id="emulators"))
    ada, carl = desk.tokens["ada"], desk.tokens["carl"]
    for case in cases[:2]:
        await desk.desk.do("take", case, ada, desk.now)
        await desk.desk.do("review", case, ada, desk.now)
    await desk.desk.do("threat", cases[0], ada, desk.now, finding=Finding.of("threat", "a seam"))
    await desk.desk.do("clear", cases[1], ada, desk.now, finding=Finding.of("cleared", "poor light"))
    for case in cases[:2]:
        await desk.desk.do("approve", case, carl, desk.now)
    found = await found_of(desk.pool, ["emulators"], None)
    assert set(found) == {FoundToBe("emulators", "shadow", 1, 2, 3), FoundToBe("emulators", "live", 0, 0, 1)}
    assert await found_of(desk.pool, ["emulators"], ["other"]) == []


async def test_of_somebody_who_was_erased_nothing_is_kept(triage: Triage) -> None:
    """What comes late is not counted, and what was kept goes."""
    await tell(triage, hit(1), hit(2))
    assert await triage.pool.fetchval("select triage.forget_hits('acme', '{t-1}')") == 1
    mark = subject_mark(SECRET, "acme", "s-3")
    await triage.pool.execute(
        "insert into privacy.suppressed(tenant, mark, kind, erased_at) values('acme', $1, 'subject', $2)", mark, AT
    )
    await tell(triage, hit(3))
    assert [row["transaction_id"] for row in await triage.rows("select transaction_id from triage.pattern_hits")] == [
        "t-2"
    ]


async def test_a_pattern_of_an_earlier_release_is_known_and_its_revisions_go_on(desk: Desk) -> None:
    """Published by one person at the command line then; who withdraws it publishes the next revision."""
    await desk.person("rita", Role.RESEARCHER)
    event = AttackPattern(
        schema_version=1, pattern_id="old-one", revision=7, state="published", description="d", severity="low",
        predicate='{"field":"device.os","op":"eq","value":"android"}', effective_from=AT,
    )  # fmt: skip
    value = msgspec.json.encode(event)
    await desk.triage.bus.publish([Outgoing(topics.ATTACK_PATTERNS, b"old-one/7", value, timestamp_ms=LOG_MS)])
    await desk.triage.settle()
    patterns = PostgresPatterns(desk.pool)
    _, (known,) = await patterns.listed(desk.tokens["rita"], desk.now)
    assert (known.state, known.revision, known.drafted_by) == ("live", 7, "operator")
    withdrawn = await patterns.do("withdraw", "old-one", desk.tokens["rita"], desk.now, "replaced")
    assert (withdrawn.state, withdrawn.revision) == ("withdrawn", 8)
    await desk.triage.service.step(idle=True)
    await desk.triage.settle()
    _, (known,) = await patterns.listed(desk.tokens["rita"], desk.now)
    assert (known.state, known.revision, known.drafted_by) == ("withdrawn", 8, "operator")
