"""`proofwatch dlq show`: one dead letter: why, whence, and on demand its bytes.

Bytes, key and the values of the headers it came with are personal data or may be: without a demand only their sizes
are shown.
"""

import sys
from pathlib import Path
from typing import Final

from proofwatch.bus.dead_letters.letter import REDRIVE_ID, original_headers
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Headers, Record, TopicPartition
from proofwatch.new_file import OWNER_ALONE, NotNew, write_new
from proofwatch.plain import one_line
from services.operations.dlq_list import instant
from services.operations.dlq_read import Letter, read_letter, read_redrives

TERMINAL: Final = "-"


class NotShown(Exception):
    """What was asked for cannot be shown: the message says why, and what would be right."""


def parse_place(text: str) -> tuple[TopicPartition, int]:
    """Return topic, partition and offset of TOPIC/PARTITION/OFFSET. Raises `NotShown`."""
    topic, *numbers = text.split("/")
    if not topic or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise NotShown(f"{text!r} is no place; write TOPIC/PARTITION/OFFSET, as `proofwatch dlq list` does")
    partition, offset = map(int, numbers)
    return TopicPartition(topic, partition), offset


async def find(bus: Bus, at: TopicPartition, offset: int, tenant: str | None = None) -> Letter:
    """Return the record at `offset`, of any topic; `tenant`: it must be this one's, as its key says.

    Raises `NotShown` when there is none, `UnknownTopic`.
    """
    found = await read_letter(bus, at, offset)
    if found is not None and tenant is not None and not (found.record.key or b"").startswith(f"{tenant}/".encode()):
        raise NotShown(
            f"the key of the record at {at.topic}/{at.partition}/{offset} does not say that it is of {tenant}: who "
            "sees every tenant may look at it, without --tenant"
        )
    if found is None:
        raise NotShown(f"there is no record at {at.topic}/{at.partition}/{offset}: not yet, or its retention has ended")
    return found


def sizes(letter: Letter) -> str:
    """Return what may be told of a record while it is not known whether it may be used."""
    at, record, _ = letter
    place = f"{at.topic}/{at.partition}/{record.offset}"
    return f"{place}\n  value       {_size(record.value)}\n  key         {_size(record.key)}\n"


async def describe(bus: Bus, letter: Letter) -> str:
    """Return what may be told of a record without telling what is in it."""
    at, record, said = letter
    own = original_headers(record.headers) if said else record.headers
    lines = [f"{at.topic}/{at.partition}/{record.offset}"]
    if said:
        when = instant(record.timestamp_ms if said.timestamp_ms is None else said.timestamp_ms)
        lines += [
            f"  refused     {instant(record.timestamp_ms)} by {said.stage}",
            f"  reason      {said.reason}",
            f"  message     {said.message}",
            f"  it was      {said.topic}/{said.partition}/{said.offset} of {when}",
        ]
    else:
        lines.append(f"  appended    {instant(record.timestamp_ms)}; no headers of a dead letter of Proofwatch")
    lines += [
        f"  value       {_size(record.value)}",
        f"  key         {_size(record.key)}",
        f"  came with   {', '.join(f'{name} ({_size(value)})' for name, value in own) or 'no headers'}",
    ]
    lines += _history(own)
    for event in (await read_redrives(bus, at.topic)).get((at.topic, at.partition, record.offset), ()):
        sent = event.redriven_at.isoformat().replace("+00:00", "Z")
        lines.append(f"  redriven    {sent} to {event.target_topic} by {event.operator}: {event.note}")
    if said:
        lines.append("  headers")
        lines += [f"    {name}: {value.decode(errors='replace')}" for name, value in record.headers[len(own) :]]
    return "\n".join(map(one_line, lines)) + "\n"


def write_value(record: Record, where: str) -> str:
    """Write the record's value to a new file that only its owner may read, or to a terminal; return a line on it.

    Raises `NotShown` rather than write over a file, or into a pipe that may end in a log.
    """
    value = record.value or b""
    if where == TERMINAL:
        if not sys.stdout.isatty():
            raise NotShown("--bytes without a file writes to a terminal only; name a new file")
        sys.stdout.write(value.decode(errors="backslashreplace") + "\n")
        return ""
    try:
        write_new(Path(where), value, OWNER_ALONE)
    except NotNew as error:
        raise NotShown(f"{error}; name a new file in a directory that is yours") from None
    return f"{len(value)} bytes written to {Path(where).resolve()}; they are personal data: delete them when done\n"


def _history(own: Headers) -> list[str]:
    times = sum(name == REDRIVE_ID for name, _ in own)
    return [f"  again       it had been redriven {times} time{'s' * (times > 1)} before this refusal"] if times else []


def _size(value: bytes | None) -> str:
    return "absent" if value is None else f"{len(value)} bytes"
