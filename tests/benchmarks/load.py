"""An open-loop generator: `python -m tests.benchmarks.load BOOTSTRAP EVENTS RATE`.

Event i is due RATE⁻¹ · i seconds after the start, whatever the system under test does; a late send counts as latency.
Prints one line of JSON when it has started (`start`: monotonic seconds) and one when all was acknowledged (`sent`, and
`late_ms`: how late the generator itself was, as quantiles over its ticks). SIGTERM ends the sending early.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from confluent_kafka import Producer

from proofwatch.events.topics import TRANSACTIONS
from tests.benchmarks.events import Event, events, scores_of, start_for
from tests.benchmarks.figures import quantile

_TICK_S: Final = 0.0005  # an event is sent at most so late, if the machine allows
_NAP_S: Final = 0.05
_AHEAD_S: Final = 0.5


def send(bootstrap: str, count: int, rate: float, source: Callable[[datetime], Iterator[Event]]) -> None:
    """Send `count` events at `rate` a second; `source` is given when the first one is due."""
    scores_of(0)  # made on first use, for half a second
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _frame: told.append(signum))
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2",  # for events that name no partition; what every Java client does
            "linger.ms": 5,  # the default of Kafka's clients; without it the broker is busy with single events
            "queue.buffering.max.messages": 1_000_000,
            "acks": 1,
        }
    )
    late: list[float] = []
    sent, start = 0, time.monotonic() + _AHEAD_S
    made = source(datetime.now(UTC) + timedelta(seconds=_AHEAD_S))
    _say(start=start)
    while sent < count and not told:
        now = time.monotonic()
        due = min(count, int((now - start) * rate) + 1) if now >= start else 0
        if due > sent:
            late.append(now - start - sent / rate)
            for event in islice(made, due - sent):
                _produce(producer, event)
            sent = due
            producer.poll(0)
        time.sleep(max(_TICK_S, min(start + sent / rate - time.monotonic(), _NAP_S)))
    left = producer.flush(60)
    assert left == 0, f"{left} events were not acknowledged"
    late.sort()
    shares = (0.5, 0.99, 1.0) if late else ()
    _say(sent=sent, late_ms={str(share): round(quantile(late, share) * 1000, 3) for share in shares})


def _produce(producer: Producer, event: Event) -> None:
    while True:
        try:
            producer.produce(TRANSACTIONS, event.value, event.key, event.partition)
        except BufferError:  # the broker takes nothing; the events after this one are late
            producer.poll(0.1)
        else:
            return


def _say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def main(bootstrap: str, count: int, rate: float) -> None:
    """Send the events that every contender gets."""
    send(bootstrap, count, rate, lambda _first_due: events(0, count, start_for(count)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
