"""Partition counts as a deployment chooses them; the manifests have the defaults."""

from collections.abc import Mapping
from pathlib import Path

from proofwatch.events.topics import Manifest
from proofwatch.strict_yaml import InvalidYaml, load_yaml

MOST = 1024


class InvalidPartitions(ValueError):
    """Counts that cannot be: the message says which and what would be right."""


def family(topic: str, manifests: Mapping[str, Manifest]) -> list[str]:
    """Return the topics that must have as many partitions as `topic`, itself included, in order."""
    head = manifests[topic].co_partitioned_with or topic
    return [name for name, each in manifests.items() if head in (name, each.co_partitioned_with)]


def sized(manifests: Mapping[str, Manifest], counts: Mapping[str, int]) -> dict[str, Manifest]:
    """Return the manifests with other partition counts; a count holds for all topics that are co-partitioned.

    Raises `InvalidPartitions`.
    """
    chosen: dict[str, tuple[int, str]] = {}
    for topic, count in counts.items():
        if topic not in manifests:
            raise InvalidPartitions(f"there is no topic {topic}: `proofwatch topics list` shows them")
        if not 1 <= count <= MOST:
            raise InvalidPartitions(f"{topic}: {count} partitions cannot be; give 1 to {MOST}")
        for name in family(topic, manifests):
            before, by = chosen.setdefault(name, (count, topic))
            if before != count:
                raise InvalidPartitions(f"{topic}={count} and {by}={before}: they are co-partitioned, give one count")
    return {
        name: each.model_copy(update={"partitions": chosen[name][0]}) if name in chosen else each
        for name, each in manifests.items()
    }


def load_counts(path: Path) -> dict[str, int]:
    """Read a YAML file of `topic: count`. Raises `InvalidPartitions`."""
    try:
        read = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidPartitions(str(error)) from error
    except OSError as error:
        raise InvalidPartitions(f"{path}: cannot be read: {error.strerror}") from error
    if not isinstance(read, dict) or not all(type(count) is int for count in read.values()):
        raise InvalidPartitions(f"{path}: lines of `topic: count` are wanted, such as `onboarding.transactions.v1: 12`")
    return read
