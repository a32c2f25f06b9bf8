"""How fast two policies judge a JSON Lines file: `python -m tests.benchmarks.backtest [--events N]`."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from proofwatch.events import topics
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate
from services.scorer.backtest.files import open_file
from services.scorer.backtest.play import play


def main() -> None:
    """Write a simulated day, judge it, and print transactions a second by the clock and by CPU time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    events = parser.parse_args().events
    old = load_policy()
    new = old.with_thresholds(0.87, 0.99)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.jsonl" for name in (topics.TRANSACTIONS, topics.LABELS)}
        files = {name: path.open("wb") for name, path in paths.items()}
        for record in simulate(Scenario(events=events, seed=7)):
            files[record.topic].write((record.value or b"") + b"\n")
        for file in files.values():
            file.close()
        tune_garbage_collector()
        wall, cpu = time.perf_counter(), time.process_time()
        source = open_file(paths[topics.TRANSACTIONS], old, new, labels=paths[topics.LABELS])
        result = asyncio.run(play(source, old, new)).result
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(
        f"{result.read:,} transactions, {result.labelled:,} labelled, {result.total.changed:,} changed: "
        f"{result.read / wall:,.0f}/s by the clock, {result.read / cpu:,.0f}/s of CPU time\n"
    )


if __name__ == "__main__":
    main()
