"""What counting costs: combine, windows and the ledger, each in a process of its own, without a broker."""

import sys
from typing import Final, NamedTuple

from tests.benchmarks.contenders import run_child
from tests.benchmarks.context import Context, Result
from tests.benchmarks.counting_process import SEGMENTS
from tests.benchmarks.figures import summary


class Part(NamedTuple):
    """A row: what is counted, and how many a second there should be at least (None: it has no target)."""

    name: str
    label: str
    least: int | None


PARTS: Final = (
    Part("combine", f"combine, {len(SEGMENTS)} segment columns", 50_000),
    Part("windows", "windows, verdicts in its tallies", 20_000),
    Part("ledger", "ledger, verdicts", 20_000),
    Part("labels", "ledger, a label for each verdict", None),
)


def run(context: Context) -> Result:
    """Measure each part in turn, round by round."""
    rounds, count = context.rounds or context.pick(3, 1), context.pick(120_000, 20_000)
    found: dict[str, list[Result]] = {part.name: [] for part in PARTS}
    with context.steps("counting", rounds * len(PARTS)) as step:
        for _ in range(rounds):
            for part in PARTS:
                step(part.label)
                command = [sys.executable, "-m", "tests.benchmarks.counting_process", part.name, str(count)]
                found[part.name].append(run_child(command))
    return {"events": count, "rounds": rounds, "parts": [_row(part, found[part.name]) for part in PARTS]}


def _row(part: Part, runs: list[Result]) -> Result:
    rate = summary([each["events"] / each["seconds"] for each in runs])
    cost = summary([each["processor_seconds"] / each["events"] * 1e6 for each in runs])
    return {
        **part._asdict(),
        "rate": [round(each) for each in rate],
        "cost_us": [round(each, 2) for each in cost],
        "met": None if part.least is None else rate.median >= part.least,
    }
