"""The top of the page: what happened, whether it is accounted for, and the figures that matter."""

from collections.abc import Mapping
from typing import Any, Final

from proofwatch.biometrics.evaluation import Evaluation, LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.biometrics.rates import Limits
from proofwatch.report.markup import (
    STATUS,
    Cell,
    Html,
    count,
    interval,
    of,
    paragraph,
    percent,
    section,
    strong,
    table,
)

NO_LABELS: Final = "No labels came, so there are no error rates."
_ACCOUNTS: Final = {"decided": "decided", "deduplicated": "deduplicated", "dead_lettered": "refused (dead letters)"}
_FINDINGS: Final = {
    Status.BREACH: "Proven above the limit: ",
    Status.PASS: "Proven within the limit: ",
    Status.INSUFFICIENT: "Too few trials to tell: ",
}


def opening(summary: Mapping[str, Any], evaluation: Evaluation) -> Html:
    """Return what happened in a sentence, the finding on the limits, and the accounts of every transaction."""
    accounts, decisions = summary["conservation"], summary["decisions"]
    accepted, retry, refer = (count(decisions.get(name, 0)) for name in ("accept", "retry", "refer"))
    lead = paragraph(
        strong(f"{count(accounts['consumed'])} transactions"),
        f" came in: {accepted} were accepted, {retry} asked to try again and {refer} referred to people.",
        kind="lead",
    )
    labels, policy = summary["labels"], summary["policy"]
    truth = paragraph(
        f"{count(labels['labelled'])} transactions have a label, {count(labels['joined'])} of them also a verdict. "
        f"Policy {policy['name']} ({policy['hash'][:12]}).",
        kind="note",
    )
    return Html(f"{lead}{_finding(evaluation)}{_conservation(accounts)}{truth}")


def figures(evaluation: Evaluation, limits: Limits) -> Html:
    """Return the table of headline figures."""
    title = "Headline figures"
    rows = [*_match_rows(evaluation.match, limits), *_liveness_rows(evaluation.liveness, limits)]
    if not rows:
        return section("figures", title, paragraph(NO_LABELS))
    head = ["figure", "errors / trials", "rate", "95 % interval", "limit", "what the trials prove about the limit"]
    return section("figures", title, table("Error rates at the thresholds in force", head, rows))


def _conservation(accounts: Mapping[str, Any]) -> Html:
    total = " + ".join(f"{count(accounts[key])} {word}" for key, word in _ACCOUNTS.items())
    consumed = f"{count(accounts['consumed'])} consumed"
    if accounts["holds"]:
        return paragraph(strong("Every transaction is accounted for, once: "), f"{total} = {consumed}.", kind="good")
    return paragraph(strong("The accounts do not balance: "), f"{consumed}, but {total}.", kind="alert")


def _finding(evaluation: Evaluation) -> Html:
    judged: dict[str, Figure] = {}
    if evaluation.match:
        judged |= {"FMR": evaluation.match.fmr, "FNMR": evaluation.match.fnmr}
    if found := evaluation.liveness:
        worst = found.apcer.worst_species
        judged |= {f"APCER of {worst}" if worst else "APCER": found.apcer, "BPCER": found.bpcer}
    parts: list[Cell] = []
    for status, words in _FINDINGS.items():
        if names := [
            f"{name} {percent(f.value) if f.n else ''}".strip() for name, f in judged.items() if f.status is status
        ]:
            parts += [strong(words), ", ".join(names), ". "]
    if not parts:
        return paragraph("No limit applies to these figures." if judged else NO_LABELS)
    breached = any(figure.status is Status.BREACH for figure in judged.values())
    return paragraph(*parts, kind="alert" if breached else "")


def _match_rows(found: MatchEvaluation | None, limits: Limits) -> list[tuple[Cell, ...]]:
    if not found:
        return []
    return [
        _row("FMR: impostors matched", found.fmr, limits.fmr),
        _row("FNMR: genuine people not matched", found.fnmr, limits.fnmr),
        _row("FTA: no match score", found.fta, None),
    ]


def _liveness_rows(found: LivenessEvaluation | None, limits: Limits) -> list[tuple[Cell, ...]]:
    if not found:
        return []
    worst = found.apcer.worst_species
    return [
        _row(f"APCER, worst species: {worst or 'none has enough trials'}", found.apcer, limits.apcer),
        _row("APCER pooled: all attacks together", found.apcer_pooled, None),
        _row("BPCER: bona fide presentations rejected", found.bpcer, limits.bpcer),
        _row("APNRR: attacks without a liveness score", found.apnrr, None),
        _row("BPNRR: bona fide without a liveness score", found.bpnrr, None),
    ]


def _row(name: str, figure: Figure, limit: float | None) -> tuple[Cell, ...]:
    at_most = "–" if limit is None else f"≤ {percent(limit)}"
    return name, of(figure), percent(figure.value), interval(figure), at_most, STATUS[figure.status]
