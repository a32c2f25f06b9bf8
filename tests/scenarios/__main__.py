"""Play scenarios against the detection code, print what came of them, keep it as JSON, and render the dated page.

python -m tests.scenarios                          # all of them
python -m tests.scenarios --only doubled fail_open  # some of them; the other results of the day stay
python -m tests.scenarios --quick                  # all, small: to see that they run (under a minute)
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress
from rich.table import Table

from proofwatch.runtime.terminal import Terminal
from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.scenarios.figures import Met, figures, judged
from tests.scenarios.page import write_page
from tests.scenarios.play import Bench
from tests.scenarios.results import keep
from tests.scenarios.words import shown

_DOCS: Final = Path("docs")
_QUICK: Final = Path("out") / "scenarios"


def main(arguments: Sequence[str]) -> int:
    """Return 0 when every target is met or known not to be, else 1."""
    options = _options(arguments)
    chosen = [each for each in SCENARIOS if not options.only or each.name in options.only]
    home = options.out or (_QUICK if options.quick else _DOCS)
    date = options.date or datetime.now(UTC).date().isoformat()
    terminal, failed = Terminal(), False
    with Progress(console=Terminal(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        bench = Bench(options.seed, lambda number: progress.advance(task, number), quick=options.quick)
        for scenario in chosen:
            progress.reset(task, description=scenario.name, total=bench.watched_days(scenario))
            found = figures(list(bench.play(scenario)), planted=scenario.plant is not None)
            met = judged(scenario, found)
            kept = {"seed": options.seed, "quick": options.quick, **found}
            page = write_page(keep(home, date, scenario.name, kept))
            terminal.print(_table(scenario, met, found))
            failed |= any(not each.passes and not each.target.known for each in met)
    terminal.print(f"page: {page}")
    return int(failed)


def _table(scenario: Scenario, met: Sequence[Met], found: dict[str, Any]) -> Table:
    table = Table("figure", "value", "target", "", title=f"{scenario.name}: {scenario.what}", title_justify="left")
    targets = {each.target.figure: each for each in met}
    for name, value in found.items():
        if isinstance(value, list):
            continue
        target = targets.get(name)
        limit = f"{'≤' if target.target.at == 'most' else '≥'} {shown(name, target.target.limit)}" if target else ""
        table.add_row(name, shown(name, value), limit, target.word if target else "")
    return table


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    names = [each.name for each in SCENARIOS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios",
        description="Simulated traffic through the detection code, held against what was planted in it.",
        epilog='example: make scenarios ARGS="--only doubled fail_open --seed 7"',
    )
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}; all")
    parser.add_argument(
        "--seed", type=int, default=7, metavar="S", help="the same seed, the same figures (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="few runs and days; kept apart, under out/scenarios")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="the day that results are kept under; today")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to keep them; docs, or out")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
