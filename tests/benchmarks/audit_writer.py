"""Who acts: `python -m tests.benchmarks.audit_writer DSN RATE WARM_S SECONDS FILE`.

Enters RATE acts a second, act i when it is due; RATE 0: as many as it can. Each is a transaction of its own, on one of
a few connections. Prints a line when it begins and one when it has ended (`appends` all, `counted` after the warm-up,
in `seconds`), and writes a line for each act to FILE: its id, the monotonic second of its commit, whether it counts.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg

from proofwatch.audit.entry import SALT_BYTES, Actor, Entry, Object, entry
from proofwatch.audit.pending import enter
from tests.benchmarks.figures import quantile

CONNECTIONS: Final = 16


class Writer:
    """Acts on its connections, as fast as they answer or as they are due."""

    def __init__(self, rate: int, warm_s: float, seconds: float) -> None:
        self._rate, self._numbers = rate, count()
        self._begin = time.monotonic() + 0.2
        self._counts_from = self._begin + warm_s
        self._end = self._counts_from + seconds
        self.appends: list[tuple[str, float, bool]] = []
        self.late: list[float] = []

    async def run(self, connection: "asyncpg.Connection") -> None:
        """Enter acts until the end."""
        for number in self._numbers:
            due = self._begin + number / self._rate if self._rate else time.monotonic()
            if due >= self._end:
                return
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.late.append(max(0.0, time.monotonic() - due))
            entry_id = f"act-{number}"
            await enter(connection, _act(entry_id))
            now = time.monotonic()
            self.appends.append((entry_id, now, due >= self._counts_from))

    def told(self, seconds: float) -> dict[str, float]:
        """Return what is printed at the end."""
        counted = sum(1 for _, at, counts in self.appends if counts and at <= self._end)
        late = round(quantile(sorted(self.late), 0.99) * 1000, 1)
        return {"appends": len(self.appends), "counted": counted, "seconds": seconds, "late_p99_ms": late}

    def lines(self) -> Iterator[str]:
        """Return the file's lines."""
        return (f"{entry_id} {at} {int(counts)}\n" for entry_id, at, counts in self.appends)


def _act(entry_id: str) -> Entry:
    objects = (Object("case", "5f0c6c70-5b0e-5a3e-9f0e-000000000001"), Object("lease", entry_id))
    at, salt = datetime.now(UTC), secrets.token_bytes(SALT_BYTES)
    who = Actor("person", "0f2bb6a4-8a56-4b9c-9d57-4f1c3a6f2d10")
    reason, details = "the selfie was flagged by device velocity", {"act": "lease"}
    return entry(who, "imagery.lease", entry_id, at, salt, objects=objects, tenant="kestrel-telecom",
                 reason=reason, details=details, outcome="granted")  # fmt: skip


async def act(dsn: str, rate: int, warm_s: float, seconds: float) -> Writer:
    """Act, and return what was done."""
    connections = [await asyncpg.connect(dsn) for _ in range(CONNECTIONS)]
    _say(ready=True)
    writer = Writer(rate, warm_s, seconds)
    async with asyncio.TaskGroup() as group:
        for each in connections:
            group.create_task(writer.run(each))
    for each in connections:
        await each.close()
    return writer


def main(dsn: str, rate: int, warm_s: float, seconds: float, file: Path) -> None:
    """Act, and tell."""
    done = asyncio.run(act(dsn, rate, warm_s, seconds))
    file.write_text("".join(done.lines()))
    _say(**done.told(seconds))


def _say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5]))
