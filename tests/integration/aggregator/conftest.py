"""A broker for processes of the aggregator."""

from collections.abc import Iterator

import pytest

from proofwatch.events import topics
from tests.support.kafka_broker import KafkaBroker
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    """A broker of its own, because services know their topics by fixed names; records keep the times they are given."""
    with Stack(lambda _: None) as stack:
        stack.kafka.create_topics(topics.kafka_specs(timestamp_type="CreateTime"))
        yield stack.kafka
