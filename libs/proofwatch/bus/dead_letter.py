"""Dead letters: a record that can never be processed, as it was, with headers that say why.

Header names are those of Kafka Connect's error reporter (`errors.deadletterqueue.context.headers.enable`), so that
the usual tools show them; our own reason code stands in `proofwatch.reason`.
"""

from datetime import UTC, datetime

import msgspec

from proofwatch.bus.port import Outgoing, Record, TopicPartition
from proofwatch.events.rejected import Reason
from proofwatch.events.topics import dead_letter_topic
from proofwatch.events.types import DeadLetter

REASON = "proofwatch.reason"
_ERRORS = "__connect.errors."
_MESSAGE_CHARACTERS = 1024


def dead_letter(record: Record, source: TopicPartition, stage: str, reason: Reason, message: str) -> Outgoing:
    """Return `record` for the dead-letter topic of its topic: same partition, key, bytes and timestamp.

    `message` says where the record is wrong and what would be right; it never holds a value of the record.
    """
    context = {
        "topic": source.topic,
        "partition": str(source.partition),
        "offset": str(record.offset),
        "connector.name": f"proofwatch-{stage}",
        "stage": stage,
        "exception.class.name": "proofwatch.events.rejected.Rejected",
        "exception.message": message[:_MESSAGE_CHARACTERS],
    }
    added = [(_ERRORS + name, value.encode()) for name, value in context.items()]
    return Outgoing(
        dead_letter_topic(source.topic),
        record.key,
        record.value,
        source.partition,
        record.timestamp_ms,
        (*record.headers, *added, (REASON, reason.encode())),
    )


def read_dead_letter(record: Record) -> DeadLetter:
    """Return what the headers of a record of a dead-letter topic say.

    The last of equal headers counts: a redriven record may have failed before. Raises `msgspec.ValidationError` or
    `KeyError` for a record that `dead_letter` did not make.
    """
    said = {name: value.decode() for name, value in record.headers if name.startswith(_ERRORS) or name == REASON}
    return msgspec.convert(
        {
            "schema_version": 1,
            "source_topic": said[_ERRORS + "topic"],
            "source_partition": int(said[_ERRORS + "partition"]),
            "source_offset": int(said[_ERRORS + "offset"]),
            "stage": said[_ERRORS + "stage"],
            "reason": said[REASON],
            "message": said[_ERRORS + "exception.message"],
            "at": datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
            "size": len(record.value or b""),
        },
        DeadLetter,
    )
