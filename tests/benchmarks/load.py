"""An open-loop generator: `python -m tests.benchmarks.load BOOTSTRAP EVENTS RATE`.

Event i is due RATE⁻¹ · i seconds after the start, whatever the system under test does; a late send counts as latency.
Prints one line of JSON when it has started (`start`: monotonic seconds) and one when all was acknowledged (`late_ms`:
how late the generator itself was, as quantiles over its ticks).
"""

import json
import os
import sys
import time
from itertools import islice
from typing import Final

from confluent_kafka import Producer

from proofwatch.events.topics import TRANSACTIONS
from tests.benchmarks.events import events, start_for
from tests.benchmarks.figures import quantile

_TICK_S: Final = 0.0005  # an event is sent at most so late, if the machine allows
_NAP_S: Final = 0.05
_AHEAD_S: Final = 0.5


def main(bootstrap: str, count: int, rate: float) -> None:
    """Send `count` events at `rate` a second."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 5,  # the default of Kafka's clients; without it the broker is busy with single events
            "queue.buffering.max.messages": 1_000_000,
            "acks": 1,
        }
    )
    source, late = events(0, count, start_for(count)), []
    sent, start = 0, time.monotonic() + _AHEAD_S
    _say(start=start)
    while sent < count:
        now = time.monotonic()
        due = min(count, int((now - start) * rate) + 1) if now >= start else 0
        if due > sent:
            late.append(now - start - sent / rate)
            for event in islice(source, due - sent):
                producer.produce(TRANSACTIONS, event.value, event.key, event.partition)
            sent = due
            producer.poll(0)
        time.sleep(max(_TICK_S, min(start + sent / rate - time.monotonic(), _NAP_S)))
    left = producer.flush(60)
    assert left == 0, f"{left} events were not acknowledged"
    late.sort()
    _say(late_ms={str(share): round(quantile(late, share) * 1000, 3) for share in (0.5, 0.99, 1.0)})


def _say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
