"""Wire formats, proved against a real Apicurio registry."""

import asyncio
import json
from uuid import uuid4

import httpx
import pytest

from proofwatch import resources
from proofwatch.events.codec import CODECS, TRANSACTION
from proofwatch.events.meta import examples
from proofwatch.events.registry_subjects import Subject, WireFormat, subjects
from proofwatch.events.rejected import Rejected
from proofwatch.events.schema_registry import Incompatible, Registry
from proofwatch.events.wire import connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.events.wire_framed import FramedWire, frame
from proofwatch.runtime.settings import Settings
from services.cli import main
from tests.support.registry_server import RegistryServer
from tests.unit.events.changes import AVRO, CHANGES, HOUSE_RULE, Change, changed
from tests.unit.events.registries import MemoryRegistry

ROOT = resources.schemas()
FULL = examples.compact(ROOT / "examples/transaction/full.json")


@pytest.fixture(scope="module")
def registered(schema_registry: RegistryServer) -> RegistryServer:
    """The registry with all our schemas, in both formats, as the command registers them."""
    for each in ("avro", "json"):
        assert main(["schemas", "register", "--registry", schema_registry.url, "--format", each]) == 0
    return schema_registry


async def connected(server: RegistryServer, wire_format: WireFormat) -> FramedWire:
    wire = await connect_wire(Settings(schema_registry_url=server.url, wire_format=wire_format))
    assert isinstance(wire, FramedWire)
    return wire


async def test_services_do_not_start_before_the_schemas_are_registered(
    registered: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names what is missing and the command that helps."""
    verdict = next(subject for subject in subjects(ROOT, "avro") if subject.event == "Verdict")
    optional = next(change for change in CHANGES if change.name == "optional field")
    newer = verdict._replace(text=json.dumps(changed(optional)))
    monkeypatch.setattr("proofwatch.events.wire_framed.subjects", lambda _root, _format: [newer])

    with pytest.raises(InvalidWire, match=r"schema of proofwatch\.v1\.Verdict; run `proofwatch schemas register`"):
        await connected(registered, "avro")


@pytest.mark.parametrize("action", ["register", "check"])
def test_the_command_can_be_repeated(
    registered: RegistryServer, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Registering again changes nothing; checking says that everything is there."""
    said = []
    for _ in range(2):
        assert main(["schemas", action, "--registry", registered.url, "--format", "avro"]) == 0
        said.append(capsys.readouterr().out)

    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(CODECS)
    assert ("registered, id" if action == "check" else "  id ") in said[0].splitlines()[0]


def test_every_subject_is_held_to_backward_transitive(registered: RegistryServer) -> None:
    """The registry's own default is NONE; what we register does not depend on it."""
    with httpx.Client(base_url=registered.url) as client:
        assert client.get("/config").json() == {"compatibilityLevel": "NONE"}
        for subject in [*subjects(ROOT, "avro"), *subjects(ROOT, "json")]:
            level = client.get(f"/config/{subject.name}").json()
            assert level == {"compatibilityLevel": "BACKWARD_TRANSITIVE"}, subject.name


@pytest.mark.parametrize("wire_format", ["avro", "json"])
async def test_every_example_goes_from_one_process_to_another(
    registered: RegistryServer, wire_format: WireFormat
) -> None:
    """A reader that writes the other format learns the ids from the registry, and reads the golden bytes."""
    writer = await connected(registered, wire_format)
    reader = await connected(registered, "json" if wire_format == "avro" else "avro")
    for path in sorted((ROOT / "examples").glob("*/*.json")):
        codec, golden = CODECS[path.parent.name], examples.compact(path)
        value = writer.encoder(codec)(codec.decode(golden))
        await reader.prepare([value, golden])

        assert value[0] == 0
        assert codec.encode(reader.decoder(codec)(value)) == golden, path
        assert codec.encode(reader.decoder(codec)(golden)) == golden, path
    await writer.close()
    await reader.close()


@pytest.mark.parametrize("change", [*CHANGES, HOUSE_RULE], ids=lambda change: change.name)
async def test_the_registry_judges_changes_as_our_checker_does(registered: RegistryServer, change: Change) -> None:
    """Incompatible changes are refused, compatible ones taken; only the house's own rule is stricter."""
    registry, name = Registry(registered.url), f"changes.{uuid4().hex}"
    before, after = (
        Subject(name, "AVRO", text, "Verdict", 1) for text in (AVRO["Verdict"], json.dumps(changed(change)))
    )
    await registry.register(before)
    refusal = change.finding if change is not HOUSE_RULE else None

    assert await registry.compatible(after) is (refusal is None)
    if refusal:
        with pytest.raises(Incompatible):
            await registry.register(after)
    else:
        await registry.register(after)
    await registry.close()


async def test_an_incompatible_json_schema_is_refused_too(registered: RegistryServer) -> None:
    """The JSON subjects are registered in a draft that the registry can compare."""
    registry = Registry(registered.url)
    verdict = next(subject for subject in subjects(ROOT, "json") if subject.event == "Verdict")
    subject = verdict._replace(name=f"changes.{uuid4().hex}")
    await registry.register(subject)
    schema = json.loads(subject.text)
    schema["properties"]["new"] = {"type": ["string", "null"]}
    assert await registry.compatible(subject._replace(text=json.dumps(schema))) is True

    schema["properties"]["tenant"]["type"] = "integer"

    assert await registry.compatible(subject._replace(text=json.dumps(schema))) is False
    await registry.close()


async def test_check_refuses_what_the_registry_would_not_take(
    registered: RegistryServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipeline the command ends with 1 before anything is deployed."""
    registry, name = Registry(registered.url), f"changes.{uuid4().hex}"
    before = Subject(name, "AVRO", AVRO["Verdict"], "Verdict", 1)
    await registry.register(before)
    await registry.close()
    required = next(change for change in CHANGES if change.name == "required field")
    after = before._replace(text=json.dumps(changed(required)))
    monkeypatch.setattr("services.operations.schemas.subjects", lambda _root, _format: [after])

    for action in ("check", "register"):
        code = await asyncio.to_thread(main, ["schemas", action, "--registry", registered.url])
        assert code == 1
        assert f"{name}  refused, not BACKWARD_TRANSITIVE: " in capsys.readouterr().out


async def test_an_id_that_the_registry_lacks_is_a_dead_letter_and_a_silent_registry_is_not(
    registered: RegistryServer,
) -> None:
    """404 from the registry: rejected with a reason. No registry: retry, then go on as if nothing had been."""
    reader, writer = await connected(registered, "json"), await connected(registered, "avro")
    event = TRANSACTION.decode(FULL)
    value, lost = writer.encoder(TRANSACTION)(event), frame(2_000_000_000) + b"x"
    await reader.prepare([lost])
    with pytest.raises(Rejected, match="the registry has no schema 2000000000") as refused:
        reader.decoder(TRANSACTION)(lost)
    assert refused.value.reason == "unknown_schema_id"

    await asyncio.to_thread(registered.kill)
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        await reader.prepare([value])
    with pytest.raises(RegistryUnavailable):
        await connected(registered, "avro")
    await asyncio.to_thread(registered.start)
    await reader.prepare([value])

    assert reader.decoder(TRANSACTION)(value) == event
    await reader.close()
    await writer.close()


async def test_a_404_of_something_else_is_no_unknown_id(registered: RegistryServer) -> None:
    """An address that is not the API's would reject every sound record; it is a fault of ours, to be retried."""
    registry = Registry(registered.url.removesuffix("/apis/ccompat/v7") + "/apis/nothing")

    with pytest.raises(RegistryUnavailable):
        await registry.schema(1)
    await registry.close()


@pytest.mark.parametrize("kind", ["memory", "real"])
async def test_registries_keep_and_find_schemas(kind: str, registered: RegistryServer) -> None:
    """The contract that the registry in memory, which unit tests use, shares with the real one."""
    registry = MemoryRegistry() if kind == "memory" else Registry(registered.url)
    subject = Subject(f"changes.{uuid4().hex}", "AVRO", AVRO["Label"], "Label", 1)
    assert await registry.lookup(subject) is None

    schema_id = await registry.register(subject)

    assert await registry.register(subject) == schema_id
    assert await registry.lookup(subject) == schema_id
    stored = await registry.schema(schema_id)
    assert stored is not None
    assert (stored.schema_type, json.loads(stored.text)) == ("AVRO", json.loads(subject.text))
    assert await registry.schema(schema_id + 1_000_000) is None
    await registry.close()


def test_the_address_of_a_registry_is_shown_without_its_password(
    registered: RegistryServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Errors and httpx's own lines reach logs."""
    caplog.set_level("DEBUG")
    own = registered.url.replace("http://", "http://somebody:secret@")
    assert main(["schemas", "check", "--registry", own]) == 0
    assert main(["schemas", "check", "--registry", "http://somebody:secret@127.0.0.1:9/apis"]) == 1

    said = capsys.readouterr().err
    assert "http://127.0.0.1:9/apis does not answer" in said
    assert registered.url in caplog.text
    assert "secret" not in said + caplog.text
