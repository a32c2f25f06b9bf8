"""A result as one HTML file, which opens offline; `templates` has its markup and its words."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from markupsafe import Markup

from proofwatch.report.numbers import count, percent
from proofwatch.report.page import render
from proofwatch.report.parts import Plot, Table
from services.scorer.backtest import plots, words
from services.scorer.backtest.changes import Change
from services.scorer.backtest.distributions import Distribution
from services.scorer.backtest.result import CohortResult, Result, changed_share

_TEMPLATES: Final = Path(__file__).with_name("templates")
_CONTENTS: Final = {
    "decisions": "Decisions",
    "errors": "Error rates",
    "scores": "Scores",
    "segments": "Tenants and segments",
    "policies": "Policies",
    "reading": "How to read this",
}
"""The sections in order: the name of each template, and what leads to it."""
_FILTERS: Final = {
    each.__name__: each for each in (words.points, words.points_interval, words.p_value, words.significant)
}
_PANELS: Final = {"retakes": "Δ retakes", "manual_reviews": "Δ manual reviews", "fnmr": "Δ FNMR", "bpcer": "Δ BPCER"}
_RARER: Final = {"fmr": "Δ FMR", "apcer": "Δ APCER (pooled)"}
_MOST: Final = 15
_MOST_LISTED: Final = 500
_MOST_DRAWN: Final = 30


class Segment(NamedTuple):
    """What changes by the values of one segment of one tenant; `plots.MOST_ROWS` of `most` values are drawn."""

    name: str
    drawn: Markup
    lines: Sequence[words.Line]
    most: int


def page(result: Result, match: Distribution | None, liveness: Distribution | None) -> str:
    """Return the page; equal results give equal bytes."""
    lead, directions = words.headline(result)
    cohorts = _cohorts(words.most_changed(result))
    changed = _changed_segments(result)
    return render(
        _TEMPLATES,
        "sections.html",
        _FILTERS,
        title=f"backtest of {result.new.name} against {result.old.name}",
        contents=_CONTENTS,
        result=result,
        lead=lead,
        directions=directions,
        accounts=words.accounts(result),
        moves=_moves(result),
        matrix=_matrix(result),
        decisions=words.decision_lines(result.total),
        errors=list(words.error_lines(result.total)),
        scores=[_scores(name, found) for name, found in (("match", match), ("liveness", liveness)) if found],
        cohorts=cohorts[0] if cohorts else None,
        more_cohorts=cohorts[1] if len(cohorts) > 1 else None,
        segments=[found for each in changed[:_MOST_DRAWN] if (found := _segment(*each))],
        changed_segments=len(changed),
        most_segments=_MOST_DRAWN,
        most_rows=plots.MOST_ROWS,
        differences=_differences(result),
    )


def _moves(result: Result) -> Plot | None:
    flows = words.flows(result.total)
    if not flows:
        return None
    numbers = Table("Moves", ["from → to", "transactions"], [(words.flow_name(m), count(m.n)) for m in flows])
    return Plot(plots.moves(flows), "Who is told something else; blue: towards acceptance.", numbers)


def _matrix(result: Result) -> Table:
    names, counts = words.matrix(result.total)
    rows = [(f"old: {old}", *(count(counts.get((old, new), 0)) for new in names)) for old in names]
    return Table("Decisions, old policy down, new policy across", ["", *(f"new: {name}" for name in names)], rows)


def _scores(name: str, found: Distribution) -> Plot:
    rows = [
        (f"{edge:g}", *(count(counts[i]) for counts in found.counts.values()))
        for i, edge in enumerate(found.edges[:-1])
        if any(counts[i] for counts in found.counts.values())
    ]
    head = ["from score", *(side.replace("_", " ") for side in found.counts)]
    numbers = Table(f"{name.capitalize()} scores", head, rows)
    caption = f"{name.capitalize()} scores: accepted from the threshold on."
    return Plot(plots.scores(f"scores-{name}", found), caption, numbers)


def _cohorts(changed: Sequence[CohortResult]) -> list[Table]:
    """Return the cohorts that change most, and those after them."""
    if not changed:
        return []
    rates = {**_PANELS, **_RARER}
    rows = [
        (
            words.name_of(cohort),
            count(cohort.judged),
            count(cohort.changed),
            percent(changed_share(cohort)),
            *(_short(_rate(cohort, name)) for name in rates),
        )
        for cohort in changed
    ]
    head = ["cohort", "judged", "changed", "share", *rates.values()]
    worst = Table("Where decisions change most", head, rows[:_MOST])
    if len(rows) <= _MOST:
        return [worst]
    more = "; backtest.json has all" if len(rows) > _MOST_LISTED else ""
    return [worst, Table(f"{len(rows) - _MOST} more cohorts change{more}", head, rows[_MOST:_MOST_LISTED])]


def _changed_segments(result: Result) -> list[tuple[str, str, list[CohortResult]]]:
    """Return tenant, segment and cohorts where decisions change, those with most changes first."""
    groups = groupby(result.cohorts, key=lambda cohort: (cohort.tenant, cohort.segment))
    found = [(str(tenant), segment, list(group)) for (tenant, segment), group in groups if segment is not None]
    found = [each for each in found if any(cohort.changed for cohort in each[2])]
    return sorted(found, key=lambda each: -sum(cohort.changed for cohort in each[2]))


def _segment(tenant: str, segment: str, group: Sequence[CohortResult]) -> Segment | None:
    cohorts = sorted(group, key=lambda cohort: (-changed_share(cohort), words.name_of(cohort)))
    panels: dict[str, list[tuple[str, Change]]] = {}
    for name, heading in _PANELS.items():
        found = [(cohort.value or "", change) for cohort in cohorts if (change := _rate(cohort, name)) is not None]
        if any(change.newly or change.no_longer for _, change in found):
            panels[heading] = found
    if not panels:
        return None
    lines = [
        words.Line(f"{value}: {heading.removeprefix('Δ ')}", change)
        for heading, changes in panels.items()
        for value, change in changes
    ]
    rows = len({value for changes in panels.values() for value, _ in changes})
    return Segment(f"{tenant}: {segment}", plots.deltas(f"segment-{tenant}-{segment}", panels), lines, rows)


def _rate(cohort: CohortResult, name: str) -> Change | None:
    if name == "apcer":
        return cohort.apcer.pooled if cohort.apcer else None
    found: Mapping[str, Change] = {**cohort.decisions, **cohort.errors}
    change = found.get(name)
    return change if change is not None and change.delta is not None else None


def _differences(result: Result) -> Table:
    rows = [(each.key, _value(each.old), _value(each.new)) for each in result.differences]
    return Table("What differs", ["key", "old", "new"], rows)


def _short(change: Change | None) -> str:
    if change is None or change.delta is None:
        return "–"
    return f"{words.points(change.delta)}{' *' if words.significant(change) else ''}"


def _value(value: object) -> str:
    return "–" if value is None else str(value)
