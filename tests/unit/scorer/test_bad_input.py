"""Records that cannot be judged: each goes to the dead-letter topic with its reason, and stops nothing."""

from typing import Any

import msgspec
import pytest

from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.records import Record
from proofwatch.events.codec import VERDICT
from proofwatch.events.topics import TRANSACTIONS, VERDICTS, dead_letter_topic
from proofwatch.events.types import Device
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.conservation import BatchCounts
from tests.unit.scorer.samples import COMPILED, START_MS, record, run, transaction

GOOD = record(0, transaction())
DOCUMENT: dict[str, Any] = msgspec.json.decode(GOOD.value or b"")
KEY = b"acme/s"


def with_value(value: bytes | None) -> Record:
    return Record(1, START_MS, KEY, value)


def with_fields(**fields: Any) -> Record:
    return with_value(msgspec.json.encode(DOCUMENT | {"transaction_id": "tx-bad"} | fields))


def without(field: str) -> Record:
    return with_value(msgspec.json.encode({k: v for k, v in DOCUMENT.items() if k != field}))


CASES = {
    "no_value": (with_value(None), "malformed"),
    "not_json": (with_value(b'{"schema_version": 1,'), "malformed"),
    "not_utf8": (with_value(b"\xff\xfe"), "malformed"),
    "nan": (with_value((GOOD.value or b"").replace(b"0.95", b"NaN")), "malformed"),
    "ten_megabytes_of_no_json": (with_value(b"x" * 10_000_000), "malformed"),
    "ten_megabytes_of_one_field": (with_fields(transaction_id="x" * 10_000_000), "schema_mismatch"),
    "a_list": (with_value(b"[1]"), "schema_mismatch"),
    "wrong_type": (with_fields(match_score="0.95"), "schema_mismatch"),
    "score_above_one": (with_fields(match_score=1.01), "schema_mismatch"),
    "score_below_zero": (with_fields(liveness_score=-0.01), "schema_mismatch"),
    "unknown_check": (with_fields(checks=["iris"]), "schema_mismatch"),
    "unknown_field": (with_fields(passport_number="X123"), "schema_mismatch"),
    "no_offset_in_time": (with_fields(occurred_at="2026-01-15T08:00:00"), "schema_mismatch"),
    "no_subject": (without("subject_ref"), "schema_mismatch"),
    "unknown_version": (with_fields(schema_version=2), "unknown_schema_version"),
    "no_key": (GOOD._replace(key=None), "missing_key"),
    "empty_key": (GOOD._replace(key=b""), "missing_key"),
    "key_of_another_subject": (GOOD._replace(key=b"acme/other"), "key_mismatch"),
    "key_not_utf8": (GOOD._replace(key=b"\xff"), "key_mismatch"),
    "occurred_ahead": (record(1, transaction(9), START_MS - COMPILED.ahead_ms - 1), "time_ahead"),
    "conflicting": (with_fields(transaction_id="tx-first", match_score=0.1), "conflicting_duplicate"),
}


@pytest.mark.parametrize(("bad", "reason"), CASES.values(), ids=CASES)
async def test_a_bad_record_becomes_a_dead_letter_and_the_next_one_a_verdict(bad: Record, reason: str) -> None:
    """Original bytes, key, headers and reason; neighbours are judged as if it were not there."""
    first = record(0, msgspec.structs.replace(transaction(), transaction_id="tx-first"))
    bad = bad._replace(offset=1, headers=(("trace", b"1"),))
    outputs = await run(MemorySubjects(3600), [first, bad, record(2, transaction(2))])
    (letter,) = [out for out in outputs if out.topic == dead_letter_topic(TRANSACTIONS)]
    assert (letter.key, letter.value, letter.partition) == (bad.key, bad.value, 2)
    assert letter.headers[0] == ("trace", b"1")
    said = read_dead_letter(Record(0, bad.timestamp_ms, letter.key, letter.value, letter.headers))
    assert (said.reason, said.source_topic, said.source_offset, said.stage) == (reason, TRANSACTIONS, 1, "scorer")
    assert len([out for out in outputs if out.topic == VERDICTS]) == 2


@pytest.mark.parametrize(("bad", "reason"), CASES.values(), ids=CASES)
async def test_the_message_quotes_nothing_of_the_record(bad: Record, reason: str) -> None:
    """Values are personal data; the message speaks of places and of what would be right."""
    first = record(0, msgspec.structs.replace(transaction(), transaction_id="tx-first"))
    letters = [out for out in await run(MemorySubjects(3600), [first, bad._replace(offset=1)]) if out.topic != VERDICTS]
    said = read_dead_letter(Record(0, bad.timestamp_ms, letters[0].key, letters[0].value, letters[0].headers))
    for value in ("acme", "tx-bad", "tx-first", "X123", "passport", "acme/other", "1.01", "0.95"):
        assert value not in said.message


async def test_a_transaction_that_was_put_right_is_judged_and_counted_by_field() -> None:
    """Rounding and descriptions cost nothing; a repeat is still a repeat, and what is refused keeps its bytes."""
    seen: list[BatchCounts] = []
    odd = with_fields(match_score=1.0000001, device={"model": "x" * 80, "cpu": 8})
    records = [odd._replace(offset=n) for n in range(2)]
    outputs = await run(MemorySubjects(3600), records, observer=seen.append)
    (verdict,) = [VERDICT.decode(out.value) for out in outputs if out.topic == VERDICTS]
    assert (verdict.decision, verdict.match_score, verdict.device) == ("accept", 1.0, Device(model="x" * 64))
    (counts,) = seen
    assert (counts.decided, counts.deduplicated, counts.dead_lettered) == (1, 1, 0)
    assert counts.mended == {"match_score": 2, "device.model": 2, "device": 2}


async def test_exactly_the_allowed_advance_is_still_judged() -> None:
    """max_ahead_seconds is inclusive: clocks differ."""
    outputs = await run(MemorySubjects(3600), [record(0, transaction(), START_MS - COMPILED.ahead_ms)])
    assert [out.topic for out in outputs] == [VERDICTS]


async def test_a_record_that_was_refused_may_come_again_put_right() -> None:
    """Only judged transactions occupy their id."""
    refused = record(0, transaction(0, at_s=900), START_MS)
    outputs = await run(MemorySubjects(3600), [refused, record(1, transaction(0, at_s=1), START_MS + 1)])
    assert [out.topic for out in outputs] == [dead_letter_topic(TRANSACTIONS), VERDICTS]
