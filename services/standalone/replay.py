"""`proofwatch replay`: a user's own log of scores, through the whole system."""

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvloop
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from proofwatch.biometrics.curve_figures import operating_points
from proofwatch.governance.policy import InvalidPolicy, Policy, SegmentName, load_policy
from proofwatch.intake import BUILT_IN_SEGMENTS, Columns, Intake
from proofwatch.strict_yaml import load_yaml
from proofwatch.tabular import Row, Table, TableError, open_table
from services.standalone.evaluate_table import read_trials
from services.standalone.feed import Feed
from services.standalone.runner import Run, closing_lines, conduct

_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Mapping(BaseModel):
    """The mapping file: columns of other names, and columns that are segments of one's own."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = {}
    segments: dict[str, SegmentName] = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="scores as .csv or .jsonl, one transaction a row")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go")
    add("--policy", type=Path, metavar="FILE", help="default: the default profile")
    add("--match-threshold", type=_score, metavar="T", help="overrides the policy, and enters its hash")
    add("--liveness-threshold", type=_score, metavar="T", help="overrides the policy, and enters its hash")
    add("--tenant", type=_tenant, default="replay", metavar="T", help="whose traffic this is (%(default)s)")
    add("--start", type=_moment, default=datetime(2026, 1, 1, tzinfo=UTC), metavar="ISO8601",
        help="time of the first row where the file has no occurred_at (2026-01-01T00:00:00Z)")  # fmt: skip
    add("--rate", type=_rate, default=1.0, metavar="N", help="rows a second where the file has no times (%(default)g)")
    add("--mapping", type=Path, metavar="FILE", help="YAML: columns: {theirs: ours}, segments: {theirs: name}")
    add("--headless", action="store_true", help="no terminal view, only the closing summary")


def run(args: argparse.Namespace) -> int:
    """Replay the file; 0 when every row is accounted for, 1 when not, 2 when it cannot be used."""
    try:
        prepared = prepare(args)
    except (TableError, InvalidPolicy, ValueError, OSError) as error:
        sys.stderr.write(f"proofwatch replay: {error}\n")
        return 2
    summary = uvloop.run(conduct(prepared))
    Console().print(closing_lines(summary, args.out), highlight=False)
    return 0 if summary["conservation"]["holds"] else 1


def prepare(args: argparse.Namespace) -> Run:
    """Check everything that can be checked before anything starts."""
    table = open_table(args.file)
    mapping = _mapping(args.mapping)
    try:
        columns = Columns.of(table.columns, mapping.columns, mapping.segments)
    except ValueError as error:
        raise TableError(f"{args.mapping or table.file}: {error}") from error
    if not columns.fields.keys() & {"match_score", "liveness_score"}:
        found = ", ".join(table.columns)
        raise TableError(f"{table.file}: has neither match_score nor liveness_score; found: {found}; see --mapping")
    if columns.dropped:
        sys.stderr.write(f"{table.file}: dropped, because no mapping names them: {', '.join(columns.dropped)}\n")
    policy = load_policy(args.policy).with_thresholds(args.match_threshold, args.liveness_threshold)
    policy = policy.with_segments(columns.segments)
    intake = Intake(
        columns=columns,
        tenant=args.tenant,
        file_digest=hashlib.sha256(args.file.read_bytes()).hexdigest()[:12],
        start=args.start,
        step=timedelta(seconds=1 / args.rate),
        required=frozenset(policy.required_checks),
    )
    feed = Feed(table, intake)
    segments = tuple(name for name in BUILT_IN_SEGMENTS if name in columns.fields) + tuple(columns.segments)
    return Run(
        title=f"replay of {args.file.name}",
        policy=policy,
        chunks=feed.chunks,
        total=feed.total,
        start_ms=round(args.start.timestamp() * 1000) if feed.start_ms is None else feed.start_ms,
        out=args.out,
        headless=args.headless,
        segments=segments,
        edges=_edges(table, columns, segments, policy),
    )


def _edges(table: Table, columns: Columns, segments: Sequence[str], policy: Policy) -> tuple[float, ...]:
    """Return the scores at which fixed-rate figures are read, so that sketches count exactly there."""
    names = {**columns.fields, **columns.segments}

    def in_our_words(row: Row) -> Row:
        return Row(row.file, row.line, {ours: row.values.get(theirs) for ours, theirs in names.items()})

    renamed = Table(table.file, tuple(names), lambda: map(in_our_words, table.rows()))
    try:
        points = operating_points(read_trials(renamed, segments), policy.min_trials)
    except TableError:
        return ()  # no labels, or a cell that the scorer will refuse: the figures then state their resolution
    return tuple(point for point in points if 0 <= point <= 1)


def _mapping(path: Path | None) -> Mapping:
    if path is None:
        return Mapping()
    try:
        return Mapping.model_validate(load_yaml(path) or {})
    except ValidationError as error:
        said = " ".join(str(error).split())
        raise TableError(f"{path}: is not a mapping file (columns: {{theirs: ours}}, segments: …): {said}") from error


def _tenant(text: str) -> str:
    if not _TENANT.fullmatch(text):
        raise argparse.ArgumentTypeError("must be lower-case letters, digits and hyphens, at most 63")
    return text


def _score(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be a number from 0 to 1")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be more than 0 rows a second")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
