"""A result as tables in the terminal: the headline first, then what changed most."""

from typing import IO, Final

from rich.table import Table

from proofwatch.biometrics.figures import Figure, Status
from proofwatch.report.numbers import count, percent
from proofwatch.report.proof import meaning
from proofwatch.runtime.terminal import Terminal, literal
from services.scorer.backtest import words
from services.scorer.backtest.changes import Change
from services.scorer.backtest.result import CohortResult, Result, changed_share

_COLOURS: Final = {Status.PASS: "green", Status.BREACH: "bold red", Status.INSUFFICIENT: "yellow"}
_MOST: Final = 15


def write_text(result: Result, file: IO[str]) -> None:
    """Write the result to a terminal or a file."""
    console = Terminal(file)
    if not console.is_terminal:
        console.width = 160
    old, new = result.old, result.new
    lead, directions = words.headline(result)
    console.print(literal(f"backtest: {old.name} ({old.hash[:12]}) → {new.name} ({new.hash[:12]})", "bold"))
    console.print(f"[bold]{lead}[/]")
    console.print(directions)
    console.print(f"{words.accounts(result)} {count(result.labelled)} have a label.\n")
    if result.differences:
        console.print(_differences(result))
    console.print(_lines("Decisions", words.decision_lines(result.total)))
    if errors := list(words.error_lines(result.total)):
        console.print(_lines("Error rates on labelled transactions", errors))
    else:
        console.print("No labels came, so there are no error rates.\n")
    if words.flows(result.total):
        console.print(_flows(result))
    if worst := words.most_changed(result):
        console.print(_cohorts(worst))
        if len(worst) > _MOST:
            console.print(f"The {_MOST} of {len(worst)} cohorts that change most; backtest.json has all.")
    if result.suppressed:
        console.print(f"{result.suppressed} cohorts of fewer than {result.small_cell} transactions are not shown.")
    console.print(
        f"Intervals: Wilson's for rates, Tango's for differences of the same transactions. p: McNemar's exact test, "
        f"corrected by Holm for {result.tests} tests; * marks p < {words.SIGNIFICANT:g}."
    )
    for note in result.notes:
        console.print(literal(note))


def _differences(result: Result) -> Table:
    table = Table("policy key", "old", "new", title="What differs between the policies", title_justify="left")
    for each in result.differences:
        table.add_row(literal(each.key), literal(_value(each.old)), literal(_value(each.new)))
    return table


def _lines(title: str, lines: list[words.Line]) -> Table:
    table = Table("rate", title=title, title_justify="left")
    for heading in ("old", "new", "Δ", "95 % of Δ", "+ / −", "p (Holm)", "old limit", "new limit"):
        table.add_column(heading, justify="right")
    for line in lines:
        change = line.change
        paired = (words.points_interval(change), f"+{count(change.newly)} −{count(change.no_longer)}", _p(change))
        table.add_row(
            literal(line.name),
            _rate(line.old),
            _rate(line.new),
            words.points(line.delta),
            *(paired if line.paired else ("other species", "", "")),
            _status(line.old),
            _status(line.new),
        )
    return table


def _flows(result: Result) -> Table:
    table = Table("from → to", title="Who is told something else", title_justify="left")
    table.add_column("transactions", justify="right")
    for moved in words.flows(result.total)[:_MOST]:
        table.add_row(words.flow_name(moved), count(moved.n))
    return table


def _cohorts(cohorts: list[CohortResult]) -> Table:
    table = Table("cohort", title="Where decisions change most", title_justify="left")
    for heading in ("judged", "changed", "Δ retakes", "Δ reviews", "Δ FNMR", "Δ BPCER", "Δ FMR", "Δ APCER"):
        table.add_column(heading, justify="right")
    for cohort in cohorts[:_MOST]:
        apcer = cohort.apcer.pooled if cohort.apcer else None
        table.add_row(
            literal(words.name_of(cohort)),
            count(cohort.judged),
            f"{count(cohort.changed)} ({percent(changed_share(cohort))})",
            *(_delta(cohort.decisions.get(name)) for name in ("retakes", "manual_reviews")),
            *(_delta(cohort.errors.get(name)) for name in ("fnmr", "bpcer", "fmr")),
            _delta(apcer),
        )
    return table


def _delta(change: Change | None) -> str:
    if change is None or change.delta is None:
        return ""
    return f"{words.points(change.delta)}{'*' if words.significant(change) else ''}"


def _p(change: Change) -> str:
    return f"{words.p_value(change.p_holm)}{' *' if words.significant(change) else ''}"


def _rate(figure: Figure) -> str:
    return "–" if figure.value is None else f"{percent(figure.value)} ({count(figure.k)}/{count(figure.n)})"


def _status(figure: Figure) -> str:
    if figure.status is None:
        return ""
    said = f"{figure.status}: {meaning(figure)}" if figure.status is Status.INSUFFICIENT else figure.status
    return f"[{_COLOURS[figure.status]}]{said}[/]"


def _value(value: object) -> str:
    return "–" if value is None else str(value)
