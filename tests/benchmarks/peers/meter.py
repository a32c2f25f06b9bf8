"""How every contender measures itself, the product's scorer included. Standard library only."""

import gc
import json
import os
import resource
import sys
import time
from typing import NamedTuple


class Job(NamedTuple):
    """What a contender is told on its command line."""

    bootstrap: str
    source: str
    target: str
    group: str
    events: int
    variant: str = ""


def job() -> Job:
    """Read the command line."""
    bootstrap, source, target, group, events, *variant = sys.argv[1:]
    return Job(bootstrap, source, target, group, int(events), *variant)


def tune_garbage_collector() -> None:
    """Collect cycles as rarely as the product does (`proofwatch.runtime.memory`), so that all have this advantage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Meter:
    """Wall clock and processor time from the first delivery of records to the end of the work.

    Connecting, joining the group and the first fetch are no part. A clock that started later, after a warm-up, would
    favour large batches: what is in hand then is worked on before and counted after.

    Processor time is that of the whole process: its threads (librdkafka has several) and the kernel's work for it.
    """

    def __init__(self, events: int) -> None:
        self.events = events
        self.done = 0
        self._start: tuple[float, float] | None = None

    def begin(self) -> None:
        """Start the clock, the first time: records have been delivered and nothing was done with them yet."""
        if self._start is None:
            self._start = (time.perf_counter(), processor_seconds())

    def add(self, count: int) -> bool:
        """Note that `count` more events were processed; return whether that is all of them."""
        self.done += count
        return self.done >= self.events

    def report(self, **more: object) -> None:
        """Print the measurement as one line of JSON; call it when outputs are acknowledged and offsets committed."""
        assert self._start is not None, "nothing was processed"
        wall, processor = self._start
        measured = {
            "events": self.done,
            "seconds": time.perf_counter() - wall,
            "processor_seconds": processor_seconds() - processor,
            **more,
        }
        os.write(1, json.dumps(measured).encode() + b"\n")


def processor_seconds() -> float:
    """Return the processor time that this process has used, user and system, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
