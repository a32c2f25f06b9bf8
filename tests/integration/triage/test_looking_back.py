"""What a pattern would have matched: counted, and opened for review, bounded, once however often it is asked."""

import argparse
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from proofwatch.access.errors import AccessDenied
from proofwatch.access.roles import Role
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing
from proofwatch.events import codec, topics
from proofwatch.events.types import Device
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import instant_of
from services.triage.adapters.pattern_desk import PatternRefused, PostgresPatterns
from services.triage.commands import looking_back
from tests.integration.triage.conftest import LOG_MS, SECRET
from tests.integration.triage.house import Desk
from tests.integration.triage.test_attempts import judge, verdict
from tests.integration.triage.test_patterns import TEXT, novel_case
from tests.unit.scorer.samples import transaction

ANDROID = Device(os="android")


async def sent(desk: Desk, *numbers: int, tenant: str = "acme", **fields: Any) -> None:
    """Upstream sends transactions; of an hour each, in order."""
    for number in numbers:
        event = msgspec.structs.replace(transaction(number, f"s{number}", 3600.0 * number, **fields), tenant=tenant)
        key, value = f"{tenant}/s{number}".encode(), msgspec.json.encode(event)
        await desk.triage.bus.publish([Outgoing(topics.TRANSACTIONS, key, value, None, LOG_MS)])


def asked(**given: Any) -> argparse.Namespace:
    said = {"pattern_id": "emulators", "since": instant_of(LOG_MS) - timedelta(days=7), "most": 10_000, "limit": 500}
    return argparse.Namespace(**(said | {"bootstrap": None} | given))


@pytest.fixture
async def shadow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> PostgresPatterns:
    """A pattern in shadow, and commands that find the test's bus in place of Kafka."""

    @asynccontextmanager
    async def kafka(_: argparse.Namespace) -> AsyncIterator[tuple[Bus, Wire]]:
        yield desk.triage.bus, JSON

    monkeypatch.setattr(looking_back, "_kafka", kafka)
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    for name, role in (("rita", Role.RESEARCHER), ("abe", Role.APPROVER)):
        await desk.person(name, role)
    patterns = PostgresPatterns(desk.pool)
    await patterns.draft("emulators", TEXT, await novel_case(desk, "rita"), desk.tokens["rita"], desk.now)
    await patterns.do("propose", "emulators", desk.tokens["rita"], desk.now, "seen in May")
    return patterns


async def agreed(desk: Desk, patterns: PostgresPatterns) -> None:
    await patterns.do("approve", "emulators", desk.tokens["abe"], desk.now, "yes")


async def test_a_preview_says_how_much_of_what_would_have_matched(desk: Desk, shadow: PostgresPatterns) -> None:
    """By tenant and day, of the tenants of who asks; who decides about it sees it before."""
    await sent(desk, 0, 1, 30, device=ANDROID)
    await sent(desk, 2, 3)
    await sent(desk, 4, tenant="other", device=ANDROID)
    said = await looking_back.preview(shadow, desk.tokens["abe"], asked(), desk.now)
    assert "emulators matches 4 of 6 transactions that the topic still has" in said
    assert "nobody has judged any" in said
    assert len([line for line in said.splitlines() if line.startswith("  acme ")]) == 2
    olga = await desk.person("olga", Role.RESEARCHER, tenants=("other",))
    said = await looking_back.preview(shadow, olga, asked(), desk.now)
    assert "matches 1 of 1" in said
    assert "acme" not in said
    said = await looking_back.preview(shadow, olga, asked(since=instant_of(LOG_MS) + timedelta(days=1)), desk.now)
    assert "matches 0 of 0" in said


async def test_a_hunt_opens_the_newest_and_the_rest_when_asked_again(desk: Desk, shadow: PostgresPatterns) -> None:
    """Never more than the limit; what cases have already is not opened again, and what is left out is said."""
    rita = desk.tokens["rita"]
    await sent(desk, *range(10, 17), device=ANDROID)
    with pytest.raises(PatternRefused):
        await looking_back.hunt(shadow, rita, asked(limit=3), desk.now)
    await agreed(desk, shadow)
    before = await desk.pool.fetchval("select count(*) from triage.cases")
    said = await looking_back.hunt(shadow, rita, asked(limit=3), desk.now)
    assert "3 opened for review, the newest; 0 were already; 4 left out" in said
    await desk.triage.settle()
    codes = await desk.triage.rows("select code, transaction_id from triage.case_reasons where code like 'attack%'")
    assert {(each["code"], each["transaction_id"]) for each in codes} == {
        ("attack_pattern.emulators", f"tx-{number}") for number in (14, 15, 16)
    }
    assert await desk.pool.fetchval("select count(*) from triage.cases") == before + 3
    assert "4 opened for review, the newest; 3 were already; 0 left out" in await looking_back.hunt(
        shadow, rita, asked(), desk.now
    )
    await desk.triage.settle()
    assert "0 opened for review, the newest; 7 were already" in await looking_back.hunt(shadow, rita, asked(), desk.now)
    entries = [(each.action, each.outcome) for each in await desk.entries() if each.action == "pattern.hunted"]
    assert entries == [("pattern.hunted", "denied"), *[("pattern.hunted", each) for each in ("granted", "done")] * 3]


async def test_what_is_hunted_names_the_policy_that_judged_the_attempt(desk: Desk, shadow: PostgresPatterns) -> None:
    """As its verdict on the topic says; of an attempt without one, none: zeros."""
    await agreed(desk, shadow)
    await sent(desk, 10, 11, device=ANDROID)
    tx, later = transaction(10, "s10", 36_000.0), verdict(10)
    first = msgspec.structs.replace(
        later, transaction_id=tx.transaction_id, subject_ref="s10", occurred_at=tx.occurred_at
    )
    again = msgspec.structs.replace(first, basis=msgspec.structs.replace(first.basis, policy_hash="cd" * 16))
    await judge(desk.triage, later, first, again)
    await desk.triage.bus.publish([Outgoing(topics.VERDICTS, b"acme/s10", b"{", None, LOG_MS)])
    await looking_back.hunt(shadow, desk.tokens["rita"], asked(), desk.now)
    hunted = [codec.SUSPICION.decode(each.value) for each in await desk.triage.records(topics.SUSPICIONS)]
    told = {each.transaction_id: each.policy_hash for each in hunted if each.pattern_id == "emulators"}
    assert told == {"tx-10": "ab" * 16, "tx-11": "0" * 32}


async def test_who_only_approves_hunts_for_nothing_and_it_is_on_record(desk: Desk, shadow: PostgresPatterns) -> None:
    """Nor does an analyst preview."""
    await agreed(desk, shadow)
    await sent(desk, 1, device=ANDROID)
    ann = await desk.person("ann", Role.ANALYST)
    for act, token in ((looking_back.hunt, desk.tokens["abe"]), (looking_back.preview, ann)):
        with pytest.raises(AccessDenied):
            await act(shadow, token, asked(), desk.now)
    denied = [each.action for each in await desk.entries() if each.outcome == "denied"]
    assert denied == ["pattern.hunted", "pattern.previewed"]
    assert await desk.triage.records(topics.SUSPICIONS) == [
        each for each in await desk.triage.records(topics.SUSPICIONS) if b"emulators" not in (each.value or b"")
    ]
