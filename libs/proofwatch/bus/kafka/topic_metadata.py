"""Asking Kafka what a topic is now: its partitions and its identifier, which the client library does not ask for.

Metadata request and response in version 10 (KIP-516: topic identifiers; brokers since 2.8).
"""

import base64
from collections.abc import Iterable
from typing import Any, Final

from aiokafka.errors import for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from proofwatch.bus.records import Topic

_UNKNOWN_TOPIC: Final = 3
_NO_ID: Final = bytes(16)
_TEXT: Final = CompactString("utf-8")


class _Uuid(AbstractType):  # type: ignore[misc]  # the library ships no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: Any) -> bytes:
        return bytes(data.read(16))


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest_v10(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as the library names versions
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicsRequest(Request[_MetadataRequest_v10]):  # type: ignore[misc]
    """Asks for topics by name, and creates none where the broker creates topics by itself."""

    API_KEY = 3

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def build(self, request_struct_class: type[_MetadataRequest_v10]) -> _MetadataRequest_v10:
        """Return the request on the wire."""
        return request_struct_class([(_NO_ID, name, {}) for name in self._names], False, False, False, {})


def topics_of(response: Any) -> dict[str, Topic | None]:
    """Return what the response says of each topic; None: it does not exist. Raises the library's errors."""
    found: dict[str, Topic | None] = {}
    for code, name, topic_id, _, partitions, *_ in response.topics:
        if code == _UNKNOWN_TOPIC:
            found[name] = None
        elif code:
            raise for_code(code)(f"topic {name}")
        else:
            found[name] = Topic(len(partitions), None if topic_id == _NO_ID else _shown(topic_id))
    return found


def _shown(topic_id: bytes) -> str:
    """Return the identifier as Kafka's own tools show it."""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
