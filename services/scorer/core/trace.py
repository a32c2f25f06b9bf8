"""The same judgement as `rules.judge`, told row by row: for people who must see why. Not for the hot path."""

from typing import Final, NamedTuple

from proofwatch.events.enumerations import TransactionCheck, VerdictMatchOutcome
from proofwatch.events.types import Attempts, Transaction
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import RULES, CheckStatus, Judgement, Rule, check_status, judge
from services.scorer.core.step_up import with_step_up


class CheckTrace(NamedTuple):
    """One check: what was compared with what, and what status the subject's check has with it.

    `threshold`: accepted from this score on; `marginal_below`: accepted and counted apart below this one (match).
    `failures_before` counted when the verdict was made; with `limit` failures they persist.
    """

    check: TransactionCheck
    score: float | None
    threshold: float
    marginal_below: float | None
    outcome: VerdictMatchOutcome
    failures_before: int
    limit: int
    status: CheckStatus


class RowTrace(NamedTuple):
    """One row of the rule table, numbered from 1; it applies when both conditions are met, and exactly one does."""

    number: int
    rule: Rule
    liveness_met: bool
    match_met: bool

    @property
    def applies(self) -> bool:
        """Return whether both conditions are met."""
        return self.liveness_met and self.match_met


class Trace(NamedTuple):
    """A judgement with everything that led to it; `step_up`: the user was under step-up MFA."""

    checks: tuple[CheckTrace, ...]
    rows: tuple[RowTrace, ...]
    step_up: bool
    judgement: Judgement

    @property
    def applied(self) -> RowTrace:
        """Return the row that applies."""
        return next(row for row in self.rows if row.applies)


def trace(event: Transaction, policy: CompiledPolicy, before: Attempts, *, step_up: bool = False) -> Trace:
    """Return how `judge`, and step-up MFA after it, come to their judgement.

    `before`: the subject's failures within the policy's window.
    """
    judgement = judge(event, policy, before)
    match = CheckTrace(
        "match", event.match_score, policy.match_threshold, policy.marginal_below, judgement.match_outcome,
        before.match, policy.limit, check_status(judgement.match_outcome, before.match, policy.limit),
    )  # fmt: skip
    liveness = CheckTrace(
        "liveness", event.liveness_score, policy.liveness_threshold, None, judgement.liveness_outcome,
        before.liveness, policy.limit, check_status(judgement.liveness_outcome, before.liveness, policy.limit),
    )  # fmt: skip
    rows = tuple(
        RowTrace(number, rule, liveness.status in rule.liveness, match.status in rule.match)
        for number, rule in enumerate(RULES, 1)
    )
    return Trace((match, liveness), rows, step_up, with_step_up(judgement) if step_up else judgement)


_ORDINALS: Final = {1: "1st", 2: "2nd", 3: "3rd"}


def why(found: CheckTrace) -> str:
    """Return in words why a check ended as it did."""
    score, threshold = found.score, found.threshold
    match found.outcome:
        case "not_requested":
            return "neither upstream nor the policy asked for it"
        case "missing":
            said = "was asked for and brought no score"
        case "fail":
            said = f"{score!r} is below {threshold!r}"
        case "marginal":
            return f"{score!r} is at least {threshold!r}, but below {found.marginal_below!r}: accepted, counted apart"
        case _:
            return f"{score!r} is at least {threshold!r}"
    number = found.failures_before + 1
    tail = "failures persist" if found.status is CheckStatus.PERSISTS else f"{found.limit} would persist"
    return f"{said}; the {_ORDINALS.get(number, f'{number}th')} failure that counts ({tail})"
