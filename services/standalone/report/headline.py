"""The top of the page: what is proven about the limits, and the figures that matter."""

from typing import Final, NamedTuple

from proofwatch.biometrics.check_evaluation import LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.biometrics.rates import Limits
from proofwatch.report.numbers import percent

_FINDINGS: Final = {
    Status.BREACH: "Proven above the limit: ",
    Status.PASS: "Proven within the limit: ",
    Status.INSUFFICIENT: "Too few trials to tell: ",
}


class Judged(NamedTuple):
    """A headline figure and its limit, where it has one."""

    name: str
    figure: Figure
    limit: float | None


def findings(evaluation: Evaluation) -> list[tuple[str, list[str]]]:
    """Return which figures are proven above their limit, which within it, and of which nobody can tell."""
    found = _limited(evaluation)
    grouped = {
        words: [f"{name} {percent(f.value) if f.n else ''}".strip() for name, f in found.items() if f.status is status]
        for status, words in _FINDINGS.items()
    }
    return [(words, names) for words, names in grouped.items() if names]


def breached(evaluation: Evaluation) -> bool:
    """Return whether a figure is proven above its limit."""
    return any(figure.status is Status.BREACH for figure in _limited(evaluation).values())


def figures(evaluation: Evaluation, limits: Limits) -> list[Judged]:
    """Return the headline figures of both checks, as far as they were made."""
    return [*_match(evaluation.match, limits), *_liveness(evaluation.liveness, limits)]


def _limited(evaluation: Evaluation) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    if evaluation.match:
        found |= {"FMR": evaluation.match.fmr, "FNMR": evaluation.match.fnmr}
    if liveness := evaluation.liveness:
        worst = liveness.apcer.worst_species
        found |= {f"APCER of {worst}" if worst else "APCER": liveness.apcer, "BPCER": liveness.bpcer}
    return found


def _match(found: MatchEvaluation | None, limits: Limits) -> list[Judged]:
    if not found:
        return []
    return [
        Judged("FMR: impostors matched", found.fmr, limits.fmr),
        Judged("FNMR: genuine people not matched", found.fnmr, limits.fnmr),
        Judged("FTA: no match score", found.fta, None),
    ]


def _liveness(found: LivenessEvaluation | None, limits: Limits) -> list[Judged]:
    if not found:
        return []
    worst = found.apcer.worst_species
    return [
        Judged(f"APCER, worst species: {worst or 'none has enough trials'}", found.apcer, limits.apcer),
        Judged("APCER pooled: all attacks together", found.apcer_pooled, None),
        Judged("BPCER: bona fide presentations rejected", found.bpcer, limits.bpcer),
        Judged("APNRR: attacks without a liveness score", found.apnrr, None),
        Judged("BPNRR: bona fide without a liveness score", found.bpnrr, None),
    ]
