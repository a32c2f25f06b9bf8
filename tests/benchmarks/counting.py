"""What counting costs: each part in a process of its own without a broker, and beside others on Kafka."""

import sys
from typing import Final, NamedTuple

from tests.benchmarks import counting_peers
from tests.benchmarks.contenders import run_child
from tests.benchmarks.context import Context, Result
from tests.benchmarks.counting_process import SEGMENTS
from tests.benchmarks.figures import rounded, summary


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
_MONTH_TENANTS: Final = 100
_MONTH_S: Final = 2.0


def run(context: Context) -> Result:
    """Measure each part in turn, round by round."""
    rounds, count = context.rounds or context.pick(3, 1), context.pick(120_000, 20_000)
    found: dict[str, list[Result]] = {part.name: [] for part in PARTS}
    with context.steps("counting", rounds * len(PARTS) + counting_peers.steps(rounds) + 1) as step:
        for _ in range(rounds):
            for part in PARTS:
                step(part.label)
                command = [sys.executable, "-m", "tests.benchmarks.counting_process", part.name, str(count)]
                found[part.name].append(run_child(command))
        beside = counting_peers.compare(context, rounds, step)
        step(f"a month of {_MONTH_TENANTS} tenants")
        month = _month(context.pick(_MONTH_TENANTS, 5), context.pick(30, 3), rounds)
    parts = [_row(part, found[part.name]) for part in PARTS]
    return {"events": count, "rounds": rounds, "parts": parts, "beside": beside, "month": month}


def _month(tenants: int, days: int, rounds: int) -> Result:
    command = [sys.executable, "-m", "tests.benchmarks.counting_month", str(tenants), str(days), str(rounds)]
    measured = run_child(command)
    seconds = summary(measured["seconds"])
    return {
        "tenants": tenants,
        "days": days,
        "windows": measured["windows"],
        "read": measured["read"],
        "seconds": rounded(seconds, 3),
        "processor_seconds": rounded(summary(measured["processor_seconds"]), 3),
        "at_most": _MONTH_S,
        "met": seconds.median <= _MONTH_S,
    }


def _row(part: Part, runs: list[Result]) -> Result:
    rate = summary([each["events"] / each["seconds"] for each in runs])
    cost = summary([each["processor_seconds"] / each["events"] * 1e6 for each in runs])
    return {
        **part._asdict(),
        "rate": [round(each) for each in rate],
        "cost_us": [round(each, 2) for each in cost],
        "met": None if part.least is None else rate.median >= part.least,
    }
