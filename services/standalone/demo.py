"""`proofwatch demo`: a simulated onboarding day with an attack wave, through the whole system, in the terminal."""

import argparse
import itertools
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.command_line.calendars import add_holidays, add_time_zone, add_weekend, calendar_in
from proofwatch.command_line.options import positive
from proofwatch.governance.policy import load_policy
from proofwatch.instants import EPOCH, instant_of
from proofwatch.runtime.terminal import Terminal
from proofwatch.simulation.pictures import picture
from proofwatch.simulation.scenario import RELEASES, Scenario
from proofwatch.simulation.traffic import simulate
from services.standalone.closing import closing_lines
from services.standalone.conduct import conducted
from services.standalone.feed import CHUNK
from services.standalone.runner import Ended, Run
from services.standalone.serving import Place, Served, place, refusal, serve, serving_lines

_SCREENS: Final = 120
_SEGMENTS: Final = ("sex", "age_band", "country", "device_model")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--events", type=positive, default=50_000, metavar="N", help="transactions (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, metavar="S", help="the same seed, the same bytes (%(default)s)")
    parser.add_argument(
        "--release", action="append", choices=tuple(RELEASES), default=[], help="a release during the day; repeatable"
    )
    add_time_zone(parser, "the clock of the tenants' days, and of what is written")
    add_weekend(parser)
    add_holidays(parser)
    parser.add_argument("--headless", action="store_true", help="no terminal view, only the closing summary")
    parser.add_argument(
        "--serve",
        type=place,
        metavar="HOST:PORT",
        help="then the console over what came of it, until it is stopped: localhost:8091",
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="results (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run the day; return 0 when every transaction is accounted for, 1 when not, 2 when it cannot be carried out.

    130: it was interrupted.
    """
    if args.serve and (refused := refusal(args.serve)):
        sys.stderr.write(f"proofwatch demo: {refused}\n")
        return 2
    releases = tuple(RELEASES[name] for name in args.release)
    calendar = calendar_in(args)
    scenario = Scenario(events=args.events, seed=args.seed, releases=releases, pictures=True)
    midnight = calendar.numbered(scenario.start.toordinal() - EPOCH.toordinal()).start_ms
    scenario = replace(scenario, start=instant_of(midnight))
    day = Run(
        title=f"a simulated day, seed {args.seed}",
        policy=load_policy(),
        chunks=lambda: chunks(scenario, headless=args.headless),
        total=args.events,
        start_ms=round(scenario.start.timestamp() * 1000),
        out=args.out,
        headless=args.headless,
        calendar=calendar,
        segments=_SEGMENTS,
        picture=partial(picture, args.seed),
    )
    summary = conducted("demo", replace(day, then=_serving(args.serve, args.out)) if args.serve else day)
    if isinstance(summary, int):
        return summary
    if not args.serve:
        Terminal().print(closing_lines(summary, args.out))
    return 0 if summary["conservation"]["holds"] else 1


def _serving(where: Place, out: Path) -> Callable[[dict[str, Any], Ended], Awaitable[None]]:
    """Return what tells of a run that is over, and serves it."""

    async def then(summary: dict[str, Any], ended: Ended) -> None:
        terminal = Terminal()
        terminal.print(closing_lines(summary, out))

        def tell(served: Served) -> None:
            terminal.print(serving_lines(served), soft_wrap=True)

        await serve(where, ended.bus, ended.pool, ended.now_ms, ended.work, tell)

    return then


def chunks(scenario: Scenario, *, headless: bool) -> Iterator[Sequence[Outgoing]]:
    """Cut the day into pieces that make a lively screen and worthwhile batches; how large has no influence on a result.

    Not too large: what windows makes of one is one transaction, which has seconds and not minutes on a slow machine.
    """
    size = CHUNK if headless else min(CHUNK, max(500, scenario.events // _SCREENS))
    records = simulate(scenario)
    while chunk := list(itertools.islice(records, size)):
        yield chunk
