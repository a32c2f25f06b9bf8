"""`proofwatch replay`: a user's own log of scores, through the whole system."""

import argparse
import hashlib
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from proofwatch.biometrics.curve_figures import ThresholdChoice, operating_points
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import add_holidays, add_time_zone, add_weekend, calendar_in
from proofwatch.command_line.exit_codes import INTERRUPTED
from proofwatch.command_line.times import in_zone, typed_time
from proofwatch.governance.policy import InvalidPolicy, load_policy
from proofwatch.instants import ms_of
from proofwatch.intake import BUILT_IN_SEGMENTS
from proofwatch.plain import one_line
from proofwatch.runtime.settings import Settings
from proofwatch.runtime.terminal import Terminal
from proofwatch.scorefile.blanks import blanks_of
from proofwatch.scorefile.mapping import Score, load_mapping
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader, with_times
from proofwatch.scorefile.trials import columns_of, read_trials, scales_of
from proofwatch.scorefile.units import check_units
from proofwatch.tabular import TableError, open_table
from services.standalone.arguments import threshold
from services.standalone.closing import closing_lines
from services.standalone.conduct import conducted
from services.standalone.feed import Feed
from services.standalone.notices import giant_cell_notices, reading
from services.standalone.row_selection import intake_of, select_rows
from services.standalone.runner import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="scores as .csv or .jsonl, one transaction a row")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go")
    add("--policy", type=Path, metavar="FILE", help="default: the default profile")
    for check in ("match", "liveness"):
        add(f"--{check}-threshold", type=threshold, metavar="T|eer", help="in the file's own units; eer: its equal "
            "error point; overrides the policy, and enters its hash")  # fmt: skip
    add("--tenant", type=kept.tenant, default="replay", metavar="T", help="whose traffic this is (%(default)s)")
    add("--start", type=typed_time, default=datetime(2026, 1, 1), metavar="ISO8601",  # noqa: DTZ001 - in --time-zone
        help="time of the first row where the file has no occurred_at (2026-01-01, at midnight)")  # fmt: skip
    add("--rate", type=_rate, default=1.0, metavar="N", help="rows a second where the file has no times (%(default)g)")
    add("--mapping", type=Path, metavar="FILE", help="YAML: what the file's columns and values mean; "
        "`proofwatch mapping guess FILE` drafts one")  # fmt: skip
    add_time_zone(parser, "the clock of the tenant's days, of times that name no zone unless the mapping says theirs, "
        "and of what is written")  # fmt: skip
    add_weekend(parser)
    add_holidays(parser)
    add("--headless", action="store_true", help="no terminal view, only the closing summary")


def run(args: argparse.Namespace) -> int:
    """Replay the file; 0 when it went through, 2 when it cannot be used.

    1: not every row is accounted for, or more of them, or of their labels, were refused than the cap allows; 130: it
    was interrupted.
    """
    try:
        prepared, outcome = prepare(args)
    except (TableError, InvalidPolicy, ValueError, OSError) as error:
        sys.stderr.write(f"proofwatch replay: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(
            f"proofwatch replay: interrupted while {one_line(str(args.file))} was read; nothing was written\n"
        )
        return INTERRUPTED
    summary = conducted("replay", prepared)
    if isinstance(summary, int):
        return summary
    Terminal().print(closing_lines(summary, args.out))
    if said := outcome.sentence():
        sys.stderr.write(f"proofwatch replay: {said}\n")
    return 0 if summary["conservation"]["holds"] and not outcome.too_much else 1


def prepare(args: argparse.Namespace) -> tuple[Run, Outcome]:
    """Check everything that can be checked before anything starts; say what is read otherwise than it stands."""
    cap = Settings.read().dead_letter_rate_cap
    calendar = calendar_in(args)
    start = in_zone(args.start, args.time_zone)
    mapping = load_mapping(args.mapping, args.time_zone)
    table = open_table(args.file)
    columns = with_times(table, columns_of(table, mapping, args.mapping))
    say = sys.stderr.write
    if columns.dropped:
        say(f"{table.file}: dropped, because no mapping names them: {', '.join(map(one_line, columns.dropped))}\n")
    policy = load_policy(args.policy).with_segments(columns.segments)
    segments = tuple(name for name in BUILT_IN_SEGMENTS if name in columns.fields) + tuple(columns.segments)
    given: dict[Score, ThresholdChoice | None] = {
        "match_score": args.match_threshold,
        "liveness_score": args.liveness_threshold,
    }
    with reading(args.file.name) as progress:
        scaled = scales_of(table, columns, mapping, given, cap)
        blanks = blanks_of(table, columns, mapping, scaled.scales)
        reader = Reader(columns, mapping, scaled.scales, blanks=blanks)
        intake = intake_of(reader, frozenset(policy.required_checks), args.tenant, start, 1 / args.rate)
        selection = select_rows(table, intake, policy.duplicate_horizon_minutes * 60_000)
        trials = read_trials(table, reader, segments, selection.truth, progress)
    outcome = Outcome(table.file, reader, cap, selection.repeats, selection.further)
    check_units(table.file, given, reader.account.facts, mapping)
    if not reader.account.rows:
        raise TableError(f"{table.file}: has a header and no rows; there is nothing to replay")
    thresholds = scaled.thresholds(trials)
    policy = policy.with_thresholds(thresholds["match_score"], thresholds["liveness_score"])
    for line in (*giant_cell_notices(table), *(f"{table.file}: {said}" for said in scaled.said), *outcome.notes()):
        say(f"{line}\n")
    with args.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    feed = Feed(
        table, replace(intake, reader=reader.anew(), file_digest=digest), say, selection.conflicts, when_known=True
    )
    points = operating_points(trials, policy.min_trials)
    run_ = Run(
        title=f"replay of {args.file.name}",
        policy=policy,
        chunks=feed.chunks,
        total=feed.total,
        start_ms=ms_of(start) if feed.start_ms is None else feed.start_ms,
        out=args.out,
        headless=args.headless,
        calendar=calendar,
        segments=segments,
        edges=tuple(point for point in points if 0 <= point <= 1),
        outcome=outcome,
        log="file",
        last_ms=feed.last_ms,
    )
    return run_, outcome


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be a number of rows a second, more than 0 and at most 1,000,000")
    return number
