"""`proofwatch evaluate`: the ISO performance figures of a file of labelled scores, offline."""

import argparse
import sys
from pathlib import Path

import msgspec

from proofwatch.biometrics.curve_figures import ThresholdChoice
from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import Thresholds, Trials, count_outcomes
from proofwatch.command_line.calendars import add_time_zone
from proofwatch.governance.policy import InvalidPolicy, Policy, load_policy
from proofwatch.runtime.cell_settings import CellSettings
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS
from proofwatch.scorefile.mapping import Mapping, Score, load_mapping
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.trials import placed
from proofwatch.scorefile.units import check_units
from proofwatch.strict_yaml import InvalidYaml
from proofwatch.tabular import TableError, open_table
from services.standalone.arguments import threshold
from services.standalone.evaluate_table import AllRefused, evaluate_table
from services.standalone.evaluate_text import write_text
from services.standalone.notices import giant_cell_notices, out_of_range_notices, reading

DESCRIPTION = """\
Compute the ISO/IEC 19795-1 and 30107-3 figures of a file of labelled scores. A higher score is a better one:
accepted when score >= threshold. Columns, any subset: match_score with pair (genuine|impostor), liveness_score with
presentation (bona_fide|attack), pai_species and attack_class (presentation|injection), and any number of segment
columns; labelled_at does not matter. A blank score where the label is
set is a failure to acquire or a non-response. Scores lie from 0 to 1 unless a threshold is given, which holds for any
range, or a mapping names their scale; what cannot be read is left out and said."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `proofwatch evaluate` on its parser."""
    parser.description = DESCRIPTION
    parser.add_argument("file", metavar="FILE", type=Path, help="a .csv or .jsonl file of labelled scores")
    parser.add_argument(
        "--mapping", metavar="FILE", type=Path, help="YAML, as for replay; `proofwatch mapping` drafts it"
    )
    parser.add_argument("--policy", metavar="FILE", type=Path, help="policy file; default: the built-in policy")
    for check in ("match", "liveness"):
        parser.add_argument(
            f"--{check}-threshold",
            metavar="T|eer",
            type=threshold,
            help=f"{check} threshold in the file's own units; eer: its equal error point; default: the policy's",
        )
    parser.add_argument(
        "--segment",
        metavar="COLUMN",
        action="append",
        help=f"break down by this column; repeatable; default: those present of {', '.join(BUILT_IN_SEGMENTS)}",
    )
    parser.add_argument(
        "--min-trials",
        metavar="N",
        type=trials,
        help="presentations a PAI species needs to be the headline APCER; default: the policy's",
    )
    add_time_zone(parser, "the clock of times that name no zone, unless the mapping says theirs")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a page with drawings too; it opens offline")
    parser.add_argument("--format", choices=("json", "table"), default="json", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Evaluate as the arguments say, write the result to standard output and return the exit code.

    0: done, whatever the figures are; 1: more of the file was refused than the dead-letter cap allows; 2: the file, the
    policy or an argument cannot be used. Messages are on stderr.
    """
    settings = CellSettings.read()
    try:
        policy = load_policy(args.policy)
        mapping = load_mapping(args.mapping, args.time_zone)
        table = open_table(args.file)
        given: dict[Score, ThresholdChoice | None] = {
            "match_score": args.match_threshold,
            "liveness_score": args.liveness_threshold,
        }
        with reading(args.file.name) as progress:
            evaluation, outcome, labelled = evaluate_table(
                table,
                match_threshold=_placed(args.match_threshold, policy.match.threshold, mapping, "match_score"),
                liveness_threshold=_placed(
                    args.liveness_threshold, policy.liveness.threshold, mapping, "liveness_score"
                ),
                limits=Limits.of(policy.limits),
                min_trials=policy.min_trials if args.min_trials is None else args.min_trials,
                segments=args.segment,
                mapping=mapping,
                own_range=[name for name, threshold in given.items() if threshold is not None],
                cap=settings.dead_letter_rate_cap,
                required=frozenset(policy.required_checks),
                horizon_ms=policy.duplicate_horizon_minutes * 60_000,
                progress=progress,
            )
        check_units(table.file, given, outcome.account.facts, mapping)
    except (TableError, InvalidPolicy, InvalidYaml) as error:
        sys.stderr.write(f"proofwatch evaluate: {error}\n")
        return 1 if isinstance(error, AllRefused) else 2
    if args.html is not None and (
        problem := _write_page(args, evaluation, labelled, outcome, policy, settings.small_cell)
    ):
        sys.stderr.write(f"proofwatch evaluate: {args.html}: cannot be written ({problem})\n")
        return 2
    if args.format == "json":
        document = {**msgspec.to_builtins(evaluation), "input": outcome.document()}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    else:
        write_text(evaluation, sys.stdout)
    for line in (*giant_cell_notices(table), *out_of_range_notices(outcome), *outcome.notes()):
        sys.stderr.write(f"{line}\n")
    if said := outcome.sentence():
        sys.stderr.write(f"proofwatch evaluate: {said}\n")
    return 1 if outcome.too_much else 0


def _write_page(
    args: argparse.Namespace,
    evaluation: Evaluation,
    labelled: Trials,
    outcome: Outcome,
    policy: Policy,
    small_cell: int,
) -> str | None:
    """Write the page that is asked for; return why it cannot be written."""
    # it draws: that takes long to import
    from services.standalone.report.page import write_evaluation

    checks = (evaluation.match, evaluation.liveness)
    thresholds = Thresholds(*(check.threshold if check else 0.0 for check in checks))
    try:
        write_evaluation(
            args.html,
            args.file.name,
            evaluation,
            count_outcomes(labelled.cells.get(None, {}), thresholds),
            rows=outcome.account.rows,
            labelled=outcome.account.labels,
            refused=outcome.sentence(),
            limits=Limits.of(policy.limits),
            min_trials=policy.min_trials if args.min_trials is None else args.min_trials,
            small_cell=small_cell,
        )
    except OSError as error:
        return error.strerror or str(error)
    return None


def _placed(given: ThresholdChoice | None, policys: float, mapping: Mapping, name: Score) -> ThresholdChoice:
    """Return a threshold on the scale on which scores are compared; a policy's lies from 0 to 1."""
    if given is None or given == "eer":
        return policys if given is None else given
    scale = mapping.scale_of(name)
    scale.any_range = scale.as_written
    return placed(name, given, scale)


def trials(text: str) -> int:
    """Return a number of trials argument: a whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
