"""From a score table to its evaluation: which columns it takes, and what each row counts as."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from proofwatch.biometrics.curve_figures import ThresholdChoice
from proofwatch.biometrics.evaluation import Evaluation, evaluate_scores
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import Trials
from proofwatch.plain import one_line
from proofwatch.scorefile.blanks import blanks_of
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS, Columns
from proofwatch.scorefile.mapping import SCORES, Mapping, Score
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader, with_times
from proofwatch.scorefile.scores import Scale
from proofwatch.scorefile.trials import Progress, columns_of, has_decimal_commas, read_trials
from proofwatch.tabular import Table, TableError
from services.standalone.row_selection import intake_of, select_rows

MATCH_COLUMNS = ("match_score", "pair")
LIVENESS_COLUMNS = ("liveness_score", "presentation")


class AllRefused(TableError):
    """No row is left that can be judged; the message says why, and what to change."""


class Evaluated(NamedTuple):
    """The figures of a file, what of it was refused, and the trials that they are of."""

    evaluation: Evaluation
    outcome: Outcome
    trials: Trials


def evaluate_table(
    table: Table,
    *,
    match_threshold: ThresholdChoice,
    liveness_threshold: ThresholdChoice,
    limits: Limits,
    min_trials: int,
    segments: Sequence[str] | None = None,
    mapping: Mapping = Mapping(),  # noqa: B008 - frozen
    own_range: Collection[Score] = (),
    cap: float = 0.0,
    required: frozenset[str] = frozenset(),
    horizon_ms: int = 0,
    progress: Progress = lambda rows: None,
) -> Evaluated:
    """Return the evaluation of a score table; `segments` None means every built-in and mapped segment it has.

    Thresholds lie where scores are compared: see `placed`. Scores lie from 0 to 1, or on the scale that `mapping`
    names; those of `own_range` count as they are, whatever their range, where it names none. What `replay` refuses is
    left out and accounted for: `required` and `horizon_ms` are the checks that a policy demands, and how long it
    remembers a transaction. Raises `TableError` for a table that has no usable pair of columns, lacks a
    segment column, or holds no labelled row that can be judged, or scores of one side only where a threshold is `eer`.
    """
    columns = _columns(table, mapping, segments)
    if segments is None:
        segments = [name for name in BUILT_IN_SEGMENTS if name in columns.fields] + [*columns.segments]
    segments = list(dict.fromkeys(segments))
    commas = has_decimal_commas(table)
    scales: dict[Score, Scale] = {name: mapping.scale_of(name, decimal_comma=commas) for name in SCORES}
    for name in own_range:
        scales[name].any_range = scales[name].as_written
    columns = with_times(table, columns)
    reader = Reader(columns, mapping, scales, blanks=blanks_of(table, columns, mapping, scales))
    outcome = Outcome(table.file, reader, cap)
    selection = select_rows(table, intake_of(reader, required), horizon_ms, outcome)
    labelled = read_trials(table, reader, segments, selection.truth, progress)
    outcome.take_account()
    if not labelled.cells:
        if said := outcome.sentence():
            raise AllRefused(said)
        wanted = " or ".join(columns.fields[name] for name in ("pair", "presentation") if name in columns.fields)
        raise TableError(f"{table.file}: no row has a label; fill in the column {wanted}")
    try:
        evaluation = evaluate_scores(
            labelled, match_threshold, liveness_threshold, limits=limits, min_trials=min_trials, segments=segments
        )
    except ValueError as error:
        raise TableError(f"{table.file}: {error}; or give a number") from error
    return Evaluated(evaluation, outcome, labelled)


def _columns(table: Table, mapping: Mapping, segments: Sequence[str] | None) -> Columns:
    columns = columns_of(table, mapping)
    if not any(columns.fields.keys() >= {*names} for names in (MATCH_COLUMNS, LIVENESS_COLUMNS)):
        found = ", ".join(map(one_line, table.columns)) or "none"
        raise TableError(
            f"{table.file}: has no usable column; needs match_score and pair, or liveness_score and presentation; "
            f"found: {found}; say which columns they are in a mapping file: `proofwatch mapping guess FILE` drafts one"
        )
    known = {*columns.fields, *columns.segments}
    further = [name for name in dict.fromkeys(segments or ()) if name not in known]
    for name in further:
        if name not in table.columns:
            found = ", ".join(map(one_line, table.columns))
            raise TableError(f"{table.file}: has no column {name} to break down by; found: {found}")
    return Columns(columns.fields, {**columns.segments, **{name: name for name in further}}, columns.dropped)
