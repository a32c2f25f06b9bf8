"""Cells put together again: outcomes and score sketches by trial class, for windows and for evaluations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.biometrics.trials import UNLABELLED, ClassCounts, Cohort, is_system
from services.aggregator.core.labelled import MISSING, TRANSACTIONS, Cell

CellCounts = Iterable[tuple[Cell, int]]
Cohorts = dict[Cohort, dict[str, ClassCounts]]


def class_counts(cells: CellCounts, edge_sets: Mapping[str, EdgeSet]) -> dict[str, ClassCounts]:
    """Return outcomes and sketch of every trial class, over all policies; `edge_sets` by their id.

    Raises KeyError for a cell on an edge set that is not given.
    """
    outcomes: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"passed": 0, "failed": 0, MISSING: 0})
    bins: defaultdict[str, defaultdict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for cell, n in cells:
        if cell.trial_class == TRANSACTIONS or not n:
            continue
        outcomes[cell.trial_class][cell.outcome] += n
        if cell.grid:
            counts = bins[cell.trial_class][cell.grid]
            counts[cell.bin] = counts.get(cell.bin, 0) + n
    return {
        name: ClassCounts(
            # Negative only where a release before counted a label that this one takes back.
            max(0, counted["passed"]) if is_system(name) else counted["passed"],
            max(0, counted["failed"]) if is_system(name) else counted["failed"],
            counted[MISSING],
            None if is_system(name) else merged(Sketch(edge_sets[grid], counts) for grid, counts in bins[name].items()),
        )
        for name, counted in sorted(outcomes.items())
    }


def transactions_by_policy(cells: CellCounts) -> dict[str, int]:
    """Return the labelled transactions by the hash of the policy that decided them."""
    found: dict[str, int] = {}
    for cell, n in cells:
        if cell.trial_class == TRANSACTIONS and n:
            found[cell.policy_hash] = found.get(cell.policy_hash, 0) + n
    return dict(sorted(found.items()))


def with_unlabelled(cohorts: Cohorts, segments: Sequence[str] | None = None) -> Cohorts:
    """Return the cohorts with `unlabelled` for every segment: the trials that carry no value of it.

    That a transaction lacks a segment which others have cannot be known when it is counted, so this is taken as the
    whole tenant minus the sum over the values, in counts and sketches: exact, for a transaction has one value at most.
    `segments` None: those that have values; others, if named, are unlabelled altogether.
    """
    names = {cohort[0] for cohort in cohorts if cohort} if segments is None else segments
    whole = cohorts.get(None, {})
    completed = dict(cohorts)
    for name in sorted(names):
        values = [classes for cohort, classes in cohorts.items() if cohort and cohort[0] == name]
        rest = {}
        for trial_class, counts in whole.items():
            left = _minus(counts, [classes[trial_class] for classes in values if trial_class in classes])
            if left.n or left.missing:
                rest[trial_class] = left
        if rest:
            blank = (name, UNLABELLED)
            completed[blank] = _sum(rest, cohorts.get(blank, {}))
    return completed


def _minus(whole: ClassCounts, parts: Sequence[ClassCounts]) -> ClassCounts:
    return ClassCounts(
        whole.passed - sum(part.passed for part in parts),
        whole.failed - sum(part.failed for part in parts),
        whole.missing - sum(part.missing for part in parts),
        _scores(whole).subtract(merged([_scores(part) for part in parts]))
        if parts and whole.scores is not None
        else whole.scores,
    )


def _sum(one: Mapping[str, ClassCounts], other: Mapping[str, ClassCounts]) -> dict[str, ClassCounts]:
    """Add a segment's value that upstream itself called `unlabelled` to those without a value."""
    total = dict(one)
    for name, counts in other.items():
        mine = total.get(name)
        total[name] = (
            ClassCounts(
                mine.passed + counts.passed,
                mine.failed + counts.failed,
                mine.missing + counts.missing,
                _scores(mine).merge(_scores(counts)) if mine.scores is not None else None,
            )
            if mine
            else counts
        )
    return total


def _scores(counts: ClassCounts) -> Sketch:
    assert isinstance(counts.scores, Sketch), "the ledger keeps sketches, not scores"
    return counts.scores
