"""What an operator may do to topics that exist: change their settings, give them more partitions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest, DescribeGroupsRequest_v2

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.client import Connection, end
from proofwatch.bus.kafka.security import PLAINTEXT, Security
from proofwatch.bus.kafka.topic_plan import Count, Present, Setting
from proofwatch.bus.wording import plain

_VISIBLE_S: Final = 30.0
_POLL_S: Final = 0.05
_NAME, _MEMBERS = 1, 5  # of what is described of a group
_OWN: Final = 1  # DYNAMIC_TOPIC_CONFIG: given to the topic itself


class TopicAdmin:
    """An admin client that is connected; made by `topic_admin`."""

    def __init__(self, admin: Any) -> None:
        self._admin = admin

    async def present(self, names: Iterable[str]) -> dict[str, Present]:
        """Return those of the topics that exist, as they are."""
        counts = {each["topic"]: len(each["partitions"]) for each in await self._admin.describe_topics()}
        there = [name for name in names if name in counts]
        found: dict[str, Present] = {}
        for response in await self._admin.describe_configs([_topic(name) for name in there]) if there else ():
            for _, _, _, name, entries in response.resources:
                config = {entry[0]: entry[1] for entry in entries}
                own = {entry[0]: entry[1] for entry in entries if entry[3] == _OWN}
                found[name] = Present(counts[name], config, own)
        return found

    async def alter(self, settings: Iterable[Setting], present: Mapping[str, Present]) -> None:
        """Change the settings; what else was given to a topic stays (the request replaces all that it has)."""
        wanted: dict[str, dict[str, str]] = {}
        for each in settings:
            wanted.setdefault(each.topic, dict(present[each.topic].own))[each.name] = each.wanted
        response = await self._admin.alter_configs([_topic(name, config) for name, config in wanted.items()])
        for each in response if isinstance(response, list) else [response]:
            for code, message, _, name in each.resources:
                if code:
                    raise for_code(code)(f"settings of {name} were not changed: {message}")
        await self._until(
            wanted, lambda now: all(now[name].config.items() >= config.items() for name, config in wanted.items())
        )

    async def widen(self, counts: Sequence[Count]) -> None:
        """Give the topics more partitions. It cannot be undone."""
        response = await self._admin.create_partitions({each.topic: NewPartitions(each.wanted) for each in counts})
        for name, code, message in response.topic_errors:
            if code:
                raise for_code(code)(f"{name} did not get more partitions: {message}")
        names = [each.topic for each in counts]
        await self._until(names, lambda now: all(now[each.topic].partitions == each.wanted for each in counts))

    async def _until(self, names: Iterable[str], shown: Callable[[Mapping[str, Present]], bool]) -> None:
        """Wait: the controller answers before every broker has heard of a change."""
        async with asyncio.timeout(_VISIBLE_S):
            while not shown(await self.present(names)):  # noqa: ASYNC110 - Kafka offers no event
                await asyncio.sleep(_POLL_S)

    async def members(self, groups: Iterable[str]) -> list[str]:
        """Return those of the groups that have members now."""
        busy = []
        for group in groups:
            coordinator = await self._admin.find_coordinator(group)
            response = await self._admin._send_request(_DescribeGroup(group), coordinator)
            busy += [described[_NAME] for described in response.groups if described[_MEMBERS]]
        return sorted(busy)


class _DescribeGroup(DescribeGroupsRequest):  # type: ignore[misc]  # the library has no types
    """The library takes the answer to version 3 for one of version 2, and cannot read it; so version 2 is asked for."""

    def __init__(self, group: str) -> None:
        super().__init__([group])

    def build(self, request_struct_class: Any) -> Any:
        """Return what is sent."""
        return DescribeGroupsRequest_v2(self._groups)


@asynccontextmanager
async def topic_admin(bootstrap: str, security: Security = PLAINTEXT) -> AsyncIterator[TopicAdmin]:
    """Connect for a while. Raises `BusUnavailable` with the address, or with what the broker said."""
    async with admin_client(bootstrap, security) as admin:
        yield TopicAdmin(admin)


@asynccontextmanager
async def admin_client(bootstrap: str, security: Security) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect the library's client for a while. Raises `BusUnavailable` with the address, or what the broker said."""
    connection = Connection(bootstrap, "proofwatch-topics", security=security)
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            raise await connection.away(error) from error
        yield admin
    except (KafkaError, OSError) as error:
        raise BusUnavailable(f"Kafka at {bootstrap}: {type(error).__name__}: {plain(error)}") from error
    finally:
        await end(admin.close())


def _topic(name: str, config: dict[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, config)
