"""Counting beside others in one run: everyone reads the same topic of verdicts, one process each, round by round."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from proofwatch.events.codec import TALLY
from proofwatch.events.topics import TALLIES, VERDICTS
from proofwatch.runtime.migrations import migrate
from tests.benchmarks.contenders import Failed, run_child
from tests.benchmarks.context import Context, Result
from tests.benchmarks.counting_process import SEGMENTS, verdicts_of
from tests.benchmarks.events import PARTITIONS
from tests.benchmarks.figures import rounded, summary
from tests.benchmarks.peer_venv import peer_python
from tests.benchmarks.peers.counts import TABLE, WHOLE
from tests.benchmarks.world import COPIES, PEER_GROUPS, World

_PER_MINUTE: Final = 30_000
"""Verdicts of three tenants in a minute of event time; the first occurs at its beginning."""
_AT_ONCE: Final = 30_000

Sums = Mapping[str, int]
"""How many verdicts were counted, by segment name; `WHOLE`: by tenant alone."""


class Contender(NamedTuple):
    """One row. `share`: which part of the verdicts it gets; slow ones get fewer, or the run would take an hour."""

    name: str
    label: str
    how: str
    share: float = 1.0
    module: str = ""
    own_packages: bool = False


CONTENDERS: Final = (
    Contender("aiokafka", "aiokafka pass-through", "counts nothing", module="aiokafka_copy"),
    Contender("combine", "combine", "counts, outcomes, sketches; tallies"),
    Contender("windows", "combine and windows in one process", "the same, in PostgreSQL and as windows"),
    Contender("quix", "Quix Streams tumbling window", "counts; RocksDB", 0.4, "quix_window", own_packages=True),
    Contender("faust", "Faust windowed table", "counts; in memory", 0.03, "faust_table"),
)
# (contender, compared with, at least so many times as fast)
_TARGETS: Final = (("combine", "quix", 5.0), ("combine", "faust", 30.0))
_BESIDE: Final = (("windows", "quix"), ("windows", "faust"), ("combine", "aiokafka"))
"""Comparisons that have no target."""


class Measured(NamedTuple):
    """One run of one contender."""

    events: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Events per second of wall clock."""
        return self.events / self.seconds


def compare(context: Context, rounds: int, step: Callable[[str], None]) -> Result:
    """Run every contender in every round; one that fails, or counts wrongly, is reported, not hidden."""
    count = context.pick(8, 2) * _PER_MINUTE
    measured: dict[str, list[Measured]] = {each.name: [] for each in CONTENDERS}
    failures: dict[str, str] = {}
    step("writing verdicts")
    context.world.fill_verdicts(_verdicts(count))
    for number in range(rounds):
        for each in CONTENDERS:
            step(f"round {number + 1}: {each.label}")
            try:
                measured[each.name].append(_once(context.world, each, int(count * each.share)))
            except Failed as error:
                failures[each.name] = str(error)
    return {
        "events": count,
        "per_minute": _PER_MINUTE,
        "rows": [_row(each, measured[each.name], failures.get(each.name), count) for each in CONTENDERS],
        "ratios": [ratio(measured, *of) for of in (*_TARGETS, *((mine, other, None) for mine, other in _BESIDE))],
    }


def steps(rounds: int) -> int:
    """Return how many steps `compare` takes."""
    return 1 + rounds * len(CONTENDERS)


def _verdicts(count: int) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield keys, values, partitions and times; keyed by tenant, for nobody else can count by it where they lie."""
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
    rate = _PER_MINUTE / 60
    for first in range(0, count, _AT_ONCE):
        some = verdicts_of(min(_AT_ONCE, count - first), begin + timedelta(seconds=first / rate), rate)
        for number, record in enumerate(some, first):
            assert record.key is not None
            assert record.value is not None
            tenant, _ = record.key.split(b"/")
            yield tenant, record.value, number % PARTITIONS, record.timestamp_ms


def _once(world: World, contender: Contender, count: int) -> Measured:
    world.fresh(keep=(VERDICTS,))
    found: Sums
    if contender.module:
        python = peer_python() if contender.own_packages else Path(sys.executable)
        group = f"{PEER_GROUPS}{uuid4().hex[:8]}"
        module = f"tests.benchmarks.peers.{contender.module}"
        arguments = [world.bootstrap, VERDICTS, COPIES, group, str(count)]
        measured = run_child([str(python), "-m", module, *arguments])
        found = _SUMS[contender.name](world, group)
    else:
        measured = _product(world, contender.name, count)
        found = _tallied(world)
    check(contender, found, count)
    return Measured(measured["events"], measured["seconds"], measured["processor_seconds"])


def _product(world: World, kind: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.counter_process", kind, world.bootstrap, str(count)]
    if kind == "combine":
        return run_child(command)
    dsn = world.stack.postgres.create_database()
    try:
        asyncio.run(migrate(dsn))
        return run_child([*command, dsn])
    finally:
        world.stack.postgres.drop_database(dsn)


def check(contender: Contender, found: Sums, count: int) -> None:
    """Raise `Failed` unless every verdict was counted, once for its tenant and once for each segment."""
    if contender.name == "aiokafka":
        return  # it counts nothing
    least = (count - 1) // _PER_MINUTE * _PER_MINUTE if contender.name == "quix" else count
    names = (WHOLE, *SEGMENTS)
    # what reads whole batches may have read more than it was to
    wrong = [name for name in names if not least <= found.get(name, 0) or found[name] != found[WHOLE]]
    if wrong:
        raise Failed(f"{contender.label}: counted {dict(found)}, not {count}")


def _copied(world: World, _group: str) -> Sums:
    return {}


def _tallied(world: World) -> Sums:
    sums = Counter[str]()
    for value in world.read(TALLIES):
        for cell in TALLY.decode(value).cells:
            sums[cell.segment_name or WHOLE] += cell.counts["transactions"]
    return sums


def _closed(world: World, _group: str) -> Sums:
    """Return what Quix published: the windows that have closed, all but the last."""
    sums = Counter[str]()
    for value in world.read(COPIES):
        for name, n in json.loads(value)["value"].items():
            sums[name.partition("=")[0]] += n
    return sums


def _in_table(world: World, group: str) -> Sums:
    """Return what the changelog of Faust's table says last of each key, in whichever partition: counts only grow."""
    last = Counter[bytes]()
    for key, value in world.pairs(f"{group}-{TABLE}-changelog"):
        last[key] = max(last[key], int(json.loads(value)))
    sums = Counter[str]()
    for key, n in last.items():
        name = json.loads(key)[0].partition("/")[2]
        sums[name.partition("=")[0]] += n
    return sums


_SUMS: Final = {"aiokafka": _copied, "quix": _closed, "faust": _in_table}


def _row(contender: Contender, mine: Sequence[Measured], failure: str | None, count: int) -> Result:
    row = {
        "name": contender.name,
        "label": contender.label,
        "how": contender.how,
        "events": int(count * contender.share),
    }
    if failure or not mine:
        return {**row, "failure": failure}
    cost = summary([each.processor_seconds / each.events * 1e6 for each in mine])
    return {**row, "rate": rounded(summary([each.rate for each in mine]), 0), "cost_us": rounded(cost, 2)}


def ratio(measured: Mapping[str, list[Measured]], name: str, other: str, least: float | None) -> Result:
    """Return how many times as fast `name` was, round by round, and whether that is enough; None: not measured."""
    mine, its = measured[name], measured[other]
    row: Result = {"name": name, "against": other, "least": least}
    if not mine or len(mine) != len(its):
        return {**row, "ratio": None, "met": False}
    found = summary([each.rate / rival.rate for each, rival in zip(mine, its, strict=True)])
    return {**row, "ratio": rounded(found, 2), "met": None if least is None else found.median >= least}
