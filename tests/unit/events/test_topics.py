"""Topic manifests: read strictly, and turned into what Kafka needs."""

import shutil
from pathlib import Path

import pytest
import yaml

from proofwatch import resources
from proofwatch.events import topics

TRANSACTIONS = f"{topics.TRANSACTIONS}.yaml"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the manifests, to break."""
    return Path(shutil.copytree(resources.schemas() / "topics", tmp_path / "topics"))


def change(directory: Path, **changes: object) -> None:
    path = directory / TRANSACTIONS
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_every_topic_has_a_constant_and_the_other_way_round() -> None:
    """Services name topics by constants; each one is declared, and each declared one is named."""
    constants = {v for k, v in vars(topics).items() if k.isupper() and isinstance(v, str) and v.endswith(".v1")}

    assert constants == topics.load_manifests().keys()


def test_dead_letter_topics_have_the_partitions_of_their_topic_and_room_for_headers() -> None:
    """A dead letter keeps its partition, and a record of the largest size fits together with its reason."""
    specs = {spec.name: spec for spec in topics.kafka_specs()}
    letters = {name for name in specs if name.endswith(".dlq")}

    assert letters == {m.dead_letter for m in topics.load_manifests().values() if m.dead_letter}
    for name in letters:
        source = specs[name.removesuffix(".dlq")]
        assert specs[name].partitions == source.partitions
        assert int(specs[name].config["max.message.bytes"]) > int(source.config["max.message.bytes"]) >= 16 * 2**20
        assert specs[name].config["cleanup.policy"] == "delete"


def test_manifests_become_broker_settings() -> None:
    """Retention is in milliseconds; every value is text, as the admin protocol wants it."""
    spec = next(spec for spec in topics.kafka_specs() if spec.name == topics.TRANSACTIONS)

    assert spec == (
        "onboarding.transactions.v1",
        6,
        {
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": "16777216",
            "retention.ms": str(7 * 24 * 3600 * 1000),
        },
    )


def test_a_replay_keeps_records_of_any_time() -> None:
    """With CreateTime the broker would delete old records and refuse future ones; partitions do not change."""
    live, replay = list(topics.kafka_specs()), list(topics.kafka_specs(timestamp_type="CreateTime"))

    assert [spec[:2] for spec in replay] == [spec[:2] for spec in live]
    for spec in replay:
        assert spec.config["message.timestamp.type"] == "CreateTime"
        assert spec.config["retention.ms"] == "-1"
        assert int(spec.config["message.timestamp.after.max.ms"]) == 2**63 - 1


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"partitions": 0}, "partitions: Input should be greater than or equal to 1"),
        ({"partition": 6}, "partition: Extra inputs are not permitted"),
        ({"retention": "PT0S"}, "manifest: retention must be longer than nothing, for example P7D"),
        ({"cleanup_policy": "compress"}, "cleanup_policy: Input should be 'delete', 'compact' or 'compact,delete'"),
        ({"events": []}, "events: Tuple should have at least 1 item after validation, not 0"),
        ({"purposes": ["advertising"]}, "purposes.0: Input should be 'provide_features',"),
        ({"name": "onboarding.labels.v9"}, "name is onboarding.labels.v9, so the file must be called"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_unusable_manifest_is_refused_with_file_key_and_remedy(
    directory: Path, changes: dict[str, object], finding: str
) -> None:
    """Start-up stops; the operator reads which file and key, and what would be right."""
    change(directory, **changes)

    with pytest.raises(topics.InvalidManifest) as refused:
        topics.load_manifests(directory)

    assert str(refused.value).startswith(f"{directory / TRANSACTIONS}: {finding}")


def test_a_manifest_that_is_no_yaml_is_refused(directory: Path) -> None:
    """The finding is kept to one line, and names it."""
    (directory / TRANSACTIONS).write_text("name: [", encoding="utf-8")

    with pytest.raises(topics.InvalidManifest, match="line 1: is not valid YAML") as refused:
        topics.load_manifests(directory)

    assert "\n" not in str(refused.value)
