"""Codecs: golden bytes, and rejections that never quote the record."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no type information
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch import resources
from proofwatch.events import codec as codecs
from proofwatch.events import types
from proofwatch.events.codec import CODECS, LABEL, TALLY, TRANSACTION, VERDICT, LabelCodec, TransactionCodec
from proofwatch.events.meta import examples, schemas
from proofwatch.events.rejected import Rejected

ROOT = resources.schemas()
EXAMPLES = sorted((ROOT / "examples").glob("*/*.json"))
MINIMAL: dict[str, Any] = json.loads((ROOT / "examples/transaction/minimal.json").read_text(encoding="utf-8"))
MARK = "zqx"
"""Begins every text that a test puts into a record; no schema contains it."""


def rejection(value: bytes | None, event: str = "transaction") -> Rejected:
    with pytest.raises(Rejected) as caught:
        CODECS[event].decode(value)
    return caught.value


def refusal(value: bytes, event: str) -> str:
    try:
        CODECS[event].decode(value)
    except Rejected as refused:
        return refused.message
    return ""


def transaction(**changes: Any) -> bytes:
    return json.dumps(MINIMAL | changes).encode()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_examples_survive_a_round_trip_byte_by_byte(path: Path) -> None:
    """The compact form of every example is the golden encoding of its event."""
    codec = CODECS[path.parent.name]
    wire = examples.compact(path)

    assert codec.encode(codec.decode(wire)) == wire


def test_the_full_transaction_is_the_536_bytes_that_benchmarks_speak_of() -> None:
    """The full example is the size that all throughput figures are about."""
    assert len(examples.compact(ROOT / "examples/transaction/full.json")) == 536


def test_absent_fields_stay_absent_and_null_means_absent() -> None:
    """An optional field that is None is not written; a nullable required one always is."""
    bare = TRANSACTION.decode(transaction())
    with_nulls = TRANSACTION.decode(transaction(match_score=None, device=None, segments=None, imagery_ref=None))

    assert bare == with_nulls
    assert json.loads(TRANSACTION.encode(with_nulls)) == MINIMAL
    assert bare.checks == ("match", "liveness")
    verdict = VERDICT.decode(examples.compact(ROOT / "examples/verdict/minimal.json"))
    assert b'"match_score":null' in VERDICT.encode(verdict)


def test_values_that_equal_a_default_are_written_when_they_were_sent() -> None:
    """A sent value stays on the wire: a label that states π = 1 is not the same bytes as one that is silent."""
    label = json.loads((ROOT / "examples/label/minimal.json").read_text(encoding="utf-8"))

    assert b"sampling_probability" not in LABEL.encode(LABEL.decode(json.dumps(label).encode()))
    stated = LABEL.encode(LABEL.decode(json.dumps(label | {"sampling_probability": 1.0}).encode()))
    assert b'"sampling_probability":1.0' in stated


def test_equal_events_give_equal_bytes_whatever_the_order_of_their_maps() -> None:
    """Maps are written in the order of their keys, so bytes are a function of the event."""
    one = TRANSACTION.decode(transaction(segments={"sex": "female", "country": "IN"}))
    other = TRANSACTION.decode(transaction(segments={"country": "IN", "sex": "female"}))

    assert TRANSACTION.encode(one) == TRANSACTION.encode(other)


def test_date_times_keep_their_moment_and_need_an_offset() -> None:
    """An offset is read and kept as a moment; a date-time without one is refused."""
    decoded = TRANSACTION.decode(transaction(occurred_at="2026-01-15T14:00:00.125+05:30"))

    assert decoded.occurred_at == datetime(2026, 1, 15, 8, 30, 0, 125000, tzinfo=UTC)
    assert rejection(transaction(occurred_at="2026-01-15T14:00:00")).message == (
        "$.occurred_at: must be a date and time with offset, for example 2026-01-31T09:30:00Z"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "$: the record has no value; "),
        (b"", "$: the record has no value; "),
        (b'{"tenant', "$: is not JSON; "),
        (b"{}{}", "$: is not JSON at byte 3; "),
        (b"\0\0\0\0\x07{}", "$: is framed for a schema registry, and none is configured; "),
        (b'{"match_score": NaN}', "$: is not JSON at byte 16; "),
        (b'{"match_score": -Infinity}', "$: is not JSON at byte 17; "),
        (b'{"tenant": "\xff"}', "$: is not UTF-8; "),
        (b'{"zqx": ' + b"[" * 100_000, "$: is nested too deeply; "),
        (b'{"zqx": 1, "tenant": "a", "match_score": NaN}', "$: is not JSON at byte 41; "),
    ],
    ids=["none", "empty", "truncated", "two", "framed", "nan", "infinity", "utf8", "deep", "broken behind a mismatch"],
)
def test_what_is_not_json_is_malformed(value: bytes | None, message: str) -> None:
    """Whatever cannot be parsed is malformed, with the place of the first error where there is one."""
    refused = rejection(value)

    assert (refused.reason, refused.message) == (
        "malformed",
        message + "send one JSON object in UTF-8, without NaN or Infinity",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"match_score": 1.5}, "$.match_score: must be a number ≥ 0 and ≤ 1"),
        ({"liveness_score": -0.1}, "$.liveness_score: must be a number ≥ 0 and ≤ 1"),
        ({"match_score": "zqx"}, "$.match_score: must be a number ≥ 0 and ≤ 1"),
        ({"tenant": "Zqx Bank"}, "$.tenant: must be text that matches ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"tenant": "zqx\n"}, "$.tenant: must be text that matches ^[a-z0-9][a-z0-9-]{0,62}$"),
        ({"subject_ref": ""}, "$.subject_ref: must be text of 1 to 256 characters"),
        ({"checks": ["zqx"]}, "$.checks[]: must be one of liveness, match"),
        ({"checks": []}, "$.checks: must be a list of 1 to 2 items"),
        ({"schema_version": "zqx"}, "$.schema_version: must be 1"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_schema_is_a_mismatch_with_its_place(changes: dict[str, Any], message: str) -> None:
    """The message says where, and what would be right there."""
    refused = rejection(transaction(**changes))

    assert (refused.reason, refused.message) == ("schema_mismatch", message)


def test_missing_and_unknown_fields_are_mismatches() -> None:
    """A missing field is named, since its name is the schema's; an unknown one is not, since it is the record's."""
    assert rejection(b'{"schema_version": 1}').message == "$.tenant: is missing"
    assert rejection(b"[]").message == "$: must be an object"
    unknown = rejection(transaction(zqx=1))
    assert unknown.message == (
        "$: has a field that the schema does not know; it knows " + ", ".join(types.Transaction.__struct_fields__)
    )


def test_a_field_name_that_imitates_a_place_does_not_get_into_the_message() -> None:
    """msgspec quotes unknown names as they are; one shaped like a place leads the explanation nowhere."""
    refused = rejection(transaction(**{"x` - at `$.zqx": 1}))

    assert refused.message.startswith("$: has a field that the schema does not know; ")
    assert "zqx" not in refused.message


def test_places_in_lists_and_maps_are_found() -> None:
    """A wrong count deep inside a tally is located by names of the schema."""
    tally = json.loads((ROOT / "examples/tally/full.json").read_text(encoding="utf-8"))
    tally["cells"][1]["counts"]["transactions"] = -1

    assert rejection(json.dumps(tally).encode(), "tally").message == "$.cells[].counts[]: must be a whole number ≥ 0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "zqx"}, "$.device: must be an object"),
        (
            {"device": {"zqx": 1}},
            "$.device: has a field that the schema does not know; it knows ref, model, os, os_version, sdk_version",
        ),
        ({"segments": {"zqx": 1}}, "$.segments[]: must be text of 1 to 64 characters"),
        ({"segments": {"zqx" * 20: "a"}}, "$.segments: must have keys that are text of 1 to 32 characters"),
        ({"segments": {f"zqx{i}": "a" for i in range(17)}}, "$.segments: must be an object of 0 to 16 entries"),
        ({"timings": {"match_ms": 1e9}}, "$.timings.match_ms: must be a number ≥ 0 and ≤ 86400000"),
    ],
    ids=str,
)
def test_our_own_events_are_not_put_right(changes: dict[str, Any], message: str) -> None:
    """What upstream may send, a verdict may not hold: whoever reads one finds what the schema says."""
    verdict = json.loads((ROOT / "examples/verdict/minimal.json").read_text(encoding="utf-8"))

    assert rejection(json.dumps(verdict | changes).encode(), "verdict").message == message


@pytest.mark.parametrize("version", [0, 2, 2**70])
def test_another_version_is_told_from_a_mismatch(version: int) -> None:
    """A newer version differs in many ways; what an operator needs to know is that it is newer."""
    refused = rejection(transaction(schema_version=version, zqx="zqx"))

    assert refused.reason == "unknown_schema_version"
    assert refused.message == (
        "$.schema_version: this release reads version 1 of Transaction; "
        "upgrade it, or let the producer send that version"
    )


def test_a_rejection_drags_no_cause_along() -> None:
    """msgspec's errors quote values; a log that follows `__context__` must not find them."""
    for value in (transaction(checks=["zqx"]), b'{"zqx', b"\xff", transaction(schema_version=9)):
        refused = rejection(value)
        assert refused.__context__ is None
        assert refused.__cause__ is None


marked = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).map(lambda s: MARK + s)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(10**6, 10**9) | marked,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(marked, inner, max_size=3),
    max_leaves=6,
)
record = st.dictionaries(st.sampled_from(types.Transaction.__struct_fields__) | marked, anything, max_size=8)


@settings(deadline=None)
@given(record, st.binary(max_size=20), st.sampled_from(sorted(CODECS)))
def test_messages_never_hold_anything_of_the_record(document: dict[str, Any], noise: bytes, event: str) -> None:
    """No text and no number of a refused record shows up in its message, whatever the record."""
    for value in (json.dumps(MINIMAL | document).encode(), json.dumps(document).encode(), noise):
        message = refusal(value, event)
        assert MARK not in message
        assert not any(str(n) in message for n in _numbers(document))
        assert len(message) <= 1024


def _numbers(node: Any) -> list[int]:
    if isinstance(node, dict | list):
        inner = node.values() if isinstance(node, dict) else node
        return [n for part in inner for n in _numbers(part)]
    return [node] if type(node) is int else []


DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT")
WRONG = st.sampled_from([None, True, -1, 0, 1, 2, 1.5, "", "zqx", "x" * 2000, [], {}, ["zqx"], {"zqx": "zqx"}])


@settings(deadline=None)
@given(st.data())
def test_codec_and_json_schema_agree_on_what_is_valid(data: st.DataObject) -> None:
    """Whoever validates with the published schema gets what the services give, unless a value was put right.

    That is said, field by field; and what is put right is valid.
    """
    path = data.draw(st.sampled_from(EXAMPLES))
    document = json.loads(path.read_text(encoding="utf-8"))
    parent = document
    while True:
        key = data.draw(st.sampled_from(list(parent) if isinstance(parent, dict) else list(range(len(parent)))))
        if not (parent[key] and isinstance(parent[key], dict | list)) or data.draw(st.booleans()):
            break
        parent = parent[key]
    change = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if DATE_TIME.match(str(parent[key])) or change == "remove":
        del parent[key]  # JSON Schema's date-time is an annotation, so only its absence can be compared
    elif change == "add" and isinstance(parent, dict):
        parent["zqx"] = data.draw(WRONG)
    else:
        parent[key] = data.draw(WRONG)

    event = path.parent.name
    schema = next(s for name, _, s in schemas.events(ROOT) if name == event)
    validator = jsonschema.Draft202012Validator(schema, registry=schemas.registry(ROOT))
    codec: Any = {"transaction": TransactionCodec, "label": LabelCodec}.get(event, lambda: CODECS[event])()
    try:
        decoded = codec.decode(json.dumps(document).encode())
    except Rejected:
        assert not validator.is_valid(document)
    else:
        assert validator.is_valid(document) == (not getattr(codec, "mended", None))
        assert validator.is_valid(json.loads(codec.encode(decoded)))


def test_a_tally_of_an_idle_batch_is_small() -> None:
    """Empty envelopes go to every partition with every batch: they must cost next to nothing."""
    assert len(TALLY.encode(TALLY.decode(examples.compact(ROOT / "examples/tally/minimal.json")))) < 200


@pytest.mark.parametrize(
    ("text", "refused"), [("a\0b", True), ("\\u0000", False), ("\\\0", True), ("\\\\u0000", False)]
)
def test_the_character_that_no_database_keeps_is_refused_and_its_spelling_is_not(text: str, refused: bool) -> None:
    """JSON can carry U+0000, PostgreSQL text cannot: every codec refuses it, wherever it stands."""
    value = msgspec.json.encode(MINIMAL | {"transaction_id": text})
    if refused:
        with pytest.raises(Rejected, match=r"U\+0000"):
            TRANSACTION.decode(value)
    else:
        assert TRANSACTION.decode(value).transaction_id == text


STRANGE = st.sampled_from(
    ["acme", "acme-bank", "Acme", "", "a" * 64, "-a", "acme\n", "s3://bucket/x", "s3", "s3:/x", "s3x://y"]
)
REFERENCES = st.sampled_from(
    ["s3://bucket/x", "s3", "s3:", "s3:/x", "S3://x", "gs://x", "x s3://y", "s3x://y", "://x", None]
)


@settings(max_examples=300)
@given(st.lists(st.tuples(STRANGE, REFERENCES), min_size=1, max_size=6))
def test_what_was_judged_once_is_judged_alike_ever_after(seen: list[tuple[str, str | None]]) -> None:
    """Patterns of transactions are looked at once for each tenant and scheme; it must not matter which came before."""
    codec = TransactionCodec()
    for tenant, reference in seen:
        value = transaction(tenant=tenant, imagery_ref=reference)
        try:
            expected: object = msgspec.to_builtins(TransactionCodec().decode(value))
        except Rejected as refused:
            expected = (refused.reason, refused.message)
        try:
            found: object = msgspec.to_builtins(codec.decode(value))
        except Rejected as refused:
            found = (refused.reason, refused.message)
        assert found == expected


def test_the_memory_of_what_was_judged_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever invents tenants or schemes costs time, not memory."""
    monkeypatch.setattr(codecs, "_TENANTS", 3)
    codec = TransactionCodec()
    for n in range(40):
        codec.decode(transaction(tenant=f"tenant-{n}", imagery_ref=f"scheme{n}://x"))
    assert (len(codec._tenants), len(codec._schemes)) == (3, 16)
    assert codec.decode(transaction(tenant="tenant-39", imagery_ref="scheme39://x")).tenant == "tenant-39"
    assert "$.tenant" in refusal(transaction(tenant="No"), "transaction")
