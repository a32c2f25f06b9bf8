"""What comes late of somebody who was erased leaves no state, whenever it comes: the fence is the acknowledgement."""

import base64
from collections.abc import Iterable
from contextlib import suppress

import pytest

from proofwatch.bus.errors import Fenced
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.topics import CONSENTS, ERASURES, STEP_UPS, SUBJECTS, TRANSACTIONS
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.service import Service
from services.privacy.adapters.topics import BusTopics
from services.privacy.core.erasure import Subject
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.app import CO_PARTITIONED, Settings, build
from tests.unit.scorer.samples import POLICY, START_MS, record, transaction

SECRET = bytes(range(32))
PARTITIONS = 2
WHOM = Subject("acme", "erased-7c", subject_mark(SECRET, "acme", "erased-7c"))
HOUR_MS = 3_600_000


async def left(bus: LocalBus) -> set[bytes]:
    """The keys that compacted topics still have."""
    newest: dict[tuple[str, bytes], bytes | None] = {}
    for topic in (SUBJECTS, STEP_UPS):
        for partition in range(PARTITIONS):
            async for found in bus.read(TopicPartition(topic, partition)):
                newest[topic, found.key or b""] = found.value
    return {key for (_, key), value in newest.items() if value is not None}


async def happens(bus: LocalBus, subject: str, numbers: Iterable[int], at_s: float = 0.0) -> None:
    events = [record(n, transaction(n, subject, at_s + n, match_score=0.1)) for n in numbers]
    await bus.publish([Outgoing(TRANSACTIONS, each.key, each.value, None, START_MS + HOUR_MS) for each in events])


async def worked_off(service: Service) -> None:
    """Until nothing comes; nobody looks at the topic of erasures meanwhile, which only idle steps do."""
    for _ in range(2 * PARTITIONS + 2):
        with suppress(Fenced):
            await service.step()


@pytest.mark.parametrize("late_comes", ["before the tombstones", "after them"])
async def test_no_state_is_left_however_late_the_list_is_looked_at(late_comes: str) -> None:
    """The scorer has not looked since the erasure was announced: what the tombstones do not take away never comes."""
    clock = SimulatedClock(START_MS + HOUR_MS)
    bus = LocalBus(dict.fromkeys((*CO_PARTITIONED, ERASURES, CONSENTS), PARTITIONS), clock)
    secret = base64.b64encode(SECRET).decode()
    service = build(Settings(subject_tag_secret=secret), bus, MemorySubjects(3600), POLICY, clock)
    await service.start()
    await happens(bus, WHOM.subject_ref, range(3))
    await happens(bus, "other", range(3, 6))
    await worked_off(service)
    own = f"acme/{WHOM.subject_ref}".encode()
    assert await left(bus) == {own, b"acme/other"}

    erasing = BusTopics(bus)
    await erasing.announce("e-1", WHOM, [], instant_of(START_MS + HOUR_MS // 2))
    if late_comes == "before the tombstones":
        await happens(bus, WHOM.subject_ref, range(6, 9))
        await worked_off(service)
        assert own in await left(bus), "the scorer does not know yet, and need not"
    await erasing.tombstone(WHOM, START_MS + HOUR_MS)
    await happens(bus, WHOM.subject_ref, range(9, 12))
    await worked_off(service)
    assert await left(bus) == {b"acme/other"}

    await happens(bus, WHOM.subject_ref, range(12, 15), at_s=3_000)
    await worked_off(service)
    assert await left(bus) == {own, b"acme/other"}, "who comes again is a new person"
    await service.stop()
