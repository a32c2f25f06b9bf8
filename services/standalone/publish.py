"""`proofwatch publish`: a test transaction, a file or simulated traffic onto Kafka, as upstream would send it."""

import argparse
import asyncio
import itertools
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task
from rich.text import Text

from proofwatch.bus.errors import BusError, BusUnavailable
from proofwatch.bus.port import Bus
from proofwatch.command_line import kept
from proofwatch.command_line.exit_codes import INTERRUPTED
from proofwatch.command_line.options import add_bootstrap
from proofwatch.events import topics
from proofwatch.runtime.settings import Settings
from proofwatch.runtime.terminal import progress_bar
from proofwatch.simulation.scenario import TENANTS
from proofwatch.tabular import TableError
from services.standalone.publish_sources import Rows, limited, of_file, one, simulated, utc_now

_HARMLESS: Final = re.compile(r"(test|demo|replay)(-.*)?")
_TICK_S: Final = 0.1
_COORDINATOR_S: Final = 30.0
_MOST: Final = 1_000


class _Speed(ProgressColumn):
    """Transactions a second."""

    def render(self, task: Task) -> Text:
        """Return the speed; nothing before there is one."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("file", type=Path, nargs="?", metavar="FILE", help="scores as .csv or .jsonl, as for `replay`; without it and "
        "without --simulate: one test transaction")  # fmt: skip
    add("--simulate", type=_positive, metavar="N", help="so many transactions of the demo's traffic, as of now")
    add(
        "--seed",
        type=int,
        default=7,
        metavar="S",
        help="of --simulate; the same seed, the same transactions (%(default)s)",
    )
    add("--tenant", type=kept.tenant, metavar="T", help="whose traffic it is (test; --simulate: its own three)")
    add(
        "--rate",
        type=_rate,
        default=100.0,
        metavar="N",
        help="transactions a second; 0: as fast as can be (%(default)g)",
    )
    add("--count", type=_positive, metavar="N", help="stop after so many transactions")
    add("--mapping", type=Path, metavar="FILE", help="YAML: what the file's columns and values mean")
    add_bootstrap(add)
    add("--yes", action="store_true", help="also where it looks like production")


def run(args: argparse.Namespace) -> int:
    """Publish; 0 when everything was acknowledged, 1 when Kafka or the guard refused, 2 when the call is wrong.

    130: it was interrupted.
    """
    settings = Settings.read()
    if args.file and args.simulate:
        sys.stderr.write("proofwatch publish: give FILE or --simulate, not both\n")
        return 2
    tenant = args.tenant or "test"
    total: int | None = 1
    try:
        if args.simulate:
            rows, total = simulated(args.simulate, args.seed, args.tenant, utc_now), args.simulate
        elif args.file:
            rows, total = of_file(args.file, args.mapping, tenant, args.rate, utc_now())
        else:
            rows = one(tenant, utc_now())
    except (TableError, ValueError, OSError) as error:
        sys.stderr.write(f"proofwatch publish: {error}\n")
        return 2
    if args.count is not None and total is not None:
        total = min(total, args.count)
    sent = Counter[str]()
    tenants = [name for name, _ in TENANTS] if args.simulate and not args.tenant else [tenant]
    try:
        code = asyncio.run(_publish(args, settings, tenants, limited(rows, args.count), total, sent))
    except KeyboardInterrupt:
        sys.stderr.write("proofwatch publish: interrupted; what Kafka had acknowledged by then stays\n")
        code = INTERRUPTED
    except BusError as error:
        sys.stderr.write(f"proofwatch publish: {error}\n")
        code = 1
    counts = ", ".join(f"{count:,} to {topic}" for topic, count in sorted(sent.items()))
    sys.stdout.write(f"acknowledged: {counts or 'nothing'}\n")
    return code


async def _publish(
    args: argparse.Namespace, settings: Settings, tenants: list[str], rows: Rows, total: int | None, sent: Counter[str]
) -> int:
    # the driver belongs to the Kafka extra
    from proofwatch.bus.kafka.bus import KafkaBus
    from proofwatch.bus.kafka.security import security_of

    bus = KafkaBus(args.bootstrap or settings.kafka_bootstrap, "proofwatch-publish", security=security_of(settings))
    await bus.start()
    try:
        if not args.yes and (reasons := await signs_of_production(bus, tenants)):
            sys.stderr.write(f"proofwatch publish: {'; '.join(reasons)}: if that is meant, say --yes\n")
            return 1
        await send(bus, rows, args.rate, total, sent)
    finally:
        await bus.stop()
    return 0


async def signs_of_production(bus: Bus, tenants: list[str]) -> list[str]:
    """Return what makes the target look like production; empty: it is for tests."""
    simulated_ones = {name for name, _ in TENANTS}
    reasons = [
        f"tenant {name} does not look like a test (test, demo, replay, or one that begins so and with a hyphen)"
        for name in tenants
        if not _HARMLESS.fullmatch(name) and name not in simulated_ones
    ]
    if await _positions(bus):
        reasons.append(f"a scorer decides what comes to {topics.TRANSACTIONS}")
    return reasons


async def _positions(bus: Bus) -> dict[int, int]:
    """Return the scorer's positions; a cluster that has never seen a group needs a moment to make its coordinator."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _COORDINATOR_S
    while True:
        try:
            return await bus.positions("scorer", topics.TRANSACTIONS)
        except BusUnavailable:
            if loop.time() > give_up:
                raise
            await asyncio.sleep(_TICK_S)


async def send(bus: Bus, rows: Rows, rate: float, total: int | None, sent: Counter[str]) -> None:
    """Publish at `rate` transactions a second; `sent` counts what Kafka has acknowledged, by topic."""
    loop = asyncio.get_running_loop()
    began, done = loop.time(), 0
    with progress_bar("sent", BarColumn(), MofNCompleteColumn(), _Speed()) as progress:
        while True:
            due = _MOST if not rate else min(_MOST, max(1, int((loop.time() - began) * rate) + 1 - done))
            taken = list(itertools.islice(rows, due))
            if not taken:
                break
            records = [record for row in taken for record in row]
            await bus.publish(records)
            sent.update(record.topic for record in records)
            done += len(taken)
            progress(done, total)
            if rate:
                await asyncio.sleep(max(0.0, min(_TICK_S, began + done / rate - loop.time())))


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no count; give 1 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; give transactions a second, or 0")
    return rate
