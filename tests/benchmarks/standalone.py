"""How many transactions a second go through all eight stages in one: the traffic of the demo."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

from proofwatch.bus.records import Outgoing
from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.policy import load_policy
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from services.standalone.runner import Run, carry_out
from tests.benchmarks.contenders import run_child
from tests.benchmarks.context import Context, Result

TARGET = 15_000
_PERSONAL = ("sex", "age_band", "country")


def run(context: Context) -> Result:
    """Measure simulated days of several densities, a process each: the denser, the fewer windows a transaction."""
    sizes = (20_000,) if context.quick else (50_000, 500_000, 1_000_000)
    with context.steps("standalone", len(sizes)) as step:
        rows = []
        for size in sizes:
            step(f"a day of {size:,} transactions")
            rows.append(run_child([sys.executable, "-m", "tests.benchmarks.standalone", str(size)]))
    first = rows[0]
    return {"days": rows, "target": {"events": first["events"], "rate": TARGET, "met": first["rate"] >= TARGET}}


def day(events: int, out: Path) -> Result:
    """Process one simulated day; its records are made before the clock starts."""
    scenario = Scenario(events=events)
    records = list(simulate(scenario))
    size = 5_000 if events < 100_000 else 20_000

    def chunks() -> Iterator[Sequence[Outgoing]]:
        return (records[at : at + size] for at in range(0, len(records), size))

    start_ms = round(scenario.start.timestamp() * 1000)
    wanted = Run("benchmark", load_policy(), chunks, events, start_ms, out, True, UTC_CALENDAR, _PERSONAL)
    began = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        summary = runner.run(carry_out(wanted))
    used_s = time.process_time() - began
    assert summary["conservation"]["holds"], "transactions were lost"
    assert summary["conservation"]["consumed"] == events, "not every transaction was consumed"
    measured = summary["run"]
    return {"events": events, "rate": measured["events_per_second"], "cost_us": round(used_s / events * 1e6, 1)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        line = json.dumps(day(int(sys.argv[1]), Path(scratch)))
    sys.stdout.write(f"\n{line}\n")
