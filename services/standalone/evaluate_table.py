"""From a score table to its evaluation: which columns it takes, and what each row counts as."""

from collections.abc import Sequence

from proofwatch.biometrics.curve_figures import ThresholdChoice
from proofwatch.biometrics.evaluation import Evaluation, evaluate_scores
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR, Trials, attack_class, cohorts_of
from proofwatch.intake import BUILT_IN_SEGMENTS
from proofwatch.tabular import Row, Table, TableError, choice, score

MATCH_COLUMNS = ("match_score", "pair")
LIVENESS_COLUMNS = ("liveness_score", "presentation")


def evaluate_table(
    table: Table,
    *,
    match_threshold: ThresholdChoice,
    liveness_threshold: ThresholdChoice,
    limits: Limits,
    min_trials: int,
    segments: Sequence[str] | None = None,
) -> Evaluation:
    """Return the evaluation of a score table; `segments` None means every built-in segment column it has.

    Raises `TableError` for a table that has no usable pair of columns, lacks a segment column, holds no labelled row
    or a wrong cell, or has scores of one side only where a threshold is `eer`.
    """
    if segments is None:
        segments = [name for name in BUILT_IN_SEGMENTS if name in table.columns]
    else:
        segments = list(dict.fromkeys(segments))
    labelled = read_trials(table, segments)
    try:
        return evaluate_scores(
            labelled, match_threshold, liveness_threshold, limits=limits, min_trials=min_trials, segments=segments
        )
    except ValueError as error:
        raise TableError(f"{table.file}: {error}; or give a number") from error


def read_trials(table: Table, segments: Sequence[str]) -> Trials:
    """Return every labelled trial of the table by cohort; the cohorts are those of `segments`.

    Raises `TableError` as `evaluate_table` does.
    """
    columns = set(table.columns)
    sides = [names for names in (MATCH_COLUMNS, LIVENESS_COLUMNS) if columns.issuperset(names)]
    if not sides:
        found = ", ".join(table.columns) or "none"
        raise TableError(
            f"{table.file}: has no usable column; needs match_score and pair, or liveness_score and presentation"
            f" (separated by commas, spelled like this); found: {found}"
        )
    for name in segments:
        if name not in columns:
            raise TableError(f"{table.file}: has no column {name} to break down by; found: {', '.join(table.columns)}")
    labelled = Trials()
    for row in table.rows():
        _add(labelled, row, sides, segments)
    if not labelled.cells:
        labels = " or ".join(label for _, label in sides)
        raise TableError(f"{table.file}: no row has a label; fill in the column {labels}")
    return labelled


def _add(labelled: Trials, row: Row, sides: Sequence[tuple[str, str]], segments: Sequence[str]) -> None:
    cohorts = cohorts_of({name: row.values.get(name) for name in segments})
    # Scores of rows without a label are read too: a NaN there is as wrong as anywhere.
    if MATCH_COLUMNS in sides:
        pair, match_score = choice(row, "pair", (GENUINE, IMPOSTOR)), score(row, "match_score")
        if pair:
            labelled.add(pair, match_score, cohorts)
    if LIVENESS_COLUMNS in sides:
        presentation = choice(row, "presentation", (BONA_FIDE, ATTACK))
        liveness_score = score(row, "liveness_score")
        if presentation:
            name = attack_class(row.values.get("pai_species")) if presentation == ATTACK else BONA_FIDE
            labelled.add(name, liveness_score, cohorts)
