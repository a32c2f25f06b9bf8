"""`proofwatch backtest`: what another policy would have decided."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.times import moment
from proofwatch.events import topics
from proofwatch.events.wire import connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.governance.follower import ReplicaBehind
from proofwatch.governance.keyring import InvalidKeyring
from proofwatch.governance.policy import InvalidPolicy, Policy, load_policy
from proofwatch.governance.pseudonyms import InvalidSecret
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.new_file import NotNew
from proofwatch.new_folder import beside, hand_over, said, tried
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.terminal import progress_bar
from proofwatch.scorefile.mapping import load_mapping
from proofwatch.scorefile.outcome import Outcome
from proofwatch.strict_yaml import InvalidYaml
from proofwatch.tabular import TableError
from services.scorer.backtest.admission import Admission, Settings, admit, require_no_more_restricted
from services.scorer.backtest.arrivals import Period, Source
from services.scorer.backtest.files import TableFile, open_file
from services.scorer.backtest.ledger import LedgerSource
from services.scorer.backtest.play import Played, play
from services.scorer.backtest.policies import kafka, policy_in_force, policy_of
from services.scorer.backtest.result import Result, to_json
from services.scorer.backtest.text import write_text
from services.scorer.backtest.topic import TopicSource

_DESCRIPTION: Final = """\
Judge past transactions by two policies, in one pass, and report per tenant and segment what changes: decisions,
retakes and manual reviews, and on labelled transactions FMR, FNMR, APCER and BPCER, with intervals for paired rates.

Sources: a .jsonl file of transactions or of verdicts (labels: --labels FILE); a .csv or .jsonl table of scores, as
for `proofwatch replay`; `topic` or `topic:NAME`, on Kafka; `ledger`, in PostgreSQL, which knows no subjects and
therefore counts no attempts. The same log and policies give the same bytes."""


_UNUSABLE: Final = (InvalidPolicy, InvalidKeyring, InvalidSecret, NotNew)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = _DESCRIPTION
    add = parser.add_argument
    add("--policy", required=True, metavar="NEW.yaml", help="the policy to try: a file, or the hash of a proposed one")
    add("--over", required=True, metavar="FILE|topic[:NAME]|ledger", help="what to judge")
    add(
        "--against",
        metavar="OLD.yaml",
        help="likewise; default: what is in force, and for a file PROOFWATCH_POLICY_FILE or the default profile",
    )
    add("--labels", type=Path, metavar="FILE", help="labels as .jsonl, for a file of transactions or verdicts")
    add("--mapping", type=Path, metavar="FILE", help="for a table: what its columns and values mean, as for replay")
    add(
        "--tenant",
        type=kept.tenant,
        metavar="T",
        help="of this tenant only, needed for topic and ledger; for a table: whose it is",
    )
    add_asking(add)
    add("--since", type=moment, metavar="ISO8601", help="count what occurred from then on; attempts before still count")
    add("--until", type=moment, metavar="ISO8601", help="count what occurred before this")
    add("--out", type=Path, metavar="DIR", help="write backtest.json and backtest.html into this new folder")
    add("--format", choices=("table", "json", "html"), default="table", help="on standard output (%(default)s)")
    add(
        "--small-cell",
        type=_cell,
        metavar="K",
        help="keep back segment values with fewer; default: PROOFWATCH_SMALL_CELL",
    )
    add("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    add("--dsn", metavar="DSN", help="the database of the ledger and the audit log; default: PROOFWATCH_POSTGRES_DSN")


def _cell(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Play, and write what was asked for; return 0, or 2 when a policy, file or argument cannot be used.

    1: the broker or the registry is away, or more of a file was refused than the cap allows.
    """
    settings = Settings.read()
    try:
        played, outcome = asyncio.run(_play(args, settings))
        _write(args, played)
    except (*_UNUSABLE, InvalidYaml, TableError, InvalidWire, OSError, *WRONG) as error:
        sys.stderr.write(f"proofwatch backtest: {error}\n")
        return 2
    except (BusError, RegistryUnavailable, ReplicaBehind, *REFUSED) as error:
        sys.stderr.write(f"proofwatch backtest: {error}\n")
        return 1
    return _report(args.over, played.result, outcome)


def _report(over: str, result: Result, outcome: Outcome | None) -> int:
    """Say what the figures leave out; return 1 where too little of what was read is in them."""
    all_refused = 0 < result.read == sum(result.refused.values())
    sentence = outcome.sentence() if outcome else None
    if all_refused and not sentence:
        sentence = f"{over}: all {result.read:,} that were read were refused ({', '.join(result.refused)})"
    for line in (*(outcome.notes() if outcome else ()), *([f"proofwatch backtest: {sentence}"] if sentence else ())):
        sys.stderr.write(f"{line}\n")
    return 1 if all_refused or (outcome is not None and outcome.too_much) else 0


async def _play(args: argparse.Namespace, settings: Settings) -> tuple[Played, Outcome | None]:
    asked = asking(args, reason=False) if _is_live(args.over) else None
    old, new = await _policies(args, settings)
    if args.out is not None:
        tried(args.out)
    admission = await admit(args, settings, asked) if asked else None
    period = Period(args.since, args.until)
    async with _source(args, settings, old, new, period, admission) as source:
        tune_garbage_collector()
        columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with progress_bar("judging", *columns) as progress:
            small_cell = settings.small_cell if args.small_cell is None else args.small_cell
            played = await play(source, old, new, period=period, small_cell=small_cell, progress=progress)
    if admission and isinstance(source, TopicSource):
        await require_no_more_restricted(args, settings, admission)
    return played, source.outcome if isinstance(source, TableFile) else None


def _is_live(over: str) -> bool:
    """Return whether it is what a deployment holds, not a file that somebody has already."""
    return over == "ledger" or over.partition(":")[0] == "topic"


async def _policies(args: argparse.Namespace, settings: GovernanceSettings) -> tuple[Policy, Policy]:
    new = await policy_of(args.policy, settings, args.bootstrap)
    if args.against:
        return await policy_of(args.against, settings, args.bootstrap), new
    if _is_live(args.over):
        return await policy_in_force(settings, args.bootstrap, args.tenant), new
    return load_policy(settings.policy_file), new


@asynccontextmanager
async def _source(
    args: argparse.Namespace,
    settings: GovernanceSettings,
    old: Policy,
    new: Policy,
    period: Period,
    admission: Admission | None,
) -> AsyncIterator[Source]:
    kind, _, name = args.over.partition(":")
    if kind == "topic":
        async with kafka(settings, args.bootstrap) as bus:
            wire = await connect_wire(settings)
            try:
                assert admission is not None, "what a deployment holds is asked for at the door"
                topic, has = name or topics.TRANSACTIONS, admission.restricted.has
                yield TopicSource(
                    bus, (old, new), topic=topic, tenant=args.tenant, period=period, wire=wire, restricted=has
                )
            finally:
                await wire.close()
    elif args.over == "ledger":
        from proofwatch.bus.postgres.pool import opened

        async with opened(args.dsn or settings.postgres_dsn) as pool:
            yield LedgerSource(pool, tenant=args.tenant, period=period)
    else:
        yield open_file(
            Path(args.over),
            old,
            new,
            tenant=args.tenant,
            labels=args.labels,
            mapping=load_mapping(args.mapping),
            cap=settings.dead_letter_rate_cap,
        )


def _write(args: argparse.Namespace, played: Played) -> None:
    document = to_json(played.result)
    html = ""
    if args.out is not None or args.format == "html":
        from services.scorer.backtest.page import page  # matplotlib takes a second to load

        html = page(played.result, played.match, played.liveness)
    if args.out is not None:
        with beside(args.out) as partial, said(args.out):
            (partial / "backtest.json").write_bytes(document)
            (partial / "backtest.html").write_text(html, encoding="utf-8")
            hand_over(args.out)
    if args.format == "json":
        sys.stdout.write(document.decode())
    elif args.format == "html":
        sys.stdout.write(html)
    else:
        write_text(played.result, sys.stdout)
    if args.out is not None:
        sys.stderr.write(f"written: {args.out / 'backtest.json'}, {args.out / 'backtest.html'}\n")
