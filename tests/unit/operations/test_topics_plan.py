"""What would be done to topics, and which partition counts may be asked for."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from proofwatch.bus.kafka.topic_plan import Count, Present, Setting, plan
from proofwatch.events import topics
from proofwatch.events.partitions import InvalidPartitions, family, load_counts, sized
from proofwatch.events.topics import TopicSpec, kafka_specs, load_manifests

MANIFESTS = load_manifests()


def present(partitions: int, config: Mapping[str, str]) -> Present:
    return Present(partitions, config, config)


def test_a_plan_names_what_is_missing_and_what_differs() -> None:
    """Each once, with what is and what should be; what is as declared is not mentioned."""
    specs = [TopicSpec(name, 2, {"retention.ms": "5"}) for name in ("new", "same", "short", "wide")]
    there = {
        "same": present(2, {"retention.ms": "5", "more": "x"}),
        "short": present(2, {"retention.ms": "4"}),
        "wide": present(3, {}),
    }
    made = plan(specs, there)
    assert [spec.name for spec in made.missing] == ["new"]
    assert made.settings == (Setting("short", "retention.ms", "4", "5"), Setting("wide", "retention.ms", None, "5"))
    assert made.counts == (Count("wide", 3, 2),)


@pytest.mark.parametrize("named", [topics.TRANSACTIONS, topics.SUSPICIONS])
def test_a_count_holds_for_everything_that_is_co_partitioned_and_its_dead_letters(named: str) -> None:
    """Whichever of the family is named; the others keep theirs."""
    specs = {spec.name: spec.partitions for spec in kafka_specs(sized(MANIFESTS, {named: 12}))}
    wide = family(topics.TRANSACTIONS, MANIFESTS)
    assert topics.VERDICTS in wide
    letters = [MANIFESTS[name].dead_letter for name in wide]
    assert {specs[name] for name in [*wide, *filter(None, letters)]} == {12}
    assert specs[topics.TALLIES] == MANIFESTS[topics.TALLIES].partitions


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"nowhere.v1": 3}, "there is no topic nowhere.v1"),
        ({topics.TALLIES: 0}, "0 partitions cannot be; give 1 to 1024"),
        ({topics.TRANSACTIONS: 4, topics.VERDICTS: 5}, "they are co-partitioned, give one count"),
    ],
)
def test_counts_that_cannot_be_are_refused_in_a_sentence(counts: dict[str, int], said: str) -> None:
    """Before anything is created."""
    with pytest.raises(InvalidPartitions, match=said):
        sized(MANIFESTS, counts)


@pytest.mark.parametrize("text", ["- 1", "a: b", "a: 1.5", "a: true", "a: [", "just words"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Lines of `topic: count` are wanted."""
    path = tmp_path / "partitions.yaml"
    path.write_text(text)
    with pytest.raises(InvalidPartitions, match=r"partitions\.yaml"):
        load_counts(path)
    path.write_text(f"{topics.TALLIES}: 8\n")
    assert load_counts(path) == {topics.TALLIES: 8}
