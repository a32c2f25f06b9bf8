"""Acts that are records of Kafka: each is an entry, once, whatever it holds."""

from pathlib import Path

import msgspec

from proofwatch import resources
from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from services.auditor.core.acts import ACTS
from tests.integration.auditor.conftest import LOG_MS, Audited

EXAMPLES = {
    topics.ACTIVATIONS: "activation",
    topics.APPROVALS: "approval",
    topics.CONTROLS: "control",
    topics.ATTACK_PATTERNS: "attack-pattern",
    topics.POLICIES: "policy",
    topics.TENANTS: "tenant",
    topics.REDRIVES: "redrive",
}


def example(topic: str) -> bytes:
    folder: Path = resources.schemas() / "examples" / EXAMPLES[topic]
    return msgspec.json.encode(msgspec.json.decode(sorted(folder.glob("*.json"))[0].read_bytes()))


async def entries(audited: Audited) -> list[Entry]:
    rows = await audited.pool.fetch("select leaf from audit.entries where action <> 'log.begun' order by index")
    return [entry_of(row["leaf"]) for row in rows]


async def test_each_kind_of_act_is_an_entry_that_says_who_and_what(audited: Audited) -> None:
    assert EXAMPLES.keys() == ACTS.keys()
    auditor = await audited.auditor()
    for topic in EXAMPLES:
        await audited.bus.publish([Outgoing(topic, b"k", example(topic), timestamp_ms=LOG_MS)])
    while await auditor.step():
        pass
    found = {each.action: each for each in await entries(audited)}
    assert len(found) == len(EXAMPLES)
    assert found["policy.activated"].actor.id.startswith("key:")
    assert {each.kind for each in found["policy.activated"].objects} == {"policy", "scope"}
    redriven = found["dead_letter.redriven"]
    sent = msgspec.json.decode(example(topics.REDRIVES))
    assert (redriven.actor.id, redriven.reason) == (sent["operator"], sent["note"])
    assert (await audited.verdict()).state == "CONSISTENT, UNWITNESSED"


async def test_a_record_that_is_there_twice_is_one_entry(audited: Audited) -> None:
    auditor = await audited.auditor()
    for _ in range(2):
        await audited.bus.publish([Outgoing(topics.REDRIVES, b"k", example(topics.REDRIVES), timestamp_ms=LOG_MS)])
        while await auditor.step():
            pass
    assert [each.action for each in await entries(audited)] == ["dead_letter.redriven"]


async def test_a_record_that_cannot_be_read_is_an_entry_that_says_so(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.bus.publish([Outgoing(topics.CONTROLS, b"k", b"{nonsense", timestamp_ms=LOG_MS)])
    await audited.bus.publish([Outgoing(topics.CONTROLS, b"k", None, timestamp_ms=LOG_MS)])
    while await auditor.step():
        pass
    (entry,) = await entries(audited)
    assert (entry.action, entry.outcome, entry.objects[0].kind) == ("log.record_unreadable", "failed", "record")
