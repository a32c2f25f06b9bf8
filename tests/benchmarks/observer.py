"""An independent reader: `python -m tests.benchmarks.observer BOOTSTRAP COUNT WAIT_S FILE`.

Reads committed verdicts from the end of the topic and writes, for each event number, the monotonic second at which
its verdict was first seen (0: never) to FILE as doubles. Prints a line when it is ready, and one with what it saw:
`seen` different verdicts, `repeated` ones. Ends when it has seen COUNT, or nothing new for WAIT_S seconds.
"""

import json
import os
import sys
import time
from array import array
from pathlib import Path

from confluent_kafka import Consumer, Message, TopicPartition

from proofwatch.events.topics import VERDICTS
from tests.benchmarks.events import PARTITIONS, number_in


def main(bootstrap: str, count: int, wait_s: float, file: Path) -> None:
    """Take note of when each verdict becomes visible."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "benchmark-observer",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.min.bytes": 1,
        }
    )
    places = [TopicPartition(VERDICTS, partition) for partition in range(PARTITIONS)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    _say(ready=True)
    arrivals, seen, repeated, last = array("d", bytes(8 * count)), 0, 0, time.monotonic()
    while seen < count and time.monotonic() - last < wait_s:
        first = consumer.poll(0.5)
        if first is None:
            continue
        last = time.monotonic()
        messages: list[Message] = [first, *consumer.consume(500, 0)]  # without waiting for any more
        for message in messages:
            if message.error():
                raise SystemExit(str(message.error()))
            number = number_in(message.value() or b"")
            if arrivals[number]:
                repeated += 1
            else:
                arrivals[number] = last
                seen += 1
    consumer.close()
    file.write_bytes(arrivals.tobytes())
    _say(seen=seen, repeated=repeated)


def _say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
