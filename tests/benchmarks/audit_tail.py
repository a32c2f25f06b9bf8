"""Checkpoints as they come out of the topic, to somebody who shares nothing with the auditor."""

import json
import threading
import time
from bisect import bisect_right
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, TopicPartition

_POLL_S: Final = 0.05


class CheckpointTail:
    """Notes when each size of the log was first seen on the topic's one partition; times are monotonic seconds."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "benchmark-checkpoints",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.min.bytes": 1,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self._sizes: list[int] = []
        self._times: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    @property
    def count(self) -> int:
        """How many checkpoints there were."""
        return len(self._sizes)

    def left_at(self, place: int) -> float:
        """Return when the first checkpoint that has the entry of this place was seen. Raises `IndexError`: not yet."""
        return self._times[bisect_right(self._sizes, place)]

    def until(self, size: int, within_s: float) -> None:
        """Wait for a checkpoint of so many entries. Raises `TimeoutError`."""
        give_up = time.monotonic() + within_s
        while not self._sizes or self._sizes[-1] < size:
            if time.monotonic() > give_up:
                raise TimeoutError(f"no checkpoint of {size} entries within {within_s:g} s")
            time.sleep(_POLL_S)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(_POLL_S)
            if message is None or message.error():
                continue
            now, size = time.monotonic(), json.loads(message.value() or b"{}")["size"]
            if not self._sizes or size > self._sizes[-1]:
                self._sizes.append(size)
                self._times.append(now)
