"""Every rule for the contracts, shown by breaking a copy of them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch import resources
from proofwatch.events import meta

Change = Callable[[dict[str, Any]], object]
SCORE = "$.properties.match_score"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of schemas/, to break."""
    return Path(shutil.copytree(resources.schemas(), tmp_path / "schemas"))


def edit(path: Path, change: Change) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_topic(root: Path, topic: str, **changes: object) -> None:
    path = root / "topics" / f"{topic}.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def at(*path: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def walk(document: dict[str, Any]) -> dict[str, Any]:
        for step in path:
            document = document[step]
        return document

    return walk


score = at("properties", "match_score")
model = at("$defs", "device", "properties", "model")
counts = at("$defs", "cell", "properties", "counts", "additionalProperties")
reason = at("properties", "reasons", "items")


def test_the_contracts_keep_their_own_rules() -> None:
    """The tree at hand has no findings, and so the command exits with 0."""
    assert meta.findings(resources.schemas()) == []

    run = subprocess.run([sys.executable, "-m", "proofwatch.events.meta"], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("event", "change", "finding"),
    [
        (
            "transaction",
            lambda s: score(s).update(minimun=0),
            f"{SCORE}: unknown keyword minimun; did you mean minimum?",
        ),
        (
            "transaction",
            lambda s: score(s).update({"x-data-categry": "account"}),
            f"{SCORE}: unknown keyword x-data-categry; did you mean x-data-category?",
        ),
        (
            "definitions",
            lambda s: model(s).update(maxlength=9),
            "$.$defs.device.properties.model: unknown keyword maxlength; did you mean maxLength?",
        ),
        ("transaction", lambda s: score(s).update(description=" "), f"{SCORE}: has no description"),
        ("verdict", lambda s: reason(s).pop("description"), "$.properties.reasons.items: has no description"),
        (
            "transaction",
            lambda s: score(s).pop("x-data-category"),
            (
                f"{SCORE}: x-data-category must be one of account, configuration, diagnostic_and_usage, face_features, "
                "identification"
            ),
        ),
        (
            "definitions",
            lambda s: model(s).update({"x-data-category": "misc"}),
            (
                "$.$defs.device.properties.model: x-data-category must be one of account, configuration, "
                "diagnostic_and_usage, face_features, identification"
            ),
        ),
        ("transaction", lambda s: score(s).pop("x-unit"), f"{SCORE}: x-unit must be one of 1, B, ms, s, score"),
        (
            "definitions",
            lambda s: counts(s).update({"x-unit": "furlong"}),
            "$.$defs.cell.properties.counts.additionalProperties: x-unit must be one of 1, B, ms, s, score",
        ),
        (
            "transaction",
            lambda s: s.pop("additionalProperties"),
            "$: additionalProperties must be false, as in the types",
        ),
        ("transaction", lambda s: s["required"].append("iris"), "$: requires iris, which is not among its properties"),
        (
            "transaction",
            lambda s: score(s).update(type="number"),
            f"{SCORE}: is optional without a default, so it must allow null, which means absent",
        ),
        (
            "verdict",
            lambda s: s["properties"]["basis"].update({"$ref": "definitions.v1.schema.json#/$defs/bases"}),
            "$.properties.basis: $ref definitions.v1.schema.json#/$defs/bases leads nowhere",
        ),
        ("verdict", lambda s: s.update({"$id": "verdict"}), "$: $id must be verdict.v1.schema.json"),
        ("verdict", lambda s: s.pop("title"), "$: has no title"),
        (
            "verdict",
            lambda s: s["properties"]["schema_version"].update(const=2),
            "$.properties.schema_version: must be required and have const 1",
        ),
        (
            "verdict",
            lambda s: score(s).update(minimum="zero"),
            "is not a JSON Schema (2020-12): 'zero' is not of type 'number'",
        ),
    ],
)
def test_a_flawed_schema_is_found_with_file_and_path(root: Path, event: str, change: Change, finding: str) -> None:
    """Each flaw gives exactly one finding, which says where it is and what would be right."""
    edit(root / "events" / f"{event}.v1.schema.json", change)

    found = meta.findings(root)

    joint = ": " if finding.startswith("is not") else " "
    assert found == [f"events/{event}.v1.schema.json{joint}{finding}"]


def test_a_file_that_is_no_schema_is_found(root: Path) -> None:
    """A stray file among the schemas is named; so is one that is no JSON."""
    (root / "events" / "notes.txt").write_text("x", encoding="utf-8")
    (root / "events" / "extra.v1.schema.json").write_text("{", encoding="utf-8")

    extra, notes = meta.findings(root)

    assert notes == "events/notes.txt: must be called <event>.v<version>.schema.json"
    assert extra.startswith("events/extra.v1.schema.json: is not a JSON Schema (2020-12): ")


def test_an_event_without_examples_is_found(root: Path) -> None:
    """Every event has a minimal and a full example."""
    shutil.rmtree(root / "examples" / "label")
    (root / "examples" / "window" / "full.json").unlink()

    assert meta.findings(root) == [
        "examples/label: has 0 examples, needs 2: a minimal and a full one",
        "examples/window: has 1 examples, needs 2: a minimal and a full one",
    ]


def test_examples_without_an_event_are_found(root: Path) -> None:
    """Nothing stays behind when an event goes."""
    shutil.copytree(root / "examples" / "label", root / "examples" / "iris-scan")

    assert meta.findings(root) == ["examples/iris-scan: belongs to no event; remove it or add its schema"]


def test_an_event_without_codec_or_topic_is_found(root: Path) -> None:
    """A schema alone is not a contract: somebody must read and carry it."""
    edit(root / "events" / "label.v1.schema.json", lambda s: s.update({"$id": "iris.v1.schema.json"}))
    (root / "events" / "label.v1.schema.json").rename(root / "events" / "iris.v1.schema.json")
    (root / "examples" / "label").rename(root / "examples" / "iris")

    assert meta.findings(root) == [
        "events/iris: has no codec in proofwatch.events.codec",
        "events/iris.v1.schema.json $: is on no topic; name it in a manifest or remove it",
        "topics/onboarding.labels.v1.yaml events: label version 1 has no schema",
    ]


def test_an_invalid_example_is_found_by_json_schema_and_codec(root: Path) -> None:
    """Both judges see it, in their own words."""
    edit(root / "examples" / "transaction" / "full.json", lambda e: e.update(match_score=1.2))

    assert meta.findings(root) == [
        "examples/transaction/full.json $.match_score: 1.2 is greater than the maximum of 1 (JSON Schema)",
        "examples/transaction/full.json $.match_score: must be a number ≥ 0 and ≤ 1 (codec)",
    ]


def test_an_example_that_is_not_canonical_is_found(root: Path) -> None:
    """Golden bytes must be what the codec writes: field order included."""
    edit(root / "examples" / "label" / "minimal.json", lambda e: e.update(tenant=e.pop("tenant")))
    (root / "examples" / "label" / "full.json").write_text("{", encoding="utf-8")

    full, minimal = meta.findings(root)

    assert full.startswith("examples/label/full.json $: is not JSON: ")
    assert minimal.startswith(
        'examples/label/minimal.json $: is not canonical; its golden bytes are {"schema_version":1,"tenant":'
    )


@pytest.mark.parametrize(
    ("topic", "changes", "finding"),
    [
        (
            "onboarding.labels.v1",
            {"events": [{"name": "label", "versions": [1, 2]}]},
            "events: label version 2 has no schema",
        ),
        (
            "onboarding.labels.v1",
            {"dead_letter": "labels.dead"},
            "dead_letter: must be onboarding.labels.v1.dlq, not labels.dead",
        ),
        (
            "onboarding.labels.v1",
            {"dead_letter": None},
            "dead_letter: must be onboarding.labels.v1.dlq, because ledger may have to refuse records",
        ),
        (
            "onboarding.labels.v1",
            {"purposes": ["provide_features", "maintain_and_deliver_statistics"]},
            (
                "purposes: maintain_and_deliver_statistics does not allow the category diagnostic_and_usage, which "
                "label carries at $.asserted_at; leave out the purpose or the field"
            ),
        ),
        (
            "onboarding.consents.v1",
            {"purposes": ["improve_and_develop"]},
            (
                "purposes: improve_and_develop does not allow the category account, which consent carries at $.tenant; "
                "leave out the purpose or the field"
            ),
        ),
        (
            "biometrics.verdicts.v1",
            {"partitions": 5},
            (
                "co_partitioned_with: onboarding.transactions.v1 has 6 partitions by tenant/subject_ref, this topic 5 "
                "by tenant/subject_ref; both must be the same"
            ),
        ),
        (
            "biometrics.verdicts.v1",
            {"co_partitioned_with": "onboarding.proofs.v1"},
            "co_partitioned_with: onboarding.proofs.v1 is no topic",
        ),
    ],
)
def test_a_flawed_topic_is_found(root: Path, topic: str, changes: dict[str, object], finding: str) -> None:
    """Each flaw gives exactly one finding, which says which key of which manifest, and what would be right."""
    edit_topic(root, topic, **changes)

    assert meta.findings(root) == [f"topics/{topic}.yaml {finding}"]


def test_one_purpose_that_does_not_allow_a_category_is_enough(root: Path) -> None:
    """Allowing a category for one purpose would let the readers for another see it as well."""
    edit_topic(root, "biometrics.verdicts.v1", purposes=["provide_features", "billing"])

    rule = "topics/biometrics.verdicts.v1.yaml purposes: billing does not allow the category"
    assert meta.findings(root) == [
        f"{rule} identification, which verdict carries at $.segments; leave out the purpose or the field",
        f"{rule} configuration, which verdict carries at $.schema_version; leave out the purpose or the field",
    ]


def test_fields_behind_references_count(root: Path) -> None:
    """A category that only a shared definition carries is found in every event that uses the definition."""
    edit(
        root / "events" / "definitions.v1.schema.json", lambda s: model(s).update({"x-data-category": "face_features"})
    )
    edit_topic(root, "biometrics.verdicts.v1", purposes=["billing"])

    assert (
        "topics/biometrics.verdicts.v1.yaml purposes: billing does not allow the category face_features, "
        "which verdict carries at $.device.model; leave out the purpose or the field"
    ) in meta.findings(root)


def test_personal_data_in_a_platform_alert_is_found(root: Path) -> None:
    """Alerts go straight to operators, so no purpose makes up for personal data in them."""
    edit(
        root / "events" / "platform-alert.v1.schema.json",
        lambda s: s["properties"]["summary"].update({"x-data-category": "identification"}),
    )

    assert meta.findings(root) == [
        (
            "topics/platform.alerts.v1.yaml events: platform-alert must carry no personal data, "
            "but $.summary is of category identification"
        )
    ]


def test_what_is_generated_must_be_in_step(root: Path) -> None:
    """An event without its Avro schema, or a document that speaks of another topic, is found once the rest is sound."""
    (root / "avro" / "label.v1.avsc").unlink()
    edit_topic(root, "onboarding.labels.v1", partitions=12)

    assert meta.findings(root) == [
        "avro/label.v1.avsc: is missing; run `python -m proofwatch.events.avro`",
        "asyncapi.yaml: is not what topics/ and events/ say; run `python -m proofwatch.events.asyncapi`",
    ]


def test_an_unreadable_manifest_is_a_finding(root: Path) -> None:
    """A manifest that cannot be loaded is reported like any other flaw."""
    edit_topic(root, "platform.alerts.v1", partitions="many")

    (found,) = meta.findings(root)

    assert found.startswith(
        f"{root / 'topics' / 'platform.alerts.v1.yaml'}: partitions: Input should be a valid integer"
    )
