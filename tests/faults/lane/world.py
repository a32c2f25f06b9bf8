"""Workers that copy one topic to another, each output a function of its input's partition, offset and value."""

import itertools
import sys
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.faults.broker import Feeder, Seen, Sent, read_committed
from tests.faults.judge import Order
from tests.faults.system import System
from tests.support.kafka_broker import KafkaBroker
from tests.support.processes import ServiceProcess

PARTITIONS: Final = 6
RATE: Final = 1_500
_WORKER: Final = Path(__file__).with_name("worker.py")


def lane(broker: KafkaBroker, directory: Path, *, fenced: bool = True, hold_s: float = 0.1) -> System:
    """Return the system on topics of its own. `hold_s`: for how many seconds each transaction stays open."""
    run = uuid4().hex[:8]
    source, target = (broker.create_topic(f"fault-{name}-{run}", PARTITIONS) for name in ("in", "out"))
    env = {
        "BOOTSTRAP": broker.bootstrap,
        "GROUP": f"fault-{run}",
        "SOURCE": source,
        "TARGET": target,
        "HOLD": f"{hold_s}",
        "UNFENCED": "" if fenced else "1",
    }
    logs = directory / run
    logs.mkdir()
    return System(
        broker=broker,
        group=env["GROUP"],
        source=source,
        target=target,
        partitions=PARTITIONS,
        member=lambda number: ServiceProcess(
            "worker", env, logs, number=number, program=[sys.executable, str(_WORKER)]
        ),
        feed=lambda: Feeder(broker.bootstrap, source, _records(), RATE),
        wanted=lambda sent: _wanted(broker, source, sent),
        scope=_partition,
        fenced=fenced,
    )


def _records() -> Iterator[Sent]:
    for number in itertools.count():
        yield Sent(b"k%d" % (number % 97), b"%d" % number, number % PARTITIONS)


def _wanted(broker: KafkaBroker, source: str, sent: int) -> Order:
    """Return what the workers make of the input as it lies in the log."""
    wanted: dict[Hashable, list[bytes]] = {}
    for partition, offset, _, value in read_committed(broker.bootstrap, source, PARTITIONS):
        wanted.setdefault(partition, []).append(b"%d %d %s" % (partition, offset, value))
    assert sum(map(len, wanted.values())) == sent, "the input is not what was sent"
    return wanted


def _partition(record: Seen) -> int:
    return record.partition
