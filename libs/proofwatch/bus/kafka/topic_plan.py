"""What would have to be done to the topics of a cluster: pure, so that it can be shown before it is done."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol


class TopicSpec(Protocol):
    """What a topic should be; `config` holds the broker's setting names and their values as text."""

    @property
    def name(self) -> str:
        """Return the topic's name."""
        ...

    @property
    def partitions(self) -> int:
        """Return the partition count."""
        ...

    @property
    def config(self) -> Mapping[str, str]:
        """Return the topic's settings."""
        ...


class Present(NamedTuple):
    """A topic as it is; `own` are the settings that were given to it, the rest are the broker's defaults."""

    partitions: int
    config: Mapping[str, str]
    own: Mapping[str, str]


class Setting(NamedTuple):
    """A setting that is not as declared."""

    topic: str
    name: str
    now: str | None
    wanted: str


class Count(NamedTuple):
    """A partition count that is not as declared."""

    topic: str
    now: int
    wanted: int


class Plan(NamedTuple):
    """What is missing and what differs."""

    missing: tuple[Any, ...]
    settings: tuple[Setting, ...]
    counts: tuple[Count, ...]


def plan(specs: Iterable[TopicSpec], present: Mapping[str, Present]) -> Plan:
    """Hold what should be against what is."""
    specs = list(specs)
    there = [spec for spec in specs if spec.name in present]
    return Plan(
        tuple(spec for spec in specs if spec.name not in present),
        tuple(
            Setting(spec.name, name, present[spec.name].config.get(name), value)
            for spec in there
            for name, value in sorted(spec.config.items())
            if present[spec.name].config.get(name) != value
        ),
        tuple(
            Count(spec.name, present[spec.name].partitions, spec.partitions)
            for spec in there
            if present[spec.name].partitions != spec.partitions
        ),
    )
