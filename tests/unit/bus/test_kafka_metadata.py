"""How committed offsets are read from the client library's answers."""

from typing import Any

import pytest
from aiokafka import TopicPartition as Place
from aiokafka.structs import OffsetAndMetadata

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.client import Connection, Metadata


class Admin:
    """Answers as the library does."""

    def __init__(self, answer: dict[Any, Any]) -> None:
        self.answer = answer

    async def list_consumer_group_offsets(self, group: str, partitions: list[Any]) -> dict[Any, Any]:
        return self.answer


def metadata(answer: dict[int, int]) -> Metadata:
    made = Metadata(Connection("127.0.0.1:1", "test"))
    made._admin = Admin({Place("in", p): OffsetAndMetadata(offset, "") for p, offset in answer.items()})
    return made


async def test_a_partition_without_an_offset_is_left_out() -> None:
    """Minus one is the broker's word for: nothing was committed."""
    assert await metadata({0: 5, 1: -1}).committed("g", "in", [0, 1]) == {0: 5}


async def test_a_coordinator_that_is_still_loading_is_not_taken_for_an_empty_group() -> None:
    """Its answer names no partition at all; to begin anew then would publish everything twice."""
    with pytest.raises(BusUnavailable, match="coordinator of group 'g'"):
        await metadata({}).committed("g", "in", [0])
