"""Lanes, the one that makes clusters, and people at once, on a real PostgreSQL: no ring of who waits, nothing lost."""

import asyncio
import random
import signal
import subprocess
import sys
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.events.types import Suspicion
from services.triage.adapters import cluster_rows
from services.triage.adapters.desk import CaseRefused
from services.triage.core.life import Deed
from services.triage.ports import Unsettled
from tests.integration.triage.conftest import LOG_MS, Triage, outgoing
from tests.integration.triage.house import Desk
from tests.integration.triage.test_clusters import CLUSTERS, members, on, settle, tell

LANES = "select partition from triage.fence where topic = 'soc.suspicions.v1' and position > 0"


async def published(triage: Triage, events: list[Suspicion]) -> None:
    await triage.bus.publish([outgoing(each, LOG_MS + number) for number, each in enumerate(events)])


def lanes_of(triage: Triage) -> list[Any]:
    """Every lane of the service, to be stepped by itself."""
    [worker] = [each for each in triage.service.parts if hasattr(each, "_in_order")]
    return [lane for lane in worker._in_order() if "suspicions" in str(lane._source)]


async def stepped(lane: Any) -> None:
    """Step a lane until nothing is left, as its own task would."""
    while await lane.step():
        pass
    await lane.step(idle=True)


async def test_two_lanes_at_once_make_the_same_clusters(triage: Triage) -> None:
    """Each in transactions of its own that overlap; suspicions of one handset lie on all partitions."""
    events = [on(number, f"d-{number % 5}") for number in range(1, 61)]
    await published(triage, events)
    await asyncio.gather(*map(stepped, lanes_of(triage)))
    await settle(triage)
    found = sorted(members(row) for row in await triage.rows(CLUSTERS))
    assert found == sorted(sorted(f"t-{n}" for n in range(1, 61) if n % 5 == handset) for handset in range(5))
    assert await triage.pool.fetchval("select count(*) from triage.unsettled") == 0
    assert len(await triage.rows(LANES)) > 2


async def test_a_case_that_somebody_has_locked_joins_at_the_next_look(triage: Triage) -> None:
    """The lane does not wait for it, and forgets it neither."""
    await tell(triage, on(1), on(2))
    async with triage.pool.acquire() as other, other.transaction():
        await other.execute("select from triage.cases where case_id in (select case_id from triage.case_reasons "
                            "where transaction_id = 't-2') for update")  # fmt: skip
        await asyncio.wait_for(tell(triage, on(3)), 60)
        [cluster] = await triage.rows(CLUSTERS)
        assert members(cluster) == ["t-1", "t-3"]
    await settle(triage)
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3"]


async def test_two_analysts_and_the_lanes_never_wait_for_each_other_in_a_ring(triage: Triage, desk: Desk) -> None:
    """They merge the same cases crosswise, take out and close, while evidence comes of every one of them.

    PostgreSQL breaks a ring by an error after a second; there is none, and every lane comes to its end.
    """
    people = await asyncio.gather(*(desk.person(name, Role.CHECKER) for name in ("ada", "carl")))
    await tell(triage, *[on(number, f"d-{number % 3}") for number in range(1, 25)])
    cases = [row["case_id"] for row in await triage.rows("select case_id from triage.cases order by 1")]
    refused: list[str] = []

    async def works(token: str, seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(60):
            one, other = draw.sample(cases, 2)
            deed: Deed = draw.choice(["merge", "merge", "unmerge", "release", "take"])
            try:
                await desk.desk.do(deed, one, token, desk.now, into=other, reason="the same mask")
            except CaseRefused as error:
                refused.append(error.why)

    events = [on(100 + n, f"d-{n % 3}", subject_ref=f"s-{1 + n % 24}") for n in range(240)]
    await published(triage, events)
    await asyncio.wait_for(
        asyncio.gather(*(works(token, seed) for seed, token in enumerate(people)), *map(stepped, lanes_of(triage))), 300
    )
    await settle(triage)
    assert len(refused) < 120
    named = await triage.pool.fetchval("select count(distinct transaction_id) from triage.case_reasons")
    assert named == 24 + 240
    wrong = """select count(*) from triage.cases c
      left join triage.parts p on p.part_id = c.case_id and p.left_at is null
      where c.part_of is distinct from p.whole_id"""
    assert await triage.pool.fetchval(wrong) == 0


@pytest.mark.parametrize("statement", ["OPENED", "JOIN", "JOINED", "SETTLED"])
async def test_killed_between_any_two_statements_it_goes_on_as_if_it_had_not_been(
    triage: Triage, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """SIGKILL of the process that makes a cluster, in the midst of it: all of it is done by the next, and once."""
    await tell(triage, on(1), on(2))
    with monkeypatch.context() as patched:  # the lanes keep what is new, and nobody looks at it yet
        patched.setattr(cluster_rows.PostgresClusters, "unsettled", _nothing)
        await tell(triage, on(3), on(4))
    child = [sys.executable, "-m", "tests.integration.triage.dying", postgres_dsn, statement]
    done = await asyncio.to_thread(subprocess.run, child, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert await triage.rows(CLUSTERS) == []
    await settle(triage)
    [cluster] = await triage.rows(CLUSTERS)
    assert members(cluster) == ["t-1", "t-2", "t-3", "t-4"]
    assert [each.case_id for each in await triage.escalations()] == [cluster["case_id"]]


async def _nothing(*_: object) -> Unsettled:
    return Unsettled((), (), ())
