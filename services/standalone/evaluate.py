"""`proofwatch evaluate`: the ISO performance figures of a file of labelled scores, offline."""

import argparse
import sys
from math import isfinite
from pathlib import Path

import msgspec

from proofwatch.biometrics.curve_figures import ThresholdChoice
from proofwatch.biometrics.rates import Limits
from proofwatch.governance.policy import InvalidPolicy, load_policy
from proofwatch.intake import BUILT_IN_SEGMENTS
from proofwatch.tabular import TableError, open_table
from services.standalone.evaluate_table import evaluate_table
from services.standalone.evaluate_text import write_text

DESCRIPTION = """\
Compute the ISO/IEC 19795-1 and 30107-3 figures of a file of labelled scores. A higher score is a better one:
accepted when score >= threshold. Columns, any subset: match_score with pair (genuine|impostor), liveness_score with
presentation (bona_fide|attack) and pai_species, and any number of segment columns. A blank score where the label is
set is a failure to acquire or a non-response."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `proofwatch evaluate` on its parser."""
    parser.description = DESCRIPTION
    parser.add_argument("file", metavar="FILE", type=Path, help="a .csv or .jsonl file of labelled scores")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="policy file; default: the built-in policy")
    for check in ("match", "liveness"):
        parser.add_argument(
            f"--{check}-threshold",
            metavar="T|eer",
            type=threshold,
            help=f"{check} threshold; eer: the equal error point of the file; default: the policy's",
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
    parser.add_argument("--format", choices=("json", "table"), default="json", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Evaluate as the arguments say, write the result to standard output and return the exit code.

    0: done, whatever the figures are; 2: the file, the policy or an argument cannot be used (message on stderr).
    """
    try:
        policy = load_policy(args.policy)
        evaluation = evaluate_table(
            open_table(args.file),
            match_threshold=policy.match.threshold if args.match_threshold is None else args.match_threshold,
            liveness_threshold=(
                policy.liveness.threshold if args.liveness_threshold is None else args.liveness_threshold
            ),
            limits=Limits.of(policy.limits),
            min_trials=policy.min_trials if args.min_trials is None else args.min_trials,
            segments=args.segment,
        )
    except (TableError, InvalidPolicy) as error:
        sys.stderr.write(f"proofwatch evaluate: {error}\n")
        return 2
    if args.format == "json":
        encoded = msgspec.json.format(msgspec.json.encode(evaluation), indent=2)
        sys.stdout.write(encoded.decode() + "\n")
    else:
        write_text(evaluation, sys.stdout)
    return 0


def threshold(text: str) -> ThresholdChoice:
    """Return a threshold argument: any finite number, or `eer`."""
    if text == "eer":
        return "eer"
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a finite number such as 0.85 nor eer")
    return value


def trials(text: str) -> int:
    """Return a number of trials argument: a whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
