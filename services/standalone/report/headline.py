"""The top of the page: what is proven about the limits, and the figures that matter."""

from typing import Final, NamedTuple

from proofwatch.biometrics.attacks import InjectionEvaluation, SystemEvaluation
from proofwatch.biometrics.check_evaluation import LivenessEvaluation, MatchEvaluation
from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.worst_of import WorstFigure
from proofwatch.report.numbers import percent
from proofwatch.report.proof import because, meaning, rate_name

_FINDINGS: Final = {
    "proven above": "Proven above the limit: ",
    "proven within": "Proven within the limit: ",
    "above the limit, not told apart": "Above the limit together, nobody can say which: ",
    "straddles the limit": "Straddles the limit: ",
    "too few trials": "Too few trials to tell: ",
}


class Judged(NamedTuple):
    """A headline figure and its limit, where it has one."""

    name: str
    figure: Figure
    limit: float | None


def findings(evaluation: Evaluation) -> list[tuple[str, list[str]]]:
    """Return which figures are proven above their limit, which within it, and how nobody can tell of others."""
    found = _limited(evaluation)
    grouped = {
        words: [_finding(name, figure) for name, figure in found.items() if meaning(figure) == meant]
        for meant, words in _FINDINGS.items()
    }
    return [(words, names) for words, names in grouped.items() if names]


def _finding(name: str, figure: Figure) -> str:
    """Return a figure by its rate; a worst-of figure by the members that make its status."""
    if isinstance(figure, WorstFigure) and figure.because:
        return f"{name}: {because(figure)}"
    return f"{name} {percent(figure.value) if figure.n else ''}".strip()


def breached(evaluation: Evaluation) -> bool:
    """Return whether a figure is proven above its limit, of everybody or of a group."""
    return any(figure.status is Status.BREACH for figure in _limited(evaluation).values())


def figures(evaluation: Evaluation, limits: Limits) -> list[Judged]:
    """Return the headline figures of both checks, as far as they were made."""
    return [
        *_match(evaluation.match, limits),
        *_liveness(evaluation.liveness, limits),
        *_system(evaluation.system, limits),
        *_injection(evaluation.injection),
    ]


def _limited(evaluation: Evaluation) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    if evaluation.match:
        found |= {"FMR": evaluation.match.fmr, "FNMR": evaluation.match.fnmr}
    if liveness := evaluation.liveness:
        found |= {"APCER": liveness.apcer, "BPCER": liveness.bpcer}
    if evaluation.system:
        found["IAPAR"] = evaluation.system.iapar
    if injection := evaluation.injection:
        found[rate_name("injection_accept_rate")] = injection.accept_rate
    for column, figures in evaluation.worst_segments.items():
        # What is not proven of a group is not the first thing to know; a breach is.
        found |= {f"{rate_name(m)} by {column}": f for m, f in figures.items() if f.status is Status.BREACH}
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


def _system(found: SystemEvaluation | None, limits: Limits) -> list[Judged]:
    if not found:
        return []
    worst = found.iapar.worst_species
    return [
        Judged(f"IAPAR, worst species: {worst or 'none has enough trials'}", found.iapar, limits.iapar),
        Judged("RIAPAR: IAPAR + FRR", found.riapar, None),
    ]


def _injection(found: InjectionEvaluation | None) -> list[Judged]:
    if not found:
        return []
    return [
        Judged("Injection attacks that passed as bona fide", found.pass_rate, None),
        Judged("Injection attacks without a liveness score", found.non_response_rate, None),
        Judged("Injection attacks accepted by the whole system: every method", found.accept_rate, found.accept_limit),
    ]
