"""`proofwatch topics widen`: more partitions for the topics of transactions, when everything has been worked off.

A key's partition follows from the count. So nothing may be on its way when the count changes, all co-partitioned topics
change together, and what is kept by partition moves with its key: subjects' states, here.
"""

import sys
from collections.abc import Sequence
from typing import Final

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.security import Security
from proofwatch.bus.kafka.topic_admin import TopicAdmin
from proofwatch.bus.kafka.topic_plan import Count, Plan
from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.partitions import family
from proofwatch.events.topics import Manifest
from proofwatch.runtime.settings import Settings
from services.scorer.maintenance.rekey import move_subjects

READERS: Final = {
    topics.TRANSACTIONS: ("scorer", "devices-rekey"),
    topics.VERDICTS: ("combine", "ledger"),
    topics.SUSPICIONS: ("triage",),
}
"""Who must have worked off what; the other topics of the family are read by their keys' owners alone."""

_SENTINEL: Final = "proofwatch:subjects:1:{topic}/{partition}"


async def widen_topics(
    settings: Settings,
    bootstrap: str,
    security: Security,
    admin: TopicAdmin,
    manifests: dict[str, Manifest],
    todo: Plan,
) -> int:
    """Refuse with what stands in the way (1), or widen, move subjects' states and make the cache begin anew (0)."""
    names = family(topics.TRANSACTIONS, manifests)
    names += [letters for name in names if (letters := manifests[name].dead_letter)]
    wider = [each for each in todo.counts if each.topic in names and each.wanted > each.now]
    refusals = _refusals(todo, names)
    bus = KafkaBus(bootstrap, "proofwatch-topics", security=security)
    await bus.start()
    try:
        refusals += refusals or await _find_undrained(admin, bus)
        if refusals:
            sys.stderr.writelines(f"proofwatch topics: {sentence}\n" for sentence in dict.fromkeys(refusals))
            return 1
        await admin.widen(wider)
        for each in wider:
            sys.stdout.write(f"widened: {each.topic} from {each.now} to {each.wanted} partitions\n")
    finally:
        await bus.stop()
    count = manifests[topics.TRANSACTIONS].partitions
    again = KafkaBus(bootstrap, "proofwatch-topics", security=security)  # the counts are asked for once
    await again.start()
    try:
        moved = await move_subjects(again, count)
    finally:
        await again.stop()
    sys.stdout.write(f"moved: the states of {moved} subjects to the partitions of their keys\n")
    await _reset_cache(settings.redis_url, count)
    sys.stdout.write("the scorer's cache begins anew; start the services\n")
    return 0


def _refusals(todo: Plan, names: Sequence[str]) -> list[str]:
    found = [f"{spec.name} does not exist: `proofwatch topics apply` first" for spec in todo.missing]
    for each in todo.counts:
        if each.wanted < each.now:
            found.append(f"{each.topic} has {each.now} partitions and cannot have {each.wanted}: a topic never shrinks")
        elif each.topic not in names:
            found.append(_elsewhere(each))
    return found


def _elsewhere(each: Count) -> str:
    return (
        f"{each.topic} cannot be widened while it is in use: what is kept by its partitions (open windows, handsets) "
        f"would stay behind; its count is chosen before it is created"
    )


async def _find_undrained(admin: TopicAdmin, bus: Bus) -> list[str]:
    """Return who still runs, and what has not been worked off."""
    groups = sorted({group for readers in READERS.values() for group in readers})
    found = [f"group {group} has members: stop its processes first" for group in await admin.members(groups)]
    if found:
        return found
    for topic, readers in READERS.items():
        ends = await bus.ends(topic)
        for group in readers:
            positions = await bus.positions(group, topic)
            for partition, end in ends.items():
                position = positions.get(partition, 0)
                if position < end and await _any(bus, TopicPartition(topic, partition), position):
                    found.append(f"group {group} has not worked off {topic}/{partition} from {position} on: let it run")
    return found


async def _any(bus: Bus, source: TopicPartition, position: int) -> bool:
    async for _ in bus.read(source, position):
        return True
    return False  # markers of transactions, no records


async def _reset_cache(redis_url: str, partitions: int) -> None:
    from redis.asyncio import Redis

    client = Redis.from_url(redis_url)
    try:
        names = [_SENTINEL.format(topic=topics.TRANSACTIONS, partition=n) for n in range(partitions)]
        await client.delete(*names)
    finally:
        await client.aclose()
