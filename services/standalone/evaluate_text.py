"""An evaluation as tables for people."""

from typing import TextIO

from msgspec import UNSET
from rich.table import Table

from proofwatch.biometrics.check_evaluation import LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.evaluation import Evaluation, SegmentEvaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.runtime.terminal import Terminal, literal

_COLOURS = {Status.PASS: "green", Status.BREACH: "red", Status.INSUFFICIENT: "yellow"}
_PLAIN_WIDTH = 120  # of a file or a pipe, where there is no window to fit


def write_text(evaluation: Evaluation, out: TextIO) -> None:
    """Write the evaluation to `out`: the figures of everything, then one line per segment value."""
    console = Terminal(out, highlight=True, width=None if out.isatty() else _PLAIN_WIDTH)
    if evaluation.match:
        console.print(_figures("Face match", evaluation.match.threshold, _match(evaluation.match)))
    if evaluation.liveness:
        console.print(_figures("Liveness", evaluation.liveness.threshold, _liveness(evaluation.liveness)))
    for column, values in evaluation.segments.items():
        console.print(_segment(column, values))
    console.print("low, high: Wilson 95 %. status: one-sided Clopper-Pearson 95 % against the policy's limit.")


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


def _figures(title: str, threshold: float, figures: list[tuple[str, Figure]]) -> Table:
    table = Table("figure", title=f"{title}, accepted from {threshold!r}", title_justify="left")
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
    text = f"{f.value:.5f}" if name == "AUC" and f.value is not None else _percent(f.value)
    return text if f.resolution is UNSET else f"{text} (res. {f.resolution:.2g})"


def _status(f: Figure) -> str:
    return f"[{_COLOURS[f.status]}]{f.status}[/]" if f.status else ""


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.3%}"
