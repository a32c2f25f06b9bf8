"""Retention that runs by itself on a real PostgreSQL: what is old goes, who is held stays, the entry names nobody."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.command_line.session_file import write_token
from proofwatch.events.stores import load_stores
from proofwatch.instants import ms_of
from services.cli import main
from services.privacy.adapters.retention import PostgresRetention
from services.privacy.app import build
from services.privacy.config import RetentionSettings, Settings
from services.privacy.core.erasure import Subject
from services.privacy.core.retention import rules_of
from services.privacy.handlers import retention as handlers
from services.privacy.handlers.retention import Retention
from tests.integration.privacy.house import Privacy, subject

HELD, GONE, YOUNG, RUNNING = (subject(f"person-{name}-1") for name in ("held", "gone", "young", "running"))
TABLES = dict.fromkeys(("triage.cases", "triage.attempts", "imagery.flagged", "consents.words"), "subject_tag")


async def aged(privacy: Privacy, whom: Subject, days: int) -> None:
    """Somebody whose rows are so old; the consent ended then."""
    at = privacy.now - timedelta(days=days)
    await privacy.rows(whom, f"tx-{whom.subject_ref}", at)
    await privacy.pool.execute("update consents.words set expires_at = $2 where subject_tag = $1", whom.mark, at)
    person = await privacy.pool.fetchval("select person_id from access.people limit 1")
    insert = """insert into triage.assignments(case_id, person_id, assigned_at, assigned_by, released_at)
      select case_id, $2, $3, $2, $3 from triage.cases where subject_tag = $1"""
    await privacy.pool.execute(insert, whom.mark, person, at)


async def kept(privacy: Privacy) -> dict[str, set[str]]:
    """Who is in which table, by what they are called above."""
    names = {each.mark: each.subject_ref.split("-")[1] for each in (HELD, GONE, YOUNG, RUNNING)}
    return {
        table: {names[row[0]] for row in await privacy.pool.fetch(f"select {tag} from {table}")}  # noqa: S608 - ours
        for table, tag in TABLES.items()
    }


@pytest.fixture
async def lived(privacy: Privacy) -> Privacy:
    """Four people: three of long ago, of whom one is held and one has an open case, and one of yesterday."""
    await aged(privacy, HELD, 2_000)
    await aged(privacy, GONE, 2_000)
    await aged(privacy, RUNNING, 2_000)
    await aged(privacy, YOUNG, 1)
    await privacy.pool.execute("update triage.cases set state = 'open' where subject_tag = $1", RUNNING.mark)
    statement = "update consents.words set granted = false, expires_at = null where subject_tag = $1"
    await privacy.pool.execute(statement, RUNNING.mark)
    token = privacy.tokens["pia"]
    await privacy.holds.place(token, HELD.tenant, HELD.mark, "court order 12 C 7", None, privacy.now)
    return privacy


async def ran(privacy: Privacy) -> list[Any]:
    return [each for each in await privacy.entries() if each.action == "retention.ran"]


async def test_what_is_old_goes_by_itself_and_who_is_held_stays(
    lived: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, once a day; one entry with counts; open cases, withdrawals and the young stay."""
    batches: list[int] = []
    real = PostgresRetention.remove

    async def counted(self: PostgresRetention, *args: Any) -> int:
        batches.append(await real(self, *args))
        return batches[-1]

    monkeypatch.setattr(PostgresRetention, "remove", counted)
    monkeypatch.setattr(handlers, "AT_ONCE", 1)
    lived.clock.advance_to(ms_of(lived.now))
    service = build(Settings(), lived.bus, lived.pool, lived.clock, lived.cache)
    assert await service.step() == 6
    assert max(batches) == 1
    assert await kept(lived) == {
        "triage.cases": {"held", "young", "running"},
        "imagery.flagged": {"held", "young"},
        "consents.words": {"held", "young", "running"},
        "triage.attempts": {"held", "young"},
    }
    for table in ("case_reasons", "case_transitions", "assignments"):
        cases = await lived.pool.fetchval(f"select count(distinct case_id) from triage.{table}")  # noqa: S608 - ours
        assert cases == 3, table
    [entry] = await ran(lived)
    assert entry.details == {
        "removed.triage.closed_cases": 1, "removed.imagery.imagery_references": 2,
        "removed.consents.ended_consents": 1, "held.triage.closed_cases": 1, "held.imagery.imagery_references": 1,
        "held.consents.ended_consents": 1, "removed.triage.attempts": 2, "held.triage.attempts": 1,
        "removed.triage.pattern_hits": 0,
    }  # fmt: skip
    assert not any(each.mark in repr(entry) or each.subject_ref in repr(entry) for each in (HELD, GONE, RUNNING))
    assert await service.step() == 0
    assert len(await ran(lived)) == 1, "once a day"
    lived.clock.advance_to(ms_of(lived.now + timedelta(days=1)))
    assert await service.step() == 0
    assert len(await ran(lived)) == 2


async def test_a_run_that_died_is_gone_on_with_and_counts_once(lived: Privacy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes it over at once: it may be at work."""
    lived.clock.advance_to(ms_of(lived.now))
    rules = rules_of(load_stores().values(), RetentionSettings().days())
    real, store = PostgresRetention.remove, PostgresRetention(lived.pool, PostgresTags(None))

    async def dying(self: PostgresRetention, day: Any, rule: Any, now: datetime, most: int) -> int:
        if rule.store == "triage":
            raise KeyboardInterrupt
        return await real(self, day, rule, now, most)

    async def known() -> None:
        """Nothing was erased."""

    part = Retention(store, rules, lived.clock, known)
    with monkeypatch.context() as patch:
        patch.setattr(PostgresRetention, "remove", dying)
        with pytest.raises(KeyboardInterrupt):
            await part.step()
    assert await part.step() == 0
    assert await ran(lived) == []
    lived.clock.advance_to(ms_of(lived.now + timedelta(hours=2)))
    assert await part.step() == 6
    [entry] = await ran(lived)
    assert sum(count for name, count in entry.details.items() if name.startswith("removed.")) == 6


async def test_what_would_go_is_shown_with_the_reason_of_each_hold(
    lived: Privacy,
    postgres_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """By store, category and purpose; nothing is removed, and the look is an entry."""
    before, session = await kept(lived), tmp_path / "session"
    write_token(session, lived.tokens["pia"])
    lived.clock.advance_to(ms_of(lived.now))
    monkeypatch.setattr("services.privacy.commands.retention.SystemClock", lambda: lived.clock)
    command = ["privacy", "retention", "--as", str(session), "--dsn", postgres_dsn]
    assert await asyncio.to_thread(main, [*command, "--dry-run"]) == 0
    said = capsys.readouterr()
    rows = {line.split()[0]: line.split() for line in reversed(said.out.splitlines())}
    assert rows["triage"][-4:] == ["1,095", "1", "1", "1"]
    assert rows["imagery"][-4:] == ["365", "1", "2", "1"]
    assert said.out.endswith("nothing was removed\n")
    assert said.err.count("court order 12 C 7") == 4
    assert await kept(lived) == before
    assert await ran(lived) == []
    [look] = [each for each in await lived.entries() if each.action == "privacy.listed"]
    assert look.objects[0].id == "retention"
    assert await asyncio.to_thread(main, command) == 2
    assert "`proofwatch run privacy` removes what is old, once a day" in capsys.readouterr().err
