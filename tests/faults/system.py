"""What is under test: processes of one group, what they stand on, and what their output must be."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from tests.faults.broker import Feeder, Seen
from tests.faults.judge import Order
from tests.support.kafka_broker import KafkaBroker
from tests.support.processes import ServiceProcess
from tests.support.redis_server import RedisServer


@dataclass(frozen=True)
class System:
    """What is under test, and what its output must be.

    `member` makes a process that is not started yet, from a number that it is known by. `wanted` tells from the number
    of records sent what must be in the target, and `scope` what keeps a record of the target in order.
    """

    broker: KafkaBroker
    group: str
    source: str
    target: str
    partitions: int
    member: Callable[[int], ServiceProcess]
    feed: Callable[[], Feeder]
    wanted: Callable[[int], Order]
    scope: Callable[[Seen], Hashable]
    redis: RedisServer | None = None
    fenced: bool = True
