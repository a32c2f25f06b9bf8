"""The words of a result, the same in the terminal and on the page."""

from collections.abc import Iterator
from typing import Final

from proofwatch.biometrics.figures import Figure
from proofwatch.report.numbers import count, percent
from services.scorer.backtest.changes import Change, names_worst
from services.scorer.backtest.result import CohortResult, Moved, Result, changed_share

SIGNIFICANT: Final = 0.05
NAMES: Final = {
    "accepted": "accepted",
    "retakes": "retakes (asked to retry)",
    "manual_reviews": "manual reviews (referred)",
    "kyc_reviews": "… manual KYC review",
    "fraud_reviews": "… fraud analyst review",
    "fmr": "FMR: impostors matched",
    "fnmr": "FNMR: genuine people not matched",
    "bpcer": "BPCER: bona fide presentations rejected",
}


class Line:
    """One row of figures: a name, the change, and which species when it is the worst one's."""

    __slots__ = ("change", "delta", "name", "new", "old", "paired")

    def __init__(
        self, name: str, change: Change, old: Figure | None = None, new: Figure | None = None, *, paired: bool = True
    ) -> None:
        """`old` and `new` replace the figures of `change`; unless `paired`, it says nothing about their difference."""
        self.name = name
        self.change = change
        self.old, self.new = old or change.old, new or change.new
        self.paired = paired
        self.delta = change.delta
        if not self.paired:
            known = self.old.value is not None and self.new.value is not None
            self.delta = (self.new.value or 0.0) - (self.old.value or 0.0) if known else None


def decision_lines(cohort: CohortResult) -> list[Line]:
    """Return the rates of decisions."""
    return [Line(NAMES[name], change) for name, change in cohort.decisions.items()]


def error_lines(cohort: CohortResult) -> Iterator[Line]:
    """Yield the error rates: FMR, FNMR, BPCER, APCER of the worst species, pooled, and by species."""
    for name, change in cohort.errors.items():
        yield Line(NAMES[name], change)
    apcer = cohort.apcer
    if apcer is None:
        return
    old, new = apcer.old.worst_species, apcer.new.worst_species
    if names_worst(apcer) and new is not None:
        yield Line(f"APCER, worst species: {new}", apcer.species[new], apcer.old, apcer.new)
    elif old or new:
        named = f"{old or 'none has enough trials'} → {new or 'none has enough trials'}"
        yield Line(f"APCER, worst species: {named}", apcer.pooled, apcer.old, apcer.new, paired=False)
    yield Line("APCER pooled: all attacks together", apcer.pooled)
    for species, change in apcer.species.items():
        yield Line(f"… of {species}", change)


def name_of(cohort: CohortResult) -> str:
    """Return the cohort as people call it."""
    if cohort.tenant is None:
        return "everybody"
    return cohort.tenant if cohort.segment is None else f"{cohort.tenant}, {cohort.segment} {cohort.value}"


def points(value: float | None) -> str:
    """Return a difference of rates in percentage points, with its sign."""
    return "–" if value is None else f"{_signed(value)} pp"


def points_interval(change: Change) -> str:
    """Return the interval of a difference."""
    if change.low is None or change.high is None:
        return "–"
    return f"{_signed(change.low)} to {_signed(change.high)} pp"


def p_value(value: float | None) -> str:
    """Return a p value to two digits."""
    if value is None:
        return "–"
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def headline(result: Result) -> tuple[str, str]:
    """Return what changes in two sentences: all of it, and in which directions."""
    total = result.total
    lead = (
        f"{count(total.judged)} transactions were judged by both policies; the decision on {count(total.changed)} "
        f"of them ({percent(changed_share(total))}) changes."
    )
    if not total.judged:
        return "No transaction was judged by both policies.", "Nothing can be said about them."
    if not total.changed:
        return lead, "Both policies decide alike on this log."
    moves = sorted(_decisions(total), key=lambda item: (-item[1], item[0]))
    said = [f"{count(n)} {old} → {new}" for (old, new), n in moves if old != new]
    return lead, f"{', '.join(said)}."


def matrix(cohort: CohortResult) -> tuple[list[str], dict[tuple[str, str], int]]:
    """Return what policies said, in a fixed order, and how many transactions went from which to which."""
    counts = dict(_decisions(cohort))
    order = ("accept", "retry", "refer", "deduplicated", "refused")
    met = {name for pair in counts for name in pair}
    return [name for name in order if name in met], counts


def flows(cohort: CohortResult) -> list[Moved]:
    """Return the moves that change something for the user or for staff, the most frequent first."""
    moved = [m for m in cohort.moves if (m.old_decision, m.old_action) != (m.new_decision, m.new_action)]
    return sorted(moved, key=lambda m: (-m.n, m.old_decision, m.old_action, m.new_decision, m.new_action))


def flow_name(moved: Moved) -> str:
    """Return a move in words."""
    return f"{_said(moved.old_decision, moved.old_action)} → {_said(moved.new_decision, moved.new_action)}"


def most_changed(result: Result) -> list[CohortResult]:
    """Return the cohorts whose decisions change, those with the greatest share first."""
    changed = [cohort for cohort in result.cohorts if cohort.changed]
    return sorted(changed, key=lambda cohort: (-changed_share(cohort), -cohort.judged, name_of(cohort)))


def significant(change: Change | None) -> bool:
    """Return whether a difference is more than chance after correction for all tests of the result."""
    return change is not None and change.p_holm is not None and change.p_holm < SIGNIFICANT


def accounts(result: Result) -> str:
    """Return what became of everything that was read."""
    parts = [f"{count(result.total.n)} counted"]
    if result.outside_period:
        parts.append(f"{count(result.outside_period)} outside of the period")
    if result.other_tenants:
        parts.append(f"{count(result.other_tenants)} of other tenants")
    parts += [f"{count(n)} refused ({reason})" for reason, n in result.refused.items()]
    return f"{count(result.read)} read: {', '.join(parts)}."


def _decisions(cohort: CohortResult) -> Iterator[tuple[tuple[str, str], int]]:
    counts: dict[tuple[str, str], int] = {}
    for move in cohort.moves:
        key = (move.old_decision, move.new_decision)
        counts[key] = counts.get(key, 0) + move.n
    yield from counts.items()


def _said(decision: str, action: str) -> str:
    return decision if action == "none" else f"{decision}: {action.replace('_', ' ')}"


def _signed(value: float) -> str:
    rounded = float(f"{100 * value:.3g}")
    return f"{rounded:+,.10g}".replace("-", "−") if rounded else "±0"
