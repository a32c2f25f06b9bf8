"""From transactions to device proofs to suspicions, on the bus in process."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.codec import DEVICE_PROOF, SUSPICION, TRANSACTION
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import DEVICE_PROOFS, SUSPICIONS, TRANSACTIONS, dead_letter_topic
from proofwatch.events.types import Device, Transaction
from proofwatch.governance.policy import Policy
from services.devices.adapters.one_policy import OnePolicy
from services.devices.core.handsets import Rules, device_proof
from services.devices.handlers import HandsetStage, MemoryTooShort, RekeyStage
from tests.unit.bus.stages import written
from tests.unit.devices.samples import POLICY, TOPICS, Alone, later, outgoing, policy, told, transaction


async def test_one_handset_behind_too_many_proofs_is_told_once_with_its_numbers() -> None:
    """The third proof within ten minutes crosses; the fourth is the same excess; the fifth within thirty another."""
    events = [
        transaction(n, at_min=2 * n, imagery_ref=f"s3://imagery/{n}", imagery_sha256=str(n) * 64) for n in range(6)
    ]
    found = await told([outgoing(event) for event in events])
    assert [(each.transaction_id, each.evidence) for each in found] == [
        ("tx-2", {"count": 3.0, "window_minutes": 10.0, "limit": 3.0}),
        ("tx-4", {"count": 5.0, "window_minutes": 30.0, "limit": 5.0}),
    ]
    first = found[0]
    assert (first.reason, first.severity, first.policy_hash) == ("device_velocity", "medium", POLICY.hash)
    assert (first.tenant, first.subject_ref, first.imagery_ref) == ("acme", "s-2", "s3://imagery/2")
    assert (first.imagery_sha256, first.imagery_media_type) == ("2" * 64, None)
    assert first.occurred_at == events[2].occurred_at
    assert first.suspicion_id == derived_id("suspicion", "acme", "tx-2", "device_velocity", 10, 3)


async def test_suspicions_lie_where_the_subjects_transactions_lie() -> None:
    """Key tenant/subject_ref and the partition of that key, at the log time of the proof."""
    alone = Alone()
    await alone.work([outgoing(transaction(n, at_min=n)) for n in range(3)])
    partition = partition_of(b"acme/s-2", TOPICS[SUSPICIONS])
    (record,) = [r async for r in alone.bus.read(TopicPartition(SUSPICIONS, partition))]
    assert (record.key, record.timestamp_ms) == (b"acme/s-2", later(2))


async def test_proofs_are_keyed_by_handset_and_say_what_triage_needs() -> None:
    """Nothing else of the transaction is published again."""
    alone = Alone()
    imagery: dict[str, Any] = {
        "imagery_ref": "s3://imagery/1",
        "imagery_sha256": "1" * 64,
        "imagery_media_type": "image/png",
    }
    await alone.work([outgoing(transaction(1, "d-1", **imagery))])
    partition = partition_of(b"acme/d-1", TOPICS[DEVICE_PROOFS])
    (record,) = [r async for r in alone.bus.read(TopicPartition(DEVICE_PROOFS, partition))]
    assert (record.key, record.timestamp_ms) == (b"acme/d-1", later(0))
    assert msgspec.json.decode(record.value or b"") == {
        "schema_version": 1,
        "tenant": "acme",
        "device_ref": "d-1",
        "transaction_id": "tx-1",
        "subject_ref": "s-1",
        "occurred_at": "2026-01-15T08:00:00Z",
        **imagery,
        "policy_hash": POLICY.hash,
    }


async def test_handsets_and_tenants_are_told_apart() -> None:
    """Two proofs each are no excess, though the name is the same."""
    two = [transaction(n, "d", tenant=tenant) for n, tenant in enumerate(["acme", "bank", "acme", "bank"])]
    other = [transaction(n, "e") for n in range(10, 12)]
    assert await told([outgoing(event) for event in (*two, *other)]) == []


async def test_a_transaction_that_is_published_again_counts_once() -> None:
    """Upstream may repeat itself; three records of two transactions are two proofs."""
    events = [transaction(1), transaction(1), transaction(2, at_min=1), transaction(1)]
    assert await told([outgoing(event) for event in events]) == []


async def test_attempts_under_one_transaction_id_count_each() -> None:
    """A farm does not hide by resubmitting under one session id: another time or attempt_id is another proof."""
    sessions = [transaction(1, at_min=n) for n in range(3)]
    assert len(await told([outgoing(event) for event in sessions])) == 1
    attempts = [msgspec.structs.replace(transaction(1), attempt_id=f"a{n}") for n in range(3)]
    assert len(await told([outgoing(event) for event in attempts])) == 1


async def test_time_is_event_time() -> None:
    """What occurred hours apart is no excess though it arrives at once, and the other way round."""
    at_once = [outgoing(transaction(n, at_min=60 * n), later(600)) for n in range(5)]
    assert await told(at_once) == []
    late = [outgoing(transaction(n, at_min=n), later(9 * n + 5)) for n in range(3)]
    assert [each.transaction_id for each in await told(late)] == ["tx-2"]


async def test_what_the_scorer_refuses_or_names_no_handset_is_passed_over_and_counted() -> None:
    """No dead letter: it has one from the scorer. The stream goes on."""
    good = outgoing(transaction(7))
    bad = [
        Outgoing(TRANSACTIONS, b"acme/s", b"{", 0, later(0)),
        Outgoing(TRANSACTIONS, b"acme/other", good.value, 0, later(0)),
        outgoing(transaction(3, at_min=60), later(0)),
        outgoing(transaction(4, None)),
        outgoing(msgspec.structs.replace(transaction(5), device=None)),
    ]
    alone = Alone()
    await alone.work([*bad, good])
    proofs = [DEVICE_PROOF.decode(value).transaction_id for value in await alone.values(DEVICE_PROOFS)]
    assert proofs == ["tx-7"]
    stage = RekeyStage(OnePolicy(POLICY))
    records = [Record(n, each.timestamp_ms or 0, each.key, each.value) for n, each in enumerate(bad)]
    assert await stage.step(Batch(TopicPartition(TRANSACTIONS, 0), records, 0, len(bad), None, 0), None) == []
    assert stage.skipped == {"malformed": 1, "key_mismatch": 1, "time_ahead": 1, "no_device": 2}


async def test_a_proof_that_cannot_be_read_is_a_dead_letter() -> None:
    """Only we write that topic, so somebody should look; the handset's other proofs are counted on."""
    alone = Alone()
    await alone.work([outgoing(transaction(n)) for n in range(2)])
    await alone.bus.publish(
        [Outgoing(DEVICE_PROOFS, b"acme/d", b"{", None, later(0)), Outgoing(DEVICE_PROOFS, b"acme/x", b"{}", None)]
    )
    await alone.work([outgoing(transaction(2))])
    assert [each.transaction_id for each in await alone.suspicions()] == ["tx-2"]
    assert sorted(await alone.values(dead_letter_topic(DEVICE_PROOFS))) == [b"{", b"{}"]


async def test_without_rules_nothing_is_told() -> None:
    """A policy that leaves them out does not look."""
    assert await told([outgoing(transaction(n)) for n in range(9)], policy()) == []


class Two:
    """Two policies; which one is in force changes with time."""

    def __init__(self, first: Policy, second: Policy, from_ms: int) -> None:
        self._policies, self._from_ms = (first, second), from_ms

    def in_force(self, event: Transaction, log_ms: int) -> Policy:
        return self._policies[log_ms >= self._from_ms]

    def named(self, policy_hash: str) -> Policy | None:
        return next((each for each in self._policies if each.hash == policy_hash), None)

    def horizon_ms(self) -> int:
        return Rules.of(self._policies[0]).horizon_ms


async def test_a_policy_that_looks_back_further_is_judged_by_more_of_the_log() -> None:
    """The memory is too short for it: the lane begins anew, recalls more, and nothing is missed."""
    short, long = policy((1, 9)), policy((60, 3))
    policies, alone = Two(short, long, later(50)), Alone()
    alone.clock.advance_to(later(50))
    await alone.bus.publish([outgoing(transaction(n, at_min=25 * n)) for n in range(3)])
    proofs = TopicPartition(DEVICE_PROOFS, partition_of(b"acme/d", TOPICS[DEVICE_PROOFS]))
    stage, consumer = HandsetStage(policies, alone.clock), alone.bus.consumer("test", [DEVICE_PROOFS])
    rekey = RekeyStage(policies)
    sent = [r async for r in alone.bus.read(TopicPartition(TRANSACTIONS, 0))]
    await alone.bus.publish(await rekey.step(Batch(TopicPartition(TRANSACTIONS, 0), sent, 0, 3, None, 0), None))
    records = [r async for r in alone.bus.read(proofs)]
    await consumer.start(ignore, ignore)
    await stage.opened(proofs, 0, consumer.history(proofs, 0))
    assert await stage.step(Batch(proofs, records[:2], 0, 2, None, 0), None) == []
    last = Batch(proofs, records[2:], 2, 3, None, 0)
    with pytest.raises(MemoryTooShort, match="looked back on"):
        await stage.step(last, None)
    await stage.opened(proofs, 2, consumer.history(proofs, 2))
    (told_,) = written(await stage.step(last, None), proofs, "devices")
    found = SUSPICION.decode(told_.value)
    assert (found.policy_hash, found.evidence["count"]) == (long.hash, 3.0)
    await consumer.stop()


async def ignore(_: frozenset[TopicPartition]) -> None:
    """Ignore the assignment."""


async def test_a_proof_of_a_policy_that_nobody_knows_is_a_dead_letter() -> None:
    """Better looked at by somebody than judged by another policy."""
    policies, alone = Two(POLICY, POLICY, 0), Alone()
    stage = HandsetStage(policies, alone.clock)
    at = TopicPartition(DEVICE_PROOFS, 0)
    consumer = alone.bus.consumer("test", [DEVICE_PROOFS])
    await stage.opened(at, 0, consumer.history(at, 0))
    proof = device_proof(transaction(1), "0" * 32)
    assert proof is not None
    record = Record(0, later(0), b"acme/d", DEVICE_PROOF.encode(proof))
    (letter,) = written(await stage.step(Batch(at, [record], 0, 1, None, 0), None), at, "devices")
    assert letter.topic == dead_letter_topic(DEVICE_PROOFS)


NEIGHBOUR = "g"
"""A handset that shares the partition of `d`, so that the partition's time moves on."""


async def restarted_before(records: list[Outgoing], at: int, given: Policy) -> list[str]:
    assert len({partition_of(f"acme/{name}".encode(), TOPICS[DEVICE_PROOFS]) for name in ("d", NEIGHBOUR)}) == 1
    alone = Alone(given)
    for part in (records[:at], records[at:]):
        alone.clock.advance_to(part[-1].timestamp_ms or 0)
        await alone.work(part)
    return [each.transaction_id for each in await alone.suspicions()]


async def test_a_restart_recalls_a_whole_horizon() -> None:
    """Ten minutes of window and ten of lateness: what was logged 19 minutes ago still counts."""
    early = [outgoing(transaction(n, at_min=n)) for n in range(2)]
    other, late = outgoing(transaction(7, NEIGHBOUR, 18)), outgoing(transaction(9, at_min=5), later(19))
    assert await restarted_before([*early, other, late], 3, policy((10, 3))) == ["tx-9"]


async def test_a_restart_does_not_take_a_repeat_for_a_proof() -> None:
    """Its first record is more than a horizon old, and so did not count for a restarted process nor for any other."""
    first = outgoing(transaction(1))
    records = [
        first,
        first._replace(timestamp_ms=later(15)),
        outgoing(transaction(7, NEIGHBOUR, 21)),
        outgoing(transaction(2, at_min=5), later(22)),
        outgoing(transaction(3, at_min=6), later(23)),
    ]
    assert await told(records, policy((10, 3))) == []
    assert await restarted_before(records, 3, policy((10, 3))) == []


LOGS = st.lists(
    st.tuples(st.integers(0, 14), st.sampled_from(["d", "d", "e"]), st.integers(0, 12), st.integers(-20, 2)),
    max_size=40,
)


def log_of(drawn: list[tuple[int, str, int, int]]) -> list[Outgoing]:
    """Records in log order; some repeat a transaction, some arrive late, gaps are longer than horizons."""
    records: list[Outgoing] = []
    minute = 0
    for gap, device, number, shift in drawn:
        minute += gap
        repeat = number < len(records)
        record = records[number] if repeat else outgoing(transaction(len(records), device, minute + shift))
        records.append(record._replace(timestamp_ms=later(minute)))
    return records


@settings(max_examples=40, deadline=None)
@given(LOGS, st.lists(st.integers(0, 40), max_size=5), st.integers(1, 7))
async def test_restarts_and_cuts_change_nothing(
    drawn: list[tuple[int, str, int, int]], restarts: list[int], max_records: int
) -> None:
    """A new process at any place of the log tells the same suspicions, byte for byte; none twice, none lost."""
    records = log_of(drawn)
    undisturbed, restarted = Alone(), Alone(max_records=max_records)
    await undisturbed.work(records)
    bounds = sorted({0, len(records), *(at for at in restarts if at < len(records))})
    for first, end in pairwise(bounds):
        restarted.clock.advance_to(records[end - 1].timestamp_ms or 0)
        await restarted.work(records[first:end])
    for topic in (DEVICE_PROOFS, SUSPICIONS):
        assert sorted(await restarted.values(topic)) == sorted(await undisturbed.values(topic))


@pytest.mark.parametrize("ref", ["a/b", "ü", "x" * 128])
async def test_any_reference_that_the_schema_allows_is_a_key(ref: str) -> None:
    """Slashes and letters beyond ASCII stay apart from the tenant."""
    events = [msgspec.structs.replace(transaction(n), device=Device(ref=ref)) for n in range(3)]
    assert all(TRANSACTION.decode(outgoing(event).value) == event for event in events)
    assert [each.transaction_id for each in await told([outgoing(event) for event in events])] == ["tx-2"]
