"""A result as one HTML file, which opens offline: the headline, what changes, what it costs, and where."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from proofwatch.biometrics.figures import Status
from proofwatch.report.document import document
from proofwatch.report.markup import (
    Cell,
    Html,
    count,
    interval,
    of,
    paragraph,
    percent,
    plot,
    section,
    strong,
    text,
)
from proofwatch.report.markup import table as markup_table
from services.scorer.backtest import plots, words
from services.scorer.backtest.changes import Change
from services.scorer.backtest.distributions import Distribution
from services.scorer.backtest.result import CohortResult, Result, changed_share

_PANELS: Final = {"retakes": "Δ retakes", "manual_reviews": "Δ manual reviews", "fnmr": "Δ FNMR", "bpcer": "Δ BPCER"}
_RARER: Final = {"fmr": "Δ FMR", "apcer": "Δ APCER (pooled)"}
_HEAD: Final = ("rate", "old, 95 %", "new, 95 %", "Δ, 95 %", "+ / −", "p (Holm)")
_STATUS: Final = {
    Status.PASS: Html('<span class="status pass">✓ PASS</span>'),
    Status.BREACH: Html('<span class="status breach">✗ BREACH</span>'),
    Status.INSUFFICIENT: Html('<span class="status open">? INSUFFICIENT</span>'),
    None: Html('<span class="none">no limit</span>'),
}
_MOST: Final = 15
_MOST_LISTED: Final = 500
_MOST_DRAWN: Final = 30
_CONTENTS: Final = {
    "decisions": "Decisions",
    "errors": "Error rates",
    "scores": "Scores",
    "segments": "Tenants and segments",
    "policies": "Policies",
    "reading": "How to read this",
}
_READING: Final = {
    "Δ and its interval": "New rate minus old rate of the same transactions, in percentage points. Only transactions "
    "that count under one policy alone tell them apart, so the interval is one for paired proportions: Tango's score "
    "interval, 95 %.",
    "+ / −": "How many transactions count under the new policy only, and under the old one only.",
    "p (Holm)": "McNemar's exact test: how often chance alone would split the transactions of + / − as unevenly, "
    "corrected by Holm's method for all tests of this page. A star marks p < 0.05.",
    "Limit": "Each rate against the limit of its own policy, by one-sided 95 % Clopper–Pearson bounds: PASS when the "
    "upper bound is within the limit, BREACH when the lower bound is above it, INSUFFICIENT in between.",
    "Interval": "Wilson's 95 % interval of a rate.",
    "APCER": "Attack presentations classified as bona fide, per species (ISO/IEC 30107-3). The worst species with "
    "enough trials speaks for the system; it may be another one under the new policy.",
    "Labels": "Error rates are over labelled transactions only. Labels are selective: the flagged are labelled more.",
}


def page(result: Result, match: Distribution | None, liveness: Distribution | None) -> str:
    """Return the page; equal results give equal bytes."""
    title = f"backtest of {result.new.name} against {result.old.name}"
    body = [
        _header(title, result),
        _decisions(result),
        _errors(result),
        _scores(match, liveness),
        _segments(result),
        _policies(result),
        _reading(result),
    ]
    return document(title, body)


def _header(title: str, result: Result) -> Html:
    lead, directions = words.headline(result)
    first, last = result.first, result.last
    when = f" They occurred from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC." if first and last else ""
    parts = [
        paragraph(strong(lead), kind="lead"),
        paragraph(directions),
        paragraph(f"{words.accounts(result)} {count(result.labelled)} have a label.{when}", kind="note"),
        *(paragraph(note, kind="note") for note in result.notes),
    ]
    links = "".join(f'<a href="#{anchor}">{text(name)}</a>' for anchor, name in _CONTENTS.items())
    return Html(
        f'<header><h1>Proofwatch: {text(title)}</h1>{"".join(parts)}<nav aria-label="Sections">{links}</nav></header>'
    )


def _decisions(result: Result) -> Html:
    total = result.total
    names, counts = words.matrix(total)
    rows = [(f"old: {old}", *(count(counts.get((old, new), 0)) for new in names)) for old in names]
    grid = markup_table(
        "Decisions, old policy down, new policy across", ["", *(f"new: {name}" for name in names)], rows
    )
    content = [grid, _lines("Rates of decisions", words.decision_lines(total))]
    if flows := words.flows(total):
        numbers = markup_table(
            "Moves", ["from → to", "transactions"], [(words.flow_name(m), count(m.n)) for m in flows]
        )
        content.insert(0, plot(plots.moves(flows), "Who is told something else; blue: towards acceptance.", numbers))
    return section("decisions", "Decisions", *content)


def _errors(result: Result) -> Html:
    lines = list(words.error_lines(result.total))
    if not lines:
        return section("errors", "Error rates", paragraph("No labels came, so there are no error rates."))
    return section("errors", "Error rates", _lines("On labelled transactions that both policies judged", lines))


def _scores(match: Distribution | None, liveness: Distribution | None) -> Html:
    drawn = []
    for name, found in (("match", match), ("liveness", liveness)):
        if found is None:
            continue
        head = ["from score", *(side.replace("_", " ") for side in found.counts)]
        rows = [
            (f"{edge:g}", *(count(counts[i]) for counts in found.counts.values()))
            for i, edge in enumerate(found.edges[:-1])
            if any(counts[i] for counts in found.counts.values())
        ]
        numbers = markup_table(f"{name.capitalize()} scores", head, rows)
        caption = f"{name.capitalize()} scores: accepted from the threshold on."
        drawn.append(plot(plots.scores(f"scores-{name}", found), caption, numbers))
    if not drawn:
        return section("scores", "Scores", paragraph("There were no scores."))
    return section("scores", "Scores", Html(f'<div class="pair">{"".join(drawn)}</div>'))


def _segments(result: Result) -> Html:
    content = [_most_changed(result)]
    groups = groupby(result.cohorts, key=lambda cohort: (cohort.tenant, cohort.segment))
    found = [(tenant, segment, list(group)) for (tenant, segment), group in groups if segment is not None]
    found = [each for each in found if any(cohort.changed for cohort in each[2])]
    found.sort(key=lambda each: -sum(cohort.changed for cohort in each[2]))
    for tenant, segment, group in found[:_MOST_DRAWN]:
        cohorts = sorted(group, key=lambda cohort: (-changed_share(cohort), words.name_of(cohort)))
        content.append(_segment(f"{tenant}: {segment}", f"{tenant}-{segment}", cohorts))
    if len(found) > _MOST_DRAWN:
        content.append(
            paragraph(f"The {_MOST_DRAWN} of {len(found)} segments with most changes are drawn.", kind="note")
        )
    if result.suppressed:
        less = f"{result.suppressed} cohorts of fewer than {result.small_cell} transactions are not shown."
        content.append(paragraph(less, kind="note"))
    return section("segments", "Tenants and segments", *content)


def _most_changed(result: Result) -> Html:
    cohorts = words.most_changed(result)
    if not cohorts:
        return paragraph("No decision changes in any cohort.")
    rates = {**_PANELS, **_RARER}
    rows = [
        (
            words.name_of(cohort),
            count(cohort.judged),
            count(cohort.changed),
            percent(changed_share(cohort)),
            *(_short(_rate(cohort, name)) for name in rates),
        )
        for cohort in cohorts
    ]
    head = ["cohort", "judged", "changed", "share", *rates.values()]
    worst = markup_table("Where decisions change most", head, rows[:_MOST])
    if len(rows) <= _MOST:
        return worst
    more = "; backtest.json has all" if len(rows) > _MOST_LISTED else ""
    rest = markup_table(f"{len(rows) - _MOST} more cohorts change{more}", head, rows[_MOST:_MOST_LISTED])
    return Html(f"{worst}<details><summary>More cohorts</summary>{rest}</details>")


def _segment(title: str, anchor: str, cohorts: Sequence[CohortResult]) -> Html:
    panels: dict[str, list[tuple[str, Change]]] = {}
    for name, heading in _PANELS.items():
        found = [(cohort.value or "", change) for cohort in cohorts if (change := _rate(cohort, name)) is not None]
        if any(change.newly or change.no_longer for _, change in found):
            panels[heading] = found
    if not panels:
        return Html("")
    drawn = plots.deltas(f"segment-{anchor}", panels)
    lines = [
        words.Line(f"{value}: {heading.removeprefix('Δ ')}", change)
        for heading, changes in panels.items()
        for value, change in changes
    ]
    rows = len({value for changes in panels.values() for value, _ in changes})
    cut = f" The first {plots.MOST_ROWS} of {rows} are drawn." if rows > plots.MOST_ROWS else ""
    caption = f"Differences by value; filled: more than chance after the correction for all tests.{cut}"
    return Html(f"<h3>{text(title)}</h3>{plot(drawn, caption, _lines(title, lines))}")


def _rate(cohort: CohortResult, name: str) -> Change | None:
    if name == "apcer":
        return cohort.apcer.pooled if cohort.apcer else None
    found: Mapping[str, Change] = {**cohort.decisions, **cohort.errors}
    change = found.get(name)
    return change if change is not None and change.delta is not None else None


def _policies(result: Result) -> Html:
    named = ", ".join(
        f"{which}: {policy.name} ({policy.hash})" for which, policy in (("old", result.old), ("new", result.new))
    )
    if not result.differences:
        return section("policies", "Policies", paragraph(f"{named}. They do not differ."))
    rows = [(each.key, _value(each.old), _value(each.new)) for each in result.differences]
    return section("policies", "Policies", paragraph(named), markup_table("What differs", ["key", "old", "new"], rows))


def _reading(result: Result) -> Html:
    terms = "".join(f"<dt>{text(term)}</dt><dd>{text(meaning)}</dd>" for term, meaning in _READING.items())
    tests = paragraph(f"This page rests on {count(result.tests)} tests.", kind="note")
    return section("reading", "How to read this", Html(f"<dl>{terms}</dl>"), tests)


def _lines(caption: str, lines: Sequence[words.Line]) -> Html:
    rows: list[Sequence[Cell]] = []
    judged = any(line.old.status or line.new.status for line in lines)
    for line in lines:
        change = line.change
        told = f"+{count(change.newly)} −{count(change.no_longer)}"
        star = " *" if words.significant(change) else ""
        delta = _over(words.points(line.delta), words.points_interval(change))
        paired = (delta, told, f"{words.p_value(change.p_holm)}{star}")
        rows.append(
            (
                line.name,
                _over(f"{percent(line.old.value)} ({of(line.old)})", interval(line.old)),
                _over(f"{percent(line.new.value)} ({of(line.new)})", interval(line.new)),
                *(paired if line.paired else (_over(words.points(line.delta), "another species"), "–", "–")),
                *([Html(f"{_STATUS[line.old.status]} → {_STATUS[line.new.status]}")] if judged else []),
            )
        )
    return markup_table(caption, [*_HEAD, "limit"] if judged else _HEAD, rows)


def _over(above: str, below: str) -> Html:
    return Html(f"{text(above)}<br>{text(below)}")


def _short(change: Change | None) -> str:
    if change is None or change.delta is None:
        return "–"
    return f"{words.points(change.delta)}{' *' if words.significant(change) else ''}"


def _value(value: object) -> str:
    return "–" if value is None else str(value)
