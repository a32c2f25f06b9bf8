"""The events that every contender of the benchmarks gets."""

from datetime import UTC, datetime

from proofwatch.bus.partitioner import partition_of
from proofwatch.events.codec import TRANSACTION, VERDICT
from tests.benchmarks.events import BYTES, PARTITIONS, events, failing, number_in, tenants
from tests.benchmarks.peers.work import LIVENESS, MATCH, decide

START = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_every_event_is_a_valid_transaction_of_536_bytes_under_its_own_key() -> None:
    """For one tenant and for many; keys and partitions are what the scorer demands."""
    for names in (("meridian-bank",), tenants(10), tenants(10_000)):
        for number, event in enumerate(events(0, 3_000, START, names)):
            transaction = TRANSACTION.decode(event.value)
            assert len(event.value) == BYTES == 536
            assert number_in(event.value) == number
            assert event.key == f"{transaction.tenant}/{transaction.subject_ref}".encode()
            assert event.partition == partition_of(event.key, PARTITIONS)


def test_three_in_a_hundred_fail_and_it_is_known_how_many() -> None:
    """`failing` counts what the thresholds say, and so what every contender's verdicts must add up to."""
    made = [TRANSACTION.decode(event.value) for event in events(5_000, 25_000, START)]
    failed = [each for each in made if (each.match_score or 0) < MATCH or (each.liveness_score or 0) < LIVENESS]
    assert len(failed) == failing(5_000, 25_000)
    assert 0.027 < len(failed) / len(made) < 0.033


def test_an_event_depends_on_its_number_alone() -> None:
    """So that a generator may begin anywhere."""
    assert list(events(70, 80, START)) == list(events(0, 80, START))[70:]


def test_the_work_of_the_peers_is_a_valid_verdict() -> None:
    """What is compared is the same work: the outputs of peers are verdicts like the product's."""
    accepted = 0
    for event in events(0, 2_000, START):
        verdict = VERDICT.decode(decide(event.value))
        assert verdict.transaction_id == TRANSACTION.decode(event.value).transaction_id
        accepted += verdict.decision == "accept"
    assert accepted == 2_000 - failing(0, 2_000)
