"""The AsyncAPI document is valid for AsyncAPI's own parser, which follows it into every event schema."""

import shutil
from pathlib import Path

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


def test_the_parser_sees_what_is_wrong(tmp_path: Path) -> None:
    """A document that is not AsyncAPI, or refers to nothing, has findings: the test above can fail."""
    root = Path(shutil.copytree(resources.schemas(), tmp_path / "schemas"))
    document = yaml.safe_load((root / TARGET).read_text(encoding="utf-8"))
    channel = document["channels"]["onboarding.labels.v1"]
    document["channels"] = {"onboarding.labels.v1": channel}
    channel["messages"]["label.v1"]["payload"]["$ref"] = "./events/iris.v1.schema.json"
    operation = document["operations"]["ledger.receive.onboarding.labels.v1"]
    del operation["action"]
    document["operations"] = {"ledger.receive.onboarding.labels.v1": operation}
    (root / TARGET).write_text(yaml.safe_dump(document), encoding="utf-8")

    findings = parse(root / TARGET).findings

    assert any("iris.v1.schema.json" in each for each in findings)
    assert any('"action"' in each for each in findings)
