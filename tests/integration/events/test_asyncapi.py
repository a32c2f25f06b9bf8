"""The AsyncAPI document is valid for AsyncAPI's own parser, which follows it into every event schema."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch import resources
from proofwatch.events.asyncapi import TARGET
from proofwatch.events.topics import load_manifests
from tests.support.asyncapi_parser import parse


def test_the_committed_document_is_valid() -> None:
    """No error and no warning; every topic, every process at it, and every payload was read."""
    manifests = load_manifests().values()

    parsed = parse(resources.schemas() / TARGET)

    assert parsed.findings == []
    assert parsed.channels == len(manifests)
    assert parsed.operations == sum(len(each.producers) + len(each.consumers) for each in manifests)
    assert parsed.payloads == sum(len(event.versions) for each in manifests for event in each.events)


def _no_action(document: dict[str, Any]) -> None:
    next(iter(document["operations"].values())).pop("action")


def _no_schema(document: dict[str, Any]) -> None:
    channel = next(iter(document["channels"].values()))
    next(iter(channel["messages"].values()))["payload"]["$ref"] = "./events/iris.v1.schema.json"


@pytest.mark.parametrize(("change", "finding"), [(_no_action, '"action"'), (_no_schema, "iris.v1.schema.json")])
def test_the_parser_sees_what_is_wrong(tmp_path: Path, change: Any, finding: str) -> None:
    """A document that is not AsyncAPI, or refers to nothing, has findings: the test above can fail."""
    root = Path(shutil.copytree(resources.schemas(), tmp_path / "schemas"))
    document = yaml.safe_load((root / TARGET).read_text(encoding="utf-8"))
    change(document)
    (root / TARGET).write_text(yaml.safe_dump(document), encoding="utf-8")

    assert any(finding in each for each in parse(root / TARGET).findings)
