"""The topics as `schemas/topics/` declares them: the one source of partitions, limits and retention."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from proofwatch import resources
from proofwatch.governance.purposes import Purpose
from proofwatch.strict_yaml import InvalidYaml, load_yaml

TRANSACTIONS: Final = "onboarding.transactions.v1"
LABELS: Final = "onboarding.labels.v1"
CONSENTS: Final = "onboarding.consents.v1"
GUIDANCE: Final = "onboarding.guidance.v1"
VERDICTS: Final = "biometrics.verdicts.v1"
SUSPICIONS: Final = "soc.suspicions.v1"
ESCALATIONS: Final = "soc.escalations.v1"
TALLIES: Final = "metrics.tallies.v1"
WINDOWS: Final = "metrics.windows.v1"
ANOMALIES: Final = "metrics.anomalies.v1"
INCIDENTS: Final = "metrics.incidents.v1"
PLATFORM_ALERTS: Final = "platform.alerts.v1"
POSITIONS: Final = "platform.positions.v1"
POLICIES: Final = "governance.policies.v1"
TENANTS: Final = "governance.tenants.v1"
APPROVALS: Final = "governance.approvals.v1"
ACTIVATIONS: Final = "governance.activations.v1"
CONTROLS: Final = "governance.controls.v1"
ATTACK_PATTERNS: Final = "research.attack-patterns.v1"
PATTERN_HITS: Final = "research.pattern-hits.v1"
SUBJECTS: Final = "onboarding.subjects.v1"
STEP_UPS: Final = "onboarding.step-ups.v1"
LABEL_REQUESTS: Final = "onboarding.label-requests.v1"
DEVICE_PROOFS: Final = "onboarding.device-proofs.v1"
SHADOWS: Final = "biometrics.shadows.v1"
REDRIVES: Final = "ops.redrives.v1"
NOTIFICATIONS: Final = "ops.notifications.v1"
AUDIT_CHECKPOINTS: Final = "audit.checkpoints.v1"
ERASURES: Final = "privacy.erasures.v1"

DEAD_LETTER_RETENTION: Final = timedelta(days=30)
"""How long an operator has to look at a dead letter and redrive it; no longer, for it holds the original bytes."""

TOMBSTONES_KEPT: Final = timedelta(hours=24)
"""How long a compacted topic shows that a key is gone; whoever read it less long ago may go on where it was."""

# A dead letter is the original record plus headers that say why: it may be larger than its topic allows.
_HEADER_ALLOWANCE: Final = 65_536

# With CreateTime the broker judges by the record's own time: an old log would be deleted at once, and one from
# the future refused (by default, more than one hour ahead).
_REPLAYED: Final = {"retention.ms": "-1", "message.timestamp.after.max.ms": str(2**63 - 1)}

TimestampType = Literal["LogAppendTime", "CreateTime"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]*$", max_length=200)]
Process = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]


class InvalidManifest(ValueError):
    """A topic manifest cannot be used: stop at start-up; the message names file, key and what would be right."""


class TopicSpec(NamedTuple):
    """What Kafka needs to create a topic; `config` holds broker setting names and their values as text."""

    name: str
    partitions: int
    config: dict[str, str]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventVersions(_Part):
    """An event that a topic carries, and the schema versions that may be met on it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]
    versions: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class Manifest(_Part):
    """One topic. `retention` is an ISO 8601 duration; for compacted topics Kafka does not apply it."""

    name: Name
    description: Annotated[str, Field(min_length=1)]
    owner: Process
    key: Annotated[str, Field(min_length=1)]
    partitions: Annotated[int, Field(ge=1, le=1024)]
    co_partitioned_with: Name | None = None
    cleanup_policy: Literal["delete", "compact", "compact,delete"]
    retention: timedelta
    timestamp_type: TimestampType
    max_message_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)]
    segment_bytes: Annotated[int, Field(ge=1024 * 1024, le=1024 * 1024 * 1024)] | None = None
    """Only closed segments are compacted: a topic that is written all day and read whole has small ones."""
    segment_time: timedelta | None = None
    """After so long a segment that is written is closed, however small; a compacted topic says it."""
    max_compaction_lag: timedelta | None = None
    """The longest that a record which a later one replaced, or a tombstone, waits for compaction; likewise."""
    events: Annotated[tuple[EventVersions, ...], Field(min_length=1)]
    producers: Annotated[tuple[Process, ...], Field(min_length=1)]
    consumers: tuple[Process, ...]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    dead_letter: str | None

    @model_validator(mode="after")
    def _positive_retention(self) -> Self:
        if self.retention <= timedelta(0):
            msg = "retention must be longer than nothing, for example P7D"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _forgets(self) -> Self:
        said = (self.segment_time, self.max_compaction_lag)
        if "compact" in self.cleanup_policy and None in said:
            msg = "a compacted topic says segment_time and max_compaction_lag, or tombstones never take effect"
            raise ValueError(msg)
        if "compact" not in self.cleanup_policy and self.max_compaction_lag:
            msg = "max_compaction_lag is for compacted topics"
            raise ValueError(msg)
        if any(each is not None and each <= timedelta(0) for each in said):
            msg = "segment_time and max_compaction_lag must be longer than nothing, for example PT6H"
            raise ValueError(msg)
        return self

    def specs(self, timestamp_type: TimestampType | None = None) -> Iterator[TopicSpec]:
        """Yield the topic and, where it has one, its dead-letter topic, which has the same partitions."""
        kept_by_event_time = (timestamp_type or self.timestamp_type) == "CreateTime"
        config = {
            "cleanup.policy": self.cleanup_policy,
            "message.timestamp.type": timestamp_type or self.timestamp_type,
            "max.message.bytes": str(self.max_message_bytes),
            "retention.ms": _milliseconds(self.retention),
        }
        if self.segment_bytes:
            config["segment.bytes"] = str(self.segment_bytes)
        if self.segment_time:
            config["segment.ms"] = _milliseconds(self.segment_time)
        if self.max_compaction_lag:
            config["max.compaction.lag.ms"] = _milliseconds(self.max_compaction_lag)
        if "compact" in self.cleanup_policy:
            config["delete.retention.ms"] = _milliseconds(TOMBSTONES_KEPT)
        replayed = _REPLAYED if kept_by_event_time else {}
        yield TopicSpec(self.name, self.partitions, config | replayed)
        if self.dead_letter:
            changed = {
                "cleanup.policy": "delete",
                "max.message.bytes": str(self.max_message_bytes + _HEADER_ALLOWANCE),
                "retention.ms": _milliseconds(DEAD_LETTER_RETENTION),
            }
            yield TopicSpec(self.dead_letter, self.partitions, config | changed | replayed)


def dead_letter_topic(topic: str) -> str:
    """Return the name of a topic's dead-letter topic."""
    return f"{topic}.dlq"


def is_dead_letter_topic(topic: str) -> bool:
    """Return whether a topic is the dead-letter topic of another."""
    return topic.endswith(dead_letter_topic(""))


def load_manifests(directory: Path | None = None) -> dict[str, Manifest]:
    """Return every manifest by topic name, in the order of the names.

    `directory` None: the one that ships with the package. Raises `InvalidManifest`.
    """
    directory = directory or resources.schemas() / "topics"
    manifests = [_load(path) for path in sorted(directory.glob("*.yaml"))]
    return {manifest.name: manifest for manifest in manifests}


def kafka_specs(
    manifests: dict[str, Manifest] | None = None, timestamp_type: TimestampType | None = None
) -> Iterator[TopicSpec]:
    """Yield what to create: all topics with their dead-letter topics.

    `timestamp_type` overrides the manifests': a replay keeps the records' own time with "CreateTime".
    """
    for manifest in (load_manifests() if manifests is None else manifests).values():
        yield from manifest.specs(timestamp_type)


def _load(path: Path) -> Manifest:
    try:
        manifest = TypeAdapter(Manifest).validate_python(load_yaml(path))
    except InvalidYaml as error:
        raise InvalidManifest(str(error)) from error
    except ValidationError as error:
        findings = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'manifest'}: {re.sub('^Value error, ', '', e['msg'])}"
            for e in error.errors(include_url=False)
        )
        msg = f"{path}: {findings}"
        raise InvalidManifest(msg) from error
    if path.name != f"{manifest.name}.yaml":
        msg = f"{path}: name is {manifest.name}, so the file must be called {manifest.name}.yaml"
        raise InvalidManifest(msg)
    return manifest


def _milliseconds(duration: timedelta) -> str:
    return str(duration // timedelta(milliseconds=1))
