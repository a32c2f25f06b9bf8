"""What lies on the bus: plain JSON by default, frames with a registry, and the same verdict on both."""

import contextlib
import io
import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch import resources
from proofwatch.events import avro_values
from proofwatch.events.codec import CODECS, TRANSACTION, VERDICT
from proofwatch.events.meta import examples
from proofwatch.events.registry_subjects import Subject, WireFormat, subjects
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable, UnknownSchemaId
from proofwatch.events.wire_framed import FramedWire, frame
from proofwatch.runtime.settings import Settings
from tests.unit.events.registries import MemoryRegistry

ROOT = resources.schemas()
EXAMPLES = sorted((ROOT / "examples").glob("*/*.json"))
FULL = examples.compact(ROOT / "examples/transaction/full.json")
AVRO = {subject.event: subject for subject in subjects(ROOT, "avro")}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
Change = Callable[[dict[str, Any]], object]


def changed(event: str, change: Change) -> Subject:
    """Return an Avro schema as another release might have it."""
    schema = json.loads(AVRO[event].text)
    change(schema)
    return AVRO[event]._replace(text=json.dumps(schema))


def written(schema: Subject, schema_id: int, document: dict[str, Any]) -> bytes:
    """Return a framed value of somebody else's making, unchecked."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(schema.text)), document)
    return frame(schema_id) + stream.getvalue()


def transaction(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FULL) | changes
    return document


async def refusal(wire: FramedWire, value: bytes) -> Rejected:
    await wire.prepare([value])
    with pytest.raises(Rejected) as caught:
        wire.decoder(TRANSACTION)(value)
    return caught.value


def test_json_is_the_codec_itself() -> None:
    """The default costs nothing: no function stands between a stage and the codec."""
    assert JSON.decoder(TRANSACTION) == TRANSACTION.decode
    assert JSON.encoder(VERDICT) == VERDICT.encode


async def test_without_a_registry_the_wire_is_json() -> None:
    """Nothing configured: JSON; Avro without a registry stops start-up and says what is missing."""
    assert await connect_wire(Settings()) is JSON
    with pytest.raises(InvalidWire, match="set PROOFWATCH_SCHEMA_REGISTRY_URL"):
        await connect_wire(Settings(wire_format="avro"))


async def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry is configured and its drivers are not installed: start-up says what to install."""
    monkeypatch.setitem(sys.modules, "proofwatch.events.wire_framed", None)

    with pytest.raises(InvalidWire, match=r"is not installed; try: pip install 'proofwatch\[registry\]'"):
        await connect_wire(Settings(schema_registry_url="http://127.0.0.1:9"))


@pytest.mark.parametrize("wire_format", ["avro", "json"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
async def test_examples_survive_both_formats_byte_by_byte(path: Path, wire_format: WireFormat) -> None:
    """What comes out of a frame writes the golden JSON: offsets, absent fields and stated defaults included."""
    wire, codec, golden = await _wire(wire_format), CODECS[path.parent.name], examples.compact(path)
    event = codec.decode(golden)

    framed = wire.encoder(codec)(event)

    assert framed[0] == 0
    assert wire.decoder(codec)(framed) == event
    assert codec.encode(wire.decoder(codec)(framed)) == golden
    assert wire.encoder(codec)(event) == framed


@pytest.mark.parametrize("wire_format", ["avro", "json"])
async def test_every_reader_reads_plain_json_and_both_frames(wire_format: WireFormat) -> None:
    """A topic may hold all three at once: the first byte and the id tell them apart."""
    registry = MemoryRegistry()
    avro, framed_json, reader = (
        await registry.wire("avro"),
        await registry.wire("json"),
        await registry.wire(wire_format),
    )
    event = TRANSACTION.decode(FULL)
    values = [FULL, b" " + FULL, avro.encoder(TRANSACTION)(event), framed_json.encoder(TRANSACTION)(event)]

    await reader.prepare(values)

    assert [reader.decoder(TRANSACTION)(value) for value in values] == [event] * 4


async def test_the_frame_is_confluents() -> None:
    """A zero byte, the id in four bytes, most significant first, then what the format itself gives."""
    wire = await (registry := MemoryRegistry()).wire("json")
    own = await registry.lookup(next(s for s in subjects(ROOT, "json") if s.event == "Transaction"))
    assert own is not None

    framed = wire.encoder(TRANSACTION)(TRANSACTION.decode(FULL))

    assert framed == b"\0" + own.to_bytes(4, "big") + FULL
    assert wire.content_type == "application/vnd.confluent.json"


async def test_a_times_offset_survives_avro() -> None:
    """The local time of the subject is part of the event; a moment alone would lose it."""
    wire = await MemoryRegistry().wire("avro")
    event = TRANSACTION.decode(json.dumps(transaction(occurred_at="2026-01-15T14:00:00.125+05:30")).encode())

    read = wire.decoder(TRANSACTION)(wire.encoder(TRANSACTION)(event))

    assert read.occurred_at.isoformat() == "2026-01-15T14:00:00.125000+05:30"


async def test_what_was_absent_stays_absent_and_what_was_stated_stays_stated() -> None:
    """A default that was sent is told from one that was not, although Avro writes every field."""
    wire = await MemoryRegistry().wire("avro")
    for path in ("transaction/minimal", "label/minimal"):
        codec = CODECS[path.partition("/")[0]]
        document = json.loads(examples.compact(ROOT / f"examples/{path}.json"))
        stated = {"checks": ["match", "liveness"]} if codec is TRANSACTION else {"sampling_probability": 1.0}
        for each in (document, document | stated):
            event = codec.decode(json.dumps(each).encode())
            assert json.loads(codec.encode(wire.decoder(codec)(wire.encoder(codec)(event)))) == each


@pytest.mark.parametrize(
    "changes",
    [
        {"match_score": 1.5},
        {"tenant": "Zqx Bank"},
        {"subject_ref": ""},
        {"subject_ref": "a\0b"},
        {"checks": []},
        {"occurred_at": "2026-01-15T14:00:00"},
        {"occurred_at": "zqx"},
        {"schema_version": 9},
    ],
    ids=str,
)
async def test_a_bad_avro_record_is_refused_in_the_words_of_json(changes: dict[str, Any]) -> None:
    """Bounds, patterns, lengths, times, U+0000 and versions: the same reason and the same message."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    schema_id = await registry.lookup(AVRO["Transaction"])
    assert schema_id is not None
    document = transaction(**changes)
    with pytest.raises(Rejected) as in_json:
        TRANSACTION.decode(json.dumps(document).encode())

    refused = await refusal(wire, written(AVRO["Transaction"], schema_id, document))

    assert (refused.reason, refused.message) == (in_json.value.reason, in_json.value.message)
    assert refused.__context__ is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_numbers_that_json_has_not_are_refused(number: float) -> None:
    """NaN would pass every comparison with a threshold as false; it never gets to one."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    schema_id = await registry.register(AVRO["Transaction"])

    refused = await refusal(wire, written(AVRO["Transaction"], schema_id, transaction(match_score=number)))

    assert (refused.reason, refused.message) == ("malformed", "$: holds NaN or an infinity; send finite numbers")


def optional_field(schema: dict[str, Any]) -> None:
    schema["fields"].append({"name": "colour", "type": ["null", "string"], "default": None})


async def test_a_newer_writer_is_read_while_it_says_nothing_new() -> None:
    """Null in an unknown field means absent, as in JSON; a value there is refused, as in JSON."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    newer = changed("Transaction", optional_field)
    schema_id = await registry.register(newer)
    silent, telling = (written(newer, schema_id, transaction(colour=colour)) for colour in (None, "blue"))

    await wire.prepare([silent, telling])

    assert wire.decoder(TRANSACTION)(silent) == TRANSACTION.decode(FULL)
    refused = await refusal(wire, telling)
    assert refused.message.startswith("$: has a field that the schema does not know; it knows schema_version, tenant")


async def test_an_older_writer_is_read_by_the_readers_defaults() -> None:
    """Fields that the writer's schema has not are absent; integers are numbers where we expect numbers."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")

    def older(schema: dict[str, Any]) -> None:
        schema["fields"] = [f for f in schema["fields"] if f["name"] not in ("imagery_ref", "checks")]
        next(f for f in schema["fields"] if f["name"] == "match_score")["type"] = ["null", "int"]

    schema = changed("Transaction", older)
    schema_id = await registry.register(schema)
    value = written(schema, schema_id, transaction(match_score=1))

    await wire.prepare([value])
    event = wire.decoder(TRANSACTION)(value)

    assert (event.imagery_ref, event.checks, event.match_score) == (None, ("match", "liveness"), 1.0)


async def test_a_foreign_schema_with_timestamps_is_read() -> None:
    """Upstream may have a schema of its own; what is valid for the codec is an event, whatever Avro calls it."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")

    def foreign(schema: dict[str, Any]) -> None:
        schema["name"], schema["namespace"] = "Onboarding", "com.example"
        at = next(f for f in schema["fields"] if f["name"] == "occurred_at")
        at["type"] = {"type": "long", "logicalType": "timestamp-micros"}

    schema = changed("Transaction", foreign)
    schema_id = await registry.register(schema)
    at = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    value = written(schema, schema_id, transaction(occurred_at=at))

    await wire.prepare([value])

    assert wire.decoder(TRANSACTION)(value).occurred_at == at


async def test_a_record_of_another_event_is_refused() -> None:
    """A verdict on the transactions topic has all that a transaction needs, and is none all the same."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    verdict = VERDICT.decode(examples.compact(ROOT / "examples/verdict/full.json"))

    refused = await refusal(wire, wire.encoder(VERDICT)(verdict))

    assert refused.reason == "schema_mismatch"
    assert refused.message.startswith("$: has a field that the schema does not know")


@pytest.mark.parametrize(
    ("change", "document", "message"),
    [
        (
            lambda s: s["fields"][7]["type"].__setitem__(1, "long"),
            {"liveness_score": 3},
            "$.liveness_score: must be a number ≥ 0 and ≤ 1",
        ),
        (
            lambda s: s["fields"][5]["type"][1]["items"]["symbols"].append("iris"),
            {"checks": ["iris"]},
            "$.checks[]: must be one of liveness, match",
        ),
        (lambda s: s["fields"].pop(1), {}, "$.tenant: is missing"),
        (
            lambda s: s["fields"][7]["type"].__setitem__(1, DECIMAL),
            {"liveness_score": Decimal("0.25")},
            "$: holds bytes or decimals; send text and numbers",
        ),
    ],
    ids=["bound", "symbol", "missing", "decimal"],
)
async def test_what_does_not_resolve_is_refused_with_its_place(
    change: Change, document: dict[str, Any], message: str
) -> None:
    """Where Avro's resolution fails, the codec says what is wrong with what was written."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    schema = changed("Transaction", change)
    schema_id = await registry.register(schema)

    refused = await refusal(wire, written(schema, schema_id, transaction(**document)))

    assert (refused.reason, refused.message) == ("schema_mismatch", message)


async def test_an_id_is_fetched_once_and_an_unknown_one_is_refused_and_asked_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Known ids cost no question; one that the registry lacks is believed for a minute, in case it appears."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    newer = changed("Transaction", optional_field)
    value, lost = written(newer, await registry.register(newer), transaction(colour=None)), frame(4711) + b"x"
    now_s = [0.0]
    monkeypatch.setattr("proofwatch.events.wire_framed.time.monotonic", lambda: now_s[0])
    with pytest.raises(UnknownSchemaId, match="schema 4711 is not known yet"):
        wire.decoder(TRANSACTION)(lost)

    for _ in range(3):
        await wire.prepare([value, value, lost, FULL, None, b"", b"\0"])
    refused = await refusal(wire, lost)
    now_s[0] = 61.0
    await wire.prepare([lost])

    assert registry.asked == [int.from_bytes(value[1:5], "big"), 4711, 4711]
    assert refused.reason == "unknown_schema_id"
    assert refused.message.startswith("$: the registry has no schema 4711, whose id is in front; register")


async def test_a_registry_that_is_down_rejects_nothing() -> None:
    """What cannot be looked up is retried: the record is sound, and known ids go on."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    known, unknown = wire.encoder(TRANSACTION)(TRANSACTION.decode(FULL)), frame(99) + b"x"
    registry.down = True

    await wire.prepare([known])
    with pytest.raises(RegistryUnavailable):
        await wire.prepare([known, unknown])
    with pytest.raises(UnknownSchemaId):
        wire.decoder(TRANSACTION)(unknown)

    assert wire.decoder(TRANSACTION)(known) == TRANSACTION.decode(FULL)


@pytest.mark.parametrize(
    ("schema_type", "text", "message"),
    [
        ("PROTOBUF", "message X {}", "is protobuf; send Avro or JSON"),
        ("AVRO", "{", "is not an Avro schema; register one of the event's record"),
        ("AVRO", '"string"', "is not the Avro schema of a record; register one of the event's record"),
        ("AVRO", '{"type": "record", "name": "X", "fields": [{"name": "a", "type": "Y"}]}', "is not an Avro schema; "),
    ],
)
async def test_a_schema_that_nothing_can_be_read_by_is_a_reason(schema_type: Any, text: str, message: str) -> None:
    """The refusal names the id, and what would be right."""
    registry = MemoryRegistry()
    wire = await registry.wire("avro")
    schema_id = await registry.register(Subject("x", schema_type, text, "X", 1))

    refused = await refusal(wire, frame(schema_id) + b"x")

    assert refused.reason == "schema_mismatch"
    assert f"$: schema {schema_id}, whose id is in front, {message}" in refused.message


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=40), st.integers(0, 200), st.sampled_from(EXAMPLES))
async def test_noise_in_a_frame_is_refused(noise: bytes, cut: int, path: Path) -> None:
    """Whatever bytes follow an id, the answer is an event or a refusal, never another error."""
    codec, wire = CODECS[path.parent.name], await _wire("avro")
    own = wire.encoder(codec)(codec.decode(examples.compact(path)))
    for value in (own[:5] + noise, own + noise, own[:cut], own[:cut] + noise, b"\0" + noise[:3]):
        with contextlib.suppress(Rejected, UnknownSchemaId):
            wire.decoder(codec)(value)


_WIRES: dict[str, FramedWire] = {}


async def _wire(wire_format: WireFormat) -> FramedWire:
    """Return a wire that tests share, where none changes it."""
    if wire_format not in _WIRES:
        _WIRES[wire_format] = await MemoryRegistry().wire(wire_format)
    return _WIRES[wire_format]


async def test_what_avro_cannot_say_is_an_error_that_quotes_nothing() -> None:
    """JSON's whole numbers have no end, Avro's have 64 bits; the log learns which event, and no value."""
    wire = await _wire("avro")
    anomaly = CODECS["anomaly"].decode(examples.compact(ROOT / "examples/anomaly/full.json"))

    with pytest.raises(avro_values.NotWritable, match="Anomaly: holds a number that Avro has no type for") as refused:
        wire.encoder(CODECS["anomaly"])(msgspec.structs.replace(anomaly, k=2**70))
    assert refused.value.__context__ is None


def test_finite_numbers_that_look_otherwise_are_read() -> None:
    """Bytes that resemble NaN's occur in sound numbers too; they only cause a closer look."""
    assert avro_values._NOT_FINITE.search(bytes.fromhex("f07f"))
    assert avro_values._finite({"a": [1.5, {"b": 0.0}], "c": "NaN", "d": 3})
    assert not avro_values._finite({"a": [1.5, {"b": math.inf}]})
