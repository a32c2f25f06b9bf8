"""An evaluation as tables for people."""

from collections.abc import Iterator
from typing import TextIO

from msgspec import UNSET
from rich.table import Table

from proofwatch.biometrics.attacks import InjectionEvaluation, SystemEvaluation
from proofwatch.biometrics.check_evaluation import LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.evaluation import Evaluation, SegmentEvaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.report.proof import because, meaning, rate_name
from proofwatch.runtime.terminal import Terminal, literal

_COLOURS = {Status.PASS: "green", Status.BREACH: "red", Status.INSUFFICIENT: "yellow"}
_PLAIN_WIDTH = 120  # of a file or a pipe, where there is no window to fit


def write_text(evaluation: Evaluation, out: TextIO) -> None:
    """Write the evaluation to `out`: the figures of everything, then one line per segment value."""
    console = Terminal(out, highlight=True, width=None if out.isatty() else _PLAIN_WIDTH)
    judged: list[tuple[str, Figure]] = []
    for title, figures in _parts(evaluation):
        console.print(_figures(title, figures))
        judged += figures
    for column, values in evaluation.segments.items():
        console.print(_segment(column, values))
        judged += [(f"{rate_name(metric)} by {column}", f) for metric, f in evaluation.worst_segments[column].items()]
    headline = ""
    for name, figure in judged:
        if not name.startswith(" "):
            headline = name.partition(" (")[0].removesuffix(" pooled")
        named = f"{headline} of {name.strip()}" if name.startswith(" ") else name
        if said := because(figure):
            console.print(literal(f"{named}: {figure.status}, {meaning(figure)}: {said}"))
    console.print("low, high: Wilson 95 %. status: one-sided Clopper-Pearson 95 % against the policy's limit.")
    console.print("A worst-of status: BREACH if any is (Bonferroni), PASS only if every one is.")


def _parts(evaluation: Evaluation) -> Iterator[tuple[str, list[tuple[str, Figure]]]]:
    if match := evaluation.match:
        yield f"Face match, accepted from {match.threshold!r}", _match(match)
    if liveness := evaluation.liveness:
        yield f"Liveness, accepted from {liveness.threshold!r}", _liveness(liveness)
    if evaluation.system:
        yield "Attacks against the whole system", _system(evaluation.system)
    if evaluation.injection:
        yield "Injection attacks", _injection(evaluation.injection)


def _match(m: MatchEvaluation) -> list[tuple[str, Figure]]:
    counted = [("FTA", m.fta), ("FMR", m.fmr), ("FNMR", m.fnmr), ("FAR", m.far), ("FRR", m.frr), ("HTER", m.hter)]
    fixed = [(f"FNMR at FMR <= {maximum}", figure) for maximum, figure in m.fnmr_at_fmr.items()]
    return [*counted, ("EER", m.eer), ("AUC", m.auc), *fixed]


def _liveness(m: LivenessEvaluation) -> list[tuple[str, Figure]]:
    worst = f"APCER (worst: {m.apcer.worst_species or 'no species has enough trials'})"
    return [
        (worst, m.apcer),
        ("APCER pooled", m.apcer_pooled),
        *((f"  {species}", figure) for species, figure in m.apcer_by_species.items()),
        ("BPCER", m.bpcer),
        ("APNRR", m.apnrr),
        ("BPNRR", m.bpnrr),
        ("EER", m.eer),
        ("AUC", m.auc),
        ("BPCER10", m.bpcer10),
        ("BPCER20", m.bpcer20),
        ("BPCER100", m.bpcer100),
    ]


def _system(m: SystemEvaluation) -> list[tuple[str, Figure]]:
    return [
        (f"IAPAR (worst: {m.iapar.worst_species or 'no species has enough trials'})", m.iapar),
        *((f"  {species}", figure) for species, figure in m.iapar_by_species.items()),
        ("RIAPAR", m.riapar),
    ]


def _injection(m: InjectionEvaluation) -> list[tuple[str, Figure]]:
    return [
        ("passed as bona fide", m.pass_rate),
        *((f"  {method}", figure) for method, figure in m.pass_rate_by_method.items()),
        ("non-responses", m.non_response_rate),
        ("accepted by the system", m.accept_rate),
        *((f"  {method}", figure) for method, figure in m.accept_rate_by_method.items()),
    ]


def _figures(title: str, figures: list[tuple[str, Figure]]) -> Table:
    table = Table("figure", title=title, title_justify="left")
    for heading in ("k", "n", "value", "low", "high", "status"):
        table.add_column(heading, justify="right")
    for name, f in figures:
        table.add_row(
            literal(name), _count(f.k), _count(f.n), _value(name, f), _percent(f.low), _percent(f.high), _status(f)
        )
    return table


def _segment(column: str, values: dict[str, SegmentEvaluation]) -> Table:
    rows = {value: _headlines(figures) for value, figures in values.items()}
    # One kind of score is common; columns that would stay empty are left out.
    headings = [
        h for h in ("FMR", "FNMR", "FTA", "worst APCER", "BPCER", "BPNRR") if any(h in r for r in rows.values())
    ]
    table = Table(title=literal(f"By {column}", "table.title"), title_justify="left")
    table.add_column(literal(column))
    for heading in headings:
        table.add_column(heading, justify="right")
    for value, figures in rows.items():
        table.add_row(literal(value), *(_short(figures[h]) if h in figures else "" for h in headings))
    return table


def _headlines(segment: SegmentEvaluation) -> dict[str, Figure]:
    m, p = segment.match, segment.liveness
    match = {"FMR": m.fmr, "FNMR": m.fnmr, "FTA": m.fta} if m else {}
    return match | ({"worst APCER": p.apcer, "BPCER": p.bpcer, "BPNRR": p.bpnrr} if p else {})


def _short(f: Figure) -> str:
    if f.value is None:
        return "-"
    cell = f"{_percent(f.value)} ({f.k}/{f.n})"
    return f"[{_COLOURS[f.status]}]{cell}[/]" if f.status else cell


def _value(name: str, f: Figure) -> str:
    show = _area if name == "AUC" else _percent
    return show(f.value) if f.bounds is UNSET else f"{show(f.value)} ({show(f.bounds.low)} to {show(f.bounds.high)})"


def _status(f: Figure) -> str:
    if f.status is None:
        return ""
    said = f"{f.status}: {meaning(f)}" if f.status is Status.INSUFFICIENT else f.status
    return f"[{_COLOURS[f.status]}]{said}[/]"


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def _area(value: float | None) -> str:
    return "-" if value is None else f"{value:.5f}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.3%}"
