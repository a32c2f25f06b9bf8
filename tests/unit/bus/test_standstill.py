"""Why nothing comes of a partition."""

from proofwatch.bus.lanes.standstill import Standstill
from proofwatch.bus.port import Look
from proofwatch.bus.records import TopicPartition

AT = TopicPartition("metrics.tallies.v1", 2)


def test_a_broker_that_answers_explains_nothing() -> None:
    """Nothing to read, or nothing known yet, is no standstill."""
    still = Standstill(AT)
    still.note(Look(400, 7, 7), 1.0)
    assert still.why(Look(400, 7, 7), 1.0) == []
    assert still.why(None, 1.0) == []


def test_a_broker_that_does_not_answer_is_named_with_its_partition() -> None:
    """Within seconds: an idle broker answers twice a second."""
    assert Standstill(AT).why(Look(6_100, 7, 7), 1.0) == ["metrics.tallies.v1/2: the broker has not answered for 6 s"]


def test_the_same_open_transaction_is_told_with_what_ends_it() -> None:
    """One that moves on is work in progress; one that stays at its offset keeps us from reading."""
    still = Standstill(AT)
    still.note(Look(100, 9, 7), 1.0)
    still.note(Look(100, 12, 8), 9.0)
    assert still.why(Look(100, 12, 8), 12.0) == []
    still.note(Look(100, 40, 8), 20.0)
    (said,) = still.why(Look(100, 40, 8), 20.0)
    assert "open at offset 8 for 11 s or longer, and the 32 offsets from there on cannot be read" in said
    assert "kafka-transactions.sh" in said
    still.note(None, 21.0)
    assert still.blocked_s(22.0) == 0.0
