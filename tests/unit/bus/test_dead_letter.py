"""Dead letters say why without saying what."""

from datetime import UTC, datetime

import pytest

from proofwatch.bus.dead_letters.letter import dead_letter, original_headers, read_dead_letter, read_headers
from proofwatch.bus.records import Headers, Outgoing, Record, Rejection, TopicPartition

AT = TopicPartition("onboarding.transactions.v1", 3)
RECORD = Record(41, 1_700_000_000_000, b"t/s", b"\xff{", (("traceparent", b"00"),))


def as_read(outgoing: Outgoing, offset: int = 0) -> Record:
    assert outgoing.timestamp_ms is not None
    return Record(offset, outgoing.timestamp_ms, outgoing.key, outgoing.value, outgoing.headers)


def test_a_dead_letter_carries_the_headers_of_kafka_connect() -> None:
    """Common tools find topic, partition, offset, stage and message where they look for them."""
    letter = dead_letter(Rejection(RECORD, "malformed", "$: must be an object"), AT, "scorer")
    assert letter[:5] == ("onboarding.transactions.v1.dlq", b"t/s", b"\xff{", 3, 1_700_000_000_000)
    assert letter.headers == (
        ("traceparent", b"00"),
        ("__connect.errors.topic", b"onboarding.transactions.v1"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"41"),
        ("__connect.errors.connector.name", b"proofwatch-scorer"),
        ("__connect.errors.task.id", b"3"),
        ("__connect.errors.stage", b"scorer"),
        ("__connect.errors.class.name", b"proofwatch.bus.stage.Stage"),
        ("__connect.errors.exception.class.name", b"proofwatch.events.rejected.Rejected"),
        ("__connect.errors.exception.message", b"$: must be an object"),
        ("proofwatch.timestamp_ms", b"1700000000000"),
        ("proofwatch.reason", b"malformed"),
    )


def test_reading_gives_back_what_was_said() -> None:
    """The operator's view: source, reason, message, time and size."""
    letter = read_dead_letter(
        as_read(dead_letter(Rejection(RECORD, "time_ahead", "$.occurred_at: is ahead"), AT, "scorer"))
    )
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (*AT, 41)
    assert (letter.stage, letter.reason, letter.message) == ("scorer", "time_ahead", "$.occurred_at: is ahead")
    assert letter.at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert letter.size == 2


def test_of_a_record_that_failed_twice_the_last_failure_counts() -> None:
    """A redriven record keeps its history; what is read is why it came back."""
    once = as_read(dead_letter(Rejection(RECORD, "malformed", "first"), AT, "scorer"), offset=77)
    twice = read_dead_letter(as_read(dead_letter(Rejection(once, "key_mismatch", "second"), AT, "ledger")))
    assert (twice.stage, twice.reason, twice.message, twice.source_offset) == ("ledger", "key_mismatch", "second", 77)


def test_a_long_message_is_cut_to_what_the_schema_allows() -> None:
    """An explanation can never make its own record unreadable."""
    assert (
        len(read_dead_letter(as_read(dead_letter(Rejection(RECORD, "malformed", "ä" * 5000), AT, "s"))).message) == 1024
    )


def test_the_original_time_survives_a_topic_that_stamps_its_own() -> None:
    """With log-append time the broker replaces the timestamp; the header keeps what the record had."""
    letter = as_read(dead_letter(Rejection(RECORD, "malformed", "$"), AT, "scorer"))._replace(
        timestamp_ms=1_800_000_000_000
    )
    assert read_dead_letter(letter).at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_the_original_headers_are_those_that_the_refused_record_had() -> None:
    """Only the last block is taken off: headers of an upstream's own Connect, or of an earlier failure, stay."""
    once = as_read(dead_letter(Rejection(RECORD, "malformed", "first"), AT, "scorer"))
    assert original_headers(once.headers) == RECORD.headers
    assert (
        original_headers(dead_letter(Rejection(once, "key_mismatch", "second"), AT, "ledger").headers) == once.headers
    )


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("__connect.errors.topic", b"in"),),
        dead_letter(Rejection(RECORD, "malformed", "m"), AT, "s").headers[:-1],
        (*dead_letter(Rejection(RECORD, "malformed", "m"), AT, "s").headers, ("__connect.errors.offset", b"none")),
        (*dead_letter(Rejection(RECORD, "malformed", "m"), AT, "s").headers, ("proofwatch.reason", b"\xff")),
    ],
)
def test_headers_of_others_say_nothing(headers: Headers) -> None:
    """Whoever writes half of the names, or something else behind them, is not taken at his word."""
    assert read_headers(headers) is None


def test_a_record_that_is_no_dead_letter_is_refused() -> None:
    """A topic that somebody else wrote to does not yield half a dead letter."""
    with pytest.raises(KeyError, match=r"__connect\.errors\.topic"):
        read_dead_letter(RECORD)
