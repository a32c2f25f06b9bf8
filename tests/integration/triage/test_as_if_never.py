"""What was a part and is taken out again is as if it never had been one, whoever put it there (Hypothesis)."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofwatch.access.roles import Role
from proofwatch.events import codec, topics
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Device, Suspicion
from services.triage.adapters.desk import CaseRefused, PostgresDesk
from services.triage.core.dispositions import Finding, FourEyes
from services.triage.core.life import Deed
from tests.integration.triage.conftest import LOG_MS, Triage, outgoing
from tests.integration.triage.house import Desk
from tests.integration.triage.test_clusters import settle
from tests.integration.triage.test_parts import rows_of
from tests.unit.triage.events import suspicion

SUBJECTS = 4
HUB = SUBJECTS
"""A case by itself, into which people merge others."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["evidence", "evidence", "merge", "unmerge", "picture"]),
        st.integers(0, SUBJECTS - 1),
        st.sampled_from(["low", "medium", "high"]),
    ),
    max_size=14,
)
CASE = """
select case_id from triage.case_reasons join triage.cases using (case_id) where tenant = $1 and transaction_id = $2"""
WORLDS = itertools.count(1)


class World:
    """Four subjects on one handset, and a hub; and of another tenant the same to whom nothing happens but evidence."""

    def __init__(self, desk: Desk, people: PostgresDesk) -> None:
        self.desk, self.people, self.name = desk, people, next(WORLDS)
        self.number = 0
        self.joined = 0

    async def evidence(self, subject: int, severity: str, *, picture: str | None = None) -> None:
        """The twin's suspicion says the same, but nothing that it has in common with others."""
        self.number += 1
        for tenant in ("acme", "twin"):
            shared: dict[str, Any] = {"imagery_sha256": picture}
            if subject != HUB:
                shared["device"] = Device(ref=f"d-{self.name}")
            event = self.suspicion(tenant, subject, severity, **(shared if tenant == "acme" else {}))
            await self.desk.triage.bus.publish([outgoing(event, LOG_MS + self.number)])
        await settle(self.desk.triage)
        self.joined = max(self.joined, await self.count("part_of is not null"))

    def suspicion(self, tenant: str, subject: int, severity: str, **given: Any) -> Suspicion:
        transaction_id = f"t-{self.name}-{self.number}"
        fields = {
            "tenant": tenant, "subject_ref": f"s-{self.name}-{subject}", "severity": severity,
            "transaction_id": transaction_id, "suspicion_id": derived_id("suspicion", tenant, transaction_id),
        }  # fmt: skip
        return suspicion(self.number, **fields | given)

    async def case(self, tenant: str, subject: int) -> str:
        return str(await self.desk.pool.fetchval(CASE, tenant, f"t-{self.name}-{subject + 1}"))

    async def count(self, where: str) -> int:
        query = f"select count(*) from triage.cases where kind = 'subject' and {where}"  # noqa: S608 — constants
        return int(await self.desk.pool.fetchval(query))

    async def do(self, deed: Deed, case: str, **given: Any) -> None:
        try:
            await self.people.do(deed, case, self.desk.tokens["carl"], self.desk.now, reason="seen", **given)
        except CaseRefused as refused:
            if refused.why not in {"no_part", "part_of_another", "due_before"}:
                raise

    async def step(self, what: str, subject: int, severity: str) -> None:
        if what == "evidence":
            await self.evidence(subject, severity)
        elif what == "picture":
            await self.evidence(subject, severity, picture=f"{self.name:064x}")
        elif what == "merge":
            await self.do("merge", await self.case("acme", subject), into=await self.case("acme", HUB))
        else:
            await self.do("unmerge", await self.case("acme", subject))

    async def labels(self) -> dict[str, list[Any]]:
        """Clear all, as one finding each; return what was sent, by tenant, without what names the case."""
        for tenant, subject in itertools.product(("acme", "twin"), range(SUBJECTS)):
            case = await self.case(tenant, subject)
            await self.do("take", case)
            await self.do("clear", case, finding=Finding.of("cleared", "their own telephone"))
        await settle(self.desk.triage)
        found: dict[str, list[Any]] = {"acme": [], "twin": []}
        for record in await self.desk.triage.records(topics.LABELS):
            label = codec.LABEL.decode(record.value)
            if label.transaction_id.startswith(f"t-{self.name}-"):
                said = {**msgspec.to_builtins(label), "tenant": "", "label_id": ""}
                found[label.tenant].append(sorted(said.items(), key=str))
        return {tenant: sorted(each, key=str) for tenant, each in found.items()}


@pytest.fixture
async def people(desk: Desk) -> PostgresDesk:
    """Carl decides alone; cases have a clock."""
    await desk.person("carl", Role.CHECKER, Role.ANALYST)
    triage: Triage = desk.triage
    await triage.service.stop()
    triage.settings = triage.settings.model_copy(update={"case_due": "subject=24h,cluster=2h"})
    triage.service = triage.built()
    await triage.service.start()
    return PostgresDesk(desk.pool, four_eyes=FourEyes("none", {}))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
@pytest.mark.timeout(900)
async def test_what_is_taken_out_is_as_if_it_had_never_been_a_part(
    desk: Desk, people: PostgresDesk, steps: list[tuple[str, int, str]]
) -> None:
    """Reasons, state, stage, due time, history and labels are those of the twin, exactly; nothing is put in again."""
    world = World(desk, people)
    for subject in range(SUBJECTS + 1):
        await world.evidence(subject, "medium")
    assert world.joined >= SUBJECTS
    for step in steps:
        await world.step(*step)
    for subject in range(SUBJECTS):
        await world.do("unmerge", await world.case("acme", subject))
    await world.evidence(0, "low")
    assert await world.count("part_of is not null") == 0
    for subject in range(SUBJECTS):
        mine, twin = [await rows_of(desk.triage, await world.case(tenant, subject)) for tenant in ("acme", "twin")]
        assert mine == twin
    labels = await world.labels()
    assert labels["acme"] == labels["twin"] != []
