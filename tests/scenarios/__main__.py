"""Play scenarios against the detection code, print what came of them, keep it as JSON, and render the dated page.

python -m tests.scenarios                          # all of them: an hour or two of two cores; a run that ended is kept
python -m tests.scenarios --only doubled fail_open  # some of them; the other results of the day stay
python -m tests.scenarios --quick                  # all but the days through the whole system, small
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress
from rich.table import Table

from proofwatch.runtime.terminal import Terminal
from tests.scenarios import journeys
from tests.scenarios.entries import ENTRIES, Entry, How
from tests.scenarios.figures import Met, figures, judged
from tests.scenarios.journeys import Journey
from tests.scenarios.page import write_page
from tests.scenarios.parts import Playing
from tests.scenarios.results import keep
from tests.scenarios.words import shown

_DOCS: Final = Path("docs")
_OUT: Final = Path("out") / "scenarios"


def main(arguments: Sequence[str]) -> int:
    """Return 0 when every target is met or known not to be, else 1."""
    options = _options(arguments)
    how = How(options.seed, options.quick, options.part, options.days, _OUT)
    entries, terminal, failed, page = _chosen(options), Terminal(), False, None
    home = options.out or (_OUT if options.quick else _DOCS)
    date = options.date or datetime.now(UTC).date().isoformat()
    with Progress(console=Terminal(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        with Playing(how, _OUT / "runs", options.processes, lambda days: progress.advance(task, days)) as playing:
            runs = [each for each in entries if each.level != "journey"]
            progress.update(task, total=sum(playing.days(each) for each in runs) or None)
            if not options.found:
                playing.start(runs)
            for entry in entries:
                progress.update(task, description=entry.name)
                found = _figures(entry, how, playing, only_found=options.found)
                if found is None:
                    continue
                met = judged(entry.targets, found)
                page = write_page(keep(home, date, entry.name, {"seed": how.seed, "quick": how.quick, **found}))
                terminal.print(_table(entry, met, found))
                failed |= any(not each.passes and not each.target.known for each in met)
    terminal.print(f"page: {page}")
    return int(failed)


def _figures(entry: Entry, how: How, playing: Playing, *, only_found: bool) -> dict[str, Any] | None:
    """Return what comes of an entry; None: it was not played."""
    if isinstance(entry.scenario, Journey):
        out = how.out / entry.name
        return None if only_found else journeys.play(entry.scenario, how.seed, out, quick=how.quick)
    outcomes = playing.found(entry) if only_found else playing.outcomes(entry)
    return figures(outcomes, planted=entry.planted) if outcomes else None


def _chosen(options: argparse.Namespace) -> list[Entry]:
    if options.only:
        return [each for name in options.only for each in ENTRIES if each.name == name]
    return [each for each in ENTRIES if not options.quick or each.level != "journey"]


def _table(entry: Entry, met: Sequence[Met], found: Mapping[str, Any]) -> Table:
    table = Table("figure", "value", "target", "", title=f"{entry.name}: {entry.what}", title_justify="left")
    targets = {each.target.figure: each for each in met}
    for name, value in found.items():
        if name.endswith("_delays_s"):
            continue
        target = targets.get(name)
        limit = f"{target.sign} {shown(name, target.target.limit)}" if target else ""
        table.add_row(name, shown(name, value), limit, target.word if target else "")
    return table


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    names = [each.name for each in ENTRIES]
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
    parser.add_argument(
        "--part", type=float, default=1.0, metavar="P", help="of the runs of counts and labels, one at least; 1"
    )
    parser.add_argument("--days", type=int, default=0, metavar="N", help="of each run of counts, so many at most; all")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that play runs side by side; 2")
    parser.add_argument("--found", action="store_true", help="play nothing: take the runs that there are")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="the day that results are kept under; today")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to keep them; docs, or out")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
