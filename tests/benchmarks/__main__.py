"""Run benchmarks, print their tables, keep the results as JSON, and render the dated page.

python -m tests.benchmarks                      # everything: about 50 minutes
python -m tests.benchmarks --quick              # everything, small: to see that it runs
python -m tests.benchmarks latency memory       # some of it; the other results of the day stay
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console

from tests.benchmarks import results, tables
from tests.benchmarks.contenders import Failed
from tests.benchmarks.context import Benchmark, Context
from tests.benchmarks.page import TITLES, write_page
from tests.benchmarks.world import World
from tests.support.runner import ComponentError
from tests.support.stack import Stack

_DOCS: Final = Path("docs")
_QUICK: Final = Path("out") / "benchmarks"


def main(arguments: Sequence[str]) -> int:
    """Return 0 when everything ran, whatever the numbers are; targets that are not met are shown, not failed."""
    options = _options(arguments)
    home = options.out or (_QUICK if options.quick else _DOCS)
    date = options.date or datetime.now(UTC).date().isoformat()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(width=None if sys.stdout.isatty() else 160)
    began, failed = time.monotonic(), list[str]()
    try:
        with Stack(lambda line: Console(stderr=True).print(line, style="dim", highlight=False), measured=True) as stack:
            world = World(stack)
            context = Context(world, options.quick, options.rounds, options.rates, options.seconds)
            for name in options.names or TITLES:
                benchmark: Benchmark = import_module(f"tests.benchmarks.{name}").run
                try:
                    result = benchmark(context)
                except Failed as error:
                    failed.append(name)
                    sys.stderr.write(f"{name}: {error}\n")
                    continue
                file = results.keep(home, date, world.kafka, name, result, quick=options.quick)
                tables.show(console, name, result)
                console.print(f"{time.monotonic() - began:.0f} s; results: {file}, page: {write_page(file)}")
    except ComponentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 1 if failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure the product, and peers on the same work. Everything stays on 127.0.0.1.",
        epilog='example: make bench ARGS="throughput latency --quick"',
    )
    parser.add_argument("names", nargs="*", choices=[*TITLES, []], metavar="NAME", help=f"of {', '.join(TITLES)}; all")
    parser.add_argument("--quick", action="store_true", help="few events, one round; kept apart, under out/benchmarks")
    parser.add_argument("--rounds", type=int, metavar="N", help="interleaved rounds; 3, or 1 with --quick")
    parser.add_argument(
        "--rates",
        type=_rates,
        default=(),
        metavar="R,R,…",
        help="journey: transactions a second, one after the other; 20,100,1000,5000,10000,15000",
    )
    parser.add_argument("--seconds", type=int, metavar="S", help="journey: how long each rate is held; 180, or 20")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="the day that results are kept under; today")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to keep them; docs, or out/benchmarks")
    return parser.parse_args(arguments)


def _rates(text: str) -> tuple[int, ...]:
    rates = tuple(int(rate) for rate in text.split(","))
    if min(rates) < 1:
        raise ValueError(text)
    return tuple(sorted(rates))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
