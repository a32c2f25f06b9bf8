"""What trials prove about a limit, in words: the same in the terminal, on a page and in a headline.

"Too few trials" and "straddles the limit" are never the same words: the one waits for trials, the other for a decision.
"""

from typing import Final

from proofwatch.biometrics.evidence import Reason
from proofwatch.biometrics.figures import Figure, Status
from proofwatch.biometrics.worst_of import Member, WorstFigure
from proofwatch.report.numbers import count

MOST_NAMED: Final = 3
_REASONS: Final = {
    Reason.TOO_FEW_TRIALS: "too few trials",
    Reason.STRADDLES_THE_LIMIT: "straddles the limit",
    Reason.NOT_TOLD_APART: "above the limit, not told apart",
}
_NAMES: Final = {"injection_accept_rate": "injections accepted"}


def rate_name(metric: str) -> str:
    """Return what a rate that can have a limit is called beside others: by its letters, where it has some."""
    return _NAMES.get(metric, metric.upper())


def meaning(figure: Figure) -> str:
    """Return what the status means: proven within, proven above, or in which way nobody can tell; no limit: nothing."""
    if figure.status is None:
        return ""
    if figure.status is Status.INSUFFICIENT:
        return _REASONS[figure.reason] if figure.reason else _REASONS[Reason.TOO_FEW_TRIALS]
    return "proven within" if figure.status is Status.PASS else "proven above"


def because(figure: Figure) -> str:
    """Return what makes the status: the members of a worst-of figure by name, and the trials still needed."""
    if not isinstance(figure, WorstFigure):
        return _needed(figure.needed_without_error or None, figure.needed_at_present_rate or None)
    named = [_member(each, figure.status) for each in figure.because[:MOST_NAMED]]
    if (rest := len(figure.because) - MOST_NAMED) > 0:
        named.append(f"and {count(rest)} more")
    return ", ".join(named)


def explained(figure: Figure) -> str:
    """Return the meaning of the status and what makes it, in one."""
    said, why = meaning(figure), because(figure)
    return f"{said}: {why}" if said and why else said


def _member(member: Member, status: Status | None) -> str:
    name = f"{member.name} {count(member.k)}/{count(member.n)}"
    if status is Status.BREACH or member.reason is None:
        return name
    lacks = [_REASONS[member.reason], _needed(member.needed_without_error, member.needed_at_present_rate)]
    return f"{name} ({', '.join(filter(None, lacks))})"


def _needed(without_error: int | None, at_present_rate: int | None) -> str:
    """Return the trials still needed; at the present rate only where that is another number."""
    said = []
    if without_error:
        said.append(f"{count(without_error)} more without an error")
    if at_present_rate and at_present_rate != without_error:
        said.append(f"{count(at_present_rate)} at this rate")
    return " or ".join(said)
