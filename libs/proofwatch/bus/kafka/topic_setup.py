"""Topics on Kafka as they should be: missing ones are created, differences are reported and left alone."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from proofwatch.bus.kafka.security import PLAINTEXT, Security
from proofwatch.bus.kafka.topic_admin import admin_client
from proofwatch.bus.kafka.topic_plan import TopicSpec

_VISIBLE_S = 30.0
_POLL_S = 0.05
_BROKER_DEFAULT = -1


class Ensured(NamedTuple):
    """What `ensure_topics` did and found; `differences` are sentences for an operator."""

    created: tuple[str, ...]
    differences: tuple[str, ...]


async def ensure_topics(
    bootstrap: str,
    specs: Iterable[TopicSpec],
    *,
    replication_factor: int = _BROKER_DEFAULT,
    security: Security = PLAINTEXT,
) -> Ensured:
    """Create what is missing and report what differs; nothing that exists is changed.

    Partition counts least of all: a key would change its partition, and with it its order and its owner.
    Raises `BusUnavailable` with the address, or with what the broker said to a topic.
    """
    wanted = {spec.name: spec for spec in specs}
    async with admin_client(bootstrap, security) as admin:
        present = await _counts(admin)
        missing = [spec for name, spec in wanted.items() if name not in present]
        if missing:
            await _create(admin, missing, replication_factor)
        return Ensured(
            tuple(spec.name for spec in missing),
            tuple(await _differences(admin, [spec for name, spec in wanted.items() if name in present], present)),
        )


async def _counts(admin: Any) -> dict[str, int]:
    return {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}


async def _create(admin: Any, specs: list[TopicSpec], replication_factor: int) -> None:
    # the library takes the broker's default factor only together with an (empty) assignment of replicas
    assignments: dict[int, list[int]] | None = {} if replication_factor == _BROKER_DEFAULT else None
    topics = [
        NewTopic(spec.name, spec.partitions, replication_factor, assignments, dict(spec.config)) for spec in specs
    ]
    response = await admin.create_topics(topics)
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} was not created: {' '.join(str(each) for each in message)}")
    names = {spec.name for spec in specs}
    async with asyncio.timeout(_VISIBLE_S):
        # the controller answers before every broker has heard of them
        while not names <= (await _counts(admin)).keys():  # noqa: ASYNC110 - Kafka offers no event
            await asyncio.sleep(_POLL_S)


async def _differences(admin: Any, specs: list[TopicSpec], present: Mapping[str, int]) -> list[str]:
    found = [
        f"{spec.name} has {present[spec.name]} partitions, not {spec.partitions}"
        for spec in specs
        if present[spec.name] != spec.partitions
    ]
    if not specs:
        return found
    resources = [ConfigResource(ConfigResourceType.TOPIC, spec.name) for spec in specs]
    actual: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:
            actual[name] = {entry[0]: entry[1] for entry in entries}
    for spec in specs:
        for setting, value in sorted(spec.config.items()):
            now = actual.get(spec.name, {}).get(setting)
            if now != value:
                found.append(f"{spec.name} has {setting} = {now}, not {value}")
    return found
