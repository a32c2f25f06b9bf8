"""The AsyncAPI document is what the manifests and schemas say."""

import shutil
from pathlib import Path

import pytest
import yaml

from proofwatch import resources
from proofwatch.events import asyncapi
from proofwatch.events.topics import load_manifests


def test_the_committed_document_is_in_step(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` passes on this tree; otherwise somebody changed a topic or the document alone."""
    monkeypatch.setattr("sys.argv", ["asyncapi", "--check"])

    assert asyncapi.main() == 0, capsys.readouterr().err


def test_a_missing_document_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` says what to run, and running it is the remedy."""
    root = Path(shutil.copytree(resources.schemas(), tmp_path / "schemas"))
    monkeypatch.setattr(resources, "schemas", lambda: root)
    (root / asyncapi.TARGET).unlink()
    monkeypatch.setattr("sys.argv", ["asyncapi", "--check"])
    assert asyncapi.main() == 1
    assert capsys.readouterr().err == "asyncapi.yaml: is missing; run `python -m proofwatch.events.asyncapi`\n"
    monkeypatch.setattr("sys.argv", ["asyncapi"])
    assert asyncapi.main() == 0

    monkeypatch.setattr("sys.argv", ["asyncapi", "--check"])
    assert asyncapi.main() == 0


def test_a_topic_becomes_a_channel_with_its_processes() -> None:
    """Key, partitions and cleanup as Kafka bindings; who writes and who reads as operations."""
    document = yaml.safe_load(asyncapi.generate(resources.schemas()))
    manifest = load_manifests()["biometrics.verdicts.v1"]
    channel = document["channels"][manifest.name]

    assert channel["bindings"]["kafka"]["partitions"] == manifest.partitions
    assert channel["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] == ["delete"]
    (message,) = channel["messages"].values()
    assert message["bindings"]["kafka"]["key"]["description"] == "tenant/subject_ref"
    assert message["payload"] == {"$ref": "./events/verdict.v1.schema.json"}
    assert message["traits"] == [{"$ref": "#/components/messageTraits/cloudEvent"}]
    (state,) = document["channels"]["onboarding.subjects.v1"]["messages"].values()
    assert "traits" not in state
    operations = {name: each["action"] for name, each in document["operations"].items() if manifest.name in name}
    assert operations == {
        **{f"{process}.send.{manifest.name}": "send" for process in manifest.producers},
        **{f"{process}.receive.{manifest.name}": "receive" for process in manifest.consumers},
    }
