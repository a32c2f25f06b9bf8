"""Dead letters: a record that can never be processed, as it was, with headers that say why.

Header names are those of Kafka Connect's error reporter (`errors.deadletterqueue.context.headers.enable`), so that
the usual tools show them. Connect's stack trace is left out: it may quote the record, and values are personal data.
What Connect has no name for stands beside them: our reason code, and the time the record had.

Stages hand over `Rejection`s; here alone they become letters (`with_letters`, which every fence commits through), under
the name of the fence's group, by which they are counted and found again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from proofwatch.bus.lazy_outputs import parts_of
from proofwatch.bus.records import Headers, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.events.topics import dead_letter_topic
from proofwatch.events.types import DeadLetter

REASON: Final = "proofwatch.reason"
TIMESTAMP: Final = "proofwatch.timestamp_ms"
"""Milliseconds since the Unix epoch: the record's own time, which a topic with log-append time would replace."""
REDRIVE_ID: Final = "proofwatch.redrive_id"
"""On a record that was sent again; once for each time, so that a loop can be seen."""

_ERRORS: Final = "__connect.errors."
_BEGIN: Final = _ERRORS + "topic"
_OFFSET: Final = _ERRORS + "offset"
MESSAGE_CHARACTERS: Final = 1024


class LetterHeaders(NamedTuple):
    """What the headers of a dead letter say: where the record lay, who refused it, why, and what would be right."""

    topic: str
    partition: int
    offset: int
    stage: str
    reason: str
    message: str
    timestamp_ms: int | None


def with_letters(outputs: Iterable[Output], source: TopicPartition, group: str) -> Iterator[Sequence[Outgoing]]:
    """Yield what a step returned, part by part, with a letter in the place of every rejection."""
    for part in parts_of(outputs):
        yield (dead_letter(part, source, group),) if isinstance(part, Rejection) else part


def dead_letter(rejection: Rejection, source: TopicPartition, group: str) -> Outgoing:
    """Return the record for the dead-letter topic of its topic: same partition, key and bytes.

    `group`: who refuses it; the header that names it is called stage.
    """
    record, message = rejection.record, rejection.message
    context = {
        "topic": source.topic,
        "partition": str(source.partition),
        "offset": str(record.offset),
        "connector.name": f"proofwatch-{group}",
        "task.id": str(source.partition),  # a lane for each partition is what Connect calls a task
        "stage": group,
        "class.name": "proofwatch.bus.stage.Stage",
        "exception.class.name": "proofwatch.events.rejected.Rejected",
        "exception.message": message[:MESSAGE_CHARACTERS],
    }
    added = [(_ERRORS + name, value.encode()) for name, value in context.items()]
    return Outgoing(
        dead_letter_topic(source.topic),
        record.key,
        record.value,
        source.partition,
        record.timestamp_ms if rejection.stamp_ms is None else rejection.stamp_ms,
        (*record.headers, *added, (TIMESTAMP, b"%d" % record.timestamp_ms), (REASON, rejection.reason.encode())),
    )


def read_headers(headers: Headers) -> LetterHeaders | None:
    """Return what the headers say; None when they are not those of a dead letter that `dead_letter` made.

    The last of equal headers counts: the record may have failed before.
    """
    said = {name: value for name, value in headers if name.startswith(_ERRORS) or name in (REASON, TIMESTAMP)}
    try:
        return LetterHeaders(
            said[_BEGIN].decode(),
            int(said[_ERRORS + "partition"]),
            int(said[_OFFSET]),
            said[_ERRORS + "stage"].decode(),
            said[REASON].decode(),
            said[_ERRORS + "exception.message"].decode(),
            int(said[TIMESTAMP]) if TIMESTAMP in said else None,
        )
    except (KeyError, ValueError, TypeError, AttributeError):  # Kafka allows headers without a value
        return None


def original_headers(headers: Headers) -> Headers:
    """Return the headers that the refused record had: everything before the block that `dead_letter` added."""
    begins = [index for index, (name, _) in enumerate(headers) if name == _BEGIN]
    return headers[: begins[-1]] if begins else headers


def read_dead_letter(record: Record) -> DeadLetter:
    """Return what the headers of a record of a dead-letter topic say, as an event.

    Raises `msgspec.ValidationError` or `KeyError` for a record that `dead_letter` did not make.
    """
    said = read_headers(record.headers)
    if said is None:
        raise KeyError(f"the headers from {_BEGIN} to {REASON} are missing: not a dead letter of Proofwatch")
    timestamp_ms = record.timestamp_ms if said.timestamp_ms is None else said.timestamp_ms
    return msgspec.convert(
        {
            "schema_version": 1,
            "source_topic": said.topic,
            "source_partition": said.partition,
            "source_offset": said.offset,
            "stage": said.stage,
            "reason": said.reason,
            "message": said.message,
            "at": datetime.fromtimestamp(timestamp_ms / 1000, UTC),
            "size": len(record.value or b""),
        },
        DeadLetter,
    )
