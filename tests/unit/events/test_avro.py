"""The committed Avro schemas: faithful to the JSON Schemas, in step with them, compatible with what was released."""

import json
import shutil
from pathlib import Path
from typing import Any

import fastavro
import pytest

from proofwatch import resources
from proofwatch.events import avro
from proofwatch.events.avro_compatibility import breaks
from proofwatch.events.avro_schema import NotInAvro, avro_schema
from proofwatch.events.codec import CODECS
from proofwatch.events.registry_subjects import subjects
from tests.unit.events.changes import AVRO, CHANGES, HOUSE_RULE, KEPT, Change, changed


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of schemas/, to break."""
    copied = Path(shutil.copytree(resources.schemas(), tmp_path / "schemas"))
    monkeypatch.setattr(resources, "schemas", lambda: copied)
    return copied


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["avro", *arguments])
    return avro.main()


def edit(path: Path, **changes: Any) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(schema | changes), encoding="utf-8")


def event(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    described = {name: {"description": "d", **node} for name, node in properties.items()}
    return {"title": "Thing", "description": "A thing.", "properties": described, "required": list(required)}


def fields(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> dict[str, Any]:
    return {field["name"]: field for field in avro_schema(schema, 1, definitions or {})["fields"]}


def test_the_tree_at_hand_is_in_step_and_compatible(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check --check-compatible` pass; otherwise somebody changed a schema, and its Avro or a release says no."""
    assert run(monkeypatch, "--check", "--check-compatible") == 0, capsys.readouterr().err


def test_a_changed_event_makes_its_avro_stale(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` names what is stale, missing or left over, and what to run; running it is the remedy."""
    edit(root / "events" / "label.v1.schema.json", description="Late truth.")
    (root / "avro" / "verdict.v1.avsc").unlink()
    (root / "avro" / "iris.v1.avsc").write_text("{}", encoding="utf-8")

    assert run(monkeypatch, "--check") == 1
    remedy = "run `python -m proofwatch.events.avro`"
    assert capsys.readouterr().err.splitlines() == [
        "avro/iris.v1.avsc: belongs to no event; remove it",
        f"avro/label.v1.avsc: is not what the event's schema says; {remedy}",
        f"avro/verdict.v1.avsc: is missing; {remedy}",
    ]
    (root / "avro" / "iris.v1.avsc").unlink()
    assert run(monkeypatch) == 0
    assert run(monkeypatch, "--check") == 0


def test_an_incompatible_change_of_an_event_is_noticed_against_every_release(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an earlier release wrote counts, even where the last one no longer had it: the check is transitive."""
    shutil.rmtree(root / "avro" / "released", ignore_errors=True)
    assert run(monkeypatch, "--release", "0.1.0") == 0
    shutil.copytree(root / "avro" / "released" / "0.1.0", root / "avro" / "released" / "0.2.0")
    (root / "avro" / "released" / "0.2.0" / "label.v1.avsc").unlink()
    path = root / "events" / "label.v1.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["authority"]["type"] = "string"
    schema["required"].append("note")
    schema["properties"]["note"] = {"type": "string", "description": "A note."}
    path.write_text(json.dumps(schema), encoding="utf-8")
    (root / "avro" / "consent.v1.avsc").unlink()
    avro.write(root)
    (root / "avro" / "consent.v1.avsc").unlink()

    assert run(monkeypatch, "--check-compatible") == 1

    assert capsys.readouterr().err.splitlines() == [
        "avro/consent.v1.avsc after 0.1.0: is gone; records of it may still lie on its topic",
        f"avro/label.v1.avsc after 0.1.0 $.authority: was long and is string; {KEPT}",
        "avro/label.v1.avsc after 0.1.0 $.note: is new and has no default; make it optional",
        "avro/consent.v1.avsc after 0.2.0: is gone; records of it may still lie on its topic",
    ]


@pytest.mark.parametrize("change", [*CHANGES, HOUSE_RULE], ids=lambda change: change.name)
def test_compatible_is_what_the_resolution_rules_allow(change: Change) -> None:
    """Every change gives exactly the finding that it deserves; a real registry is asked the same elsewhere."""
    assert breaks(json.loads(AVRO["Verdict"]), changed(change)) == ([change.finding] if change.finding else [])


@pytest.mark.parametrize("name", CODECS)
def test_fastavro_takes_every_schema_and_no_type_is_written_out_twice(name: str) -> None:
    """A second definition of a name would be refused."""
    text = (resources.schemas() / "avro" / f"{name}.v1.avsc").read_text(encoding="utf-8")

    parsed = fastavro.parse_schema(json.loads(text))

    assert isinstance(parsed, dict)
    assert parsed["name"] == f"proofwatch.v1.{CODECS[name].event.__name__}"


def test_the_mapping() -> None:
    """What JSON Schema says becomes what Avro can say of it; the rest stays with the codec."""
    found = fields(
        event(
            {
                "schema_version": {"type": "integer", "const": 1},
                "count": {"type": "integer", "x-unit": "1", "minimum": 0},
                "rate": {"type": ["number", "null"]},
                "at": {"type": "string", "format": "date-time"},
                "state": {"type": ["string", "null"], "enum": ["on", "off", None]},
                "spelled": {"type": "string", "enum": ["a-b", "c"]},
                "checks": {"type": "array", "items": {"type": "string"}, "default": ["match"]},
                "tags": {"type": ["object", "null"], "additionalProperties": {"type": "boolean"}},
            },
            "schema_version",
            "count",
            "rate",
            "at",
            "spelled",
        )
    )

    assert found["schema_version"] == {"name": "schema_version", "type": "int", "doc": "d"}
    assert found["count"] == {"name": "count", "type": "long", "doc": "d", "x-unit": "1"}
    assert found["rate"] == {"name": "rate", "type": ["null", "double"], "doc": "d"}
    assert found["at"] == {"name": "at", "type": "string", "doc": "d", "x-format": "date-time"}
    enum = {"type": "enum", "name": "ThingState", "symbols": ["on", "off"]}
    assert found["state"] == {"name": "state", "type": ["null", enum], "default": None, "doc": "d"}
    assert found["spelled"]["type"] == "string"
    assert found["checks"]["type"] == ["null", {"type": "array", "items": "string"}]
    assert found["tags"]["type"] == ["null", {"type": "map", "values": "boolean"}]


def test_a_shared_definition_is_written_out_where_it_first_occurs() -> None:
    """A name is defined once in a schema, and only named from then on."""
    shared = {"os": {"description": "o", "properties": {"name": {"type": "string", "description": "n"}}}}
    reference = {"$ref": "definitions.v1.schema.json#/$defs/os"}

    found = fields(event({"one": reference, "two": {"anyOf": [reference, {"type": "null"}]}}, "one"), shared)

    assert found["one"]["type"]["name"] == "Os"
    assert found["two"]["type"] == ["null", "Os"]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"type": ["integer", "string"]}, r"ThingX: type is \['integer', 'string'\]; it must be one type"),
        ({}, "ThingX: type is None; it must be one type, or one and null"),
        ({"type": "object", "properties": {}}, "ThingX: an object with fields of its own must be a shared definition"),
    ],
)
def test_what_the_mapping_does_not_know_is_refused(node: dict[str, Any], message: str) -> None:
    """Rather no schema than one that says something else."""
    with pytest.raises(NotInAvro, match=message):
        fields(event({"x": node}, "x"))


def test_registered_json_stands_alone() -> None:
    """A subject's JSON Schema refers to nothing outside, and names itself as its subject."""
    for subject in subjects(resources.schemas(), "json"):
        schema = json.loads(subject.text)
        assert schema["title"] == subject.name
        assert "schema.json#" not in subject.text
        assert subject.text.count('"$ref":"#/definitions/') == subject.text.count('"$ref"')
        assert all(f'"#/definitions/{name}"' in subject.text for name in schema["definitions"])
