"""The per-transaction rules: a table, and one pure function that reads it.

A check that was requested ends as pass, marginal (match only: accepted, counted apart), fail or missing. Missing is
a failure to acquire (match, ISO/IEC 19795-1) or a non-response (liveness, ISO/IEC 30107-3): a failure of its check,
never a score of zero. What follows depends on how often the subject's check has failed, this transaction included:
the first time, again, or so often (the policy's limit) that the failures persist.

A referral outranks a retry; between equals liveness leads, because it may be an attack. A first match failure asks
for the document again (the portrait is the usual culprit), a further one for a new selfie.
"""

from enum import Enum
from typing import Final, NamedTuple, get_args

from proofwatch.events.enumerations import (
    VerdictAction,
    VerdictDecision,
    VerdictLivenessOutcome,
    VerdictMatchOutcome,
    VerdictReason,
)
from proofwatch.events.types import Attempts, Transaction
from services.scorer.core.compiled_policy import CompiledPolicy

_FAILURES: Final = ("fail", "missing")
MATCH_FAILED: Final = 1
LIVENESS_FAILED: Final = 2


class CheckStatus(Enum):
    """Where a check stands after this transaction."""

    GOOD = "good"
    MARGINAL = "marginal"
    FIRST = "first failure"
    AGAIN = "failed again"
    PERSISTS = "failures persist"

    __hash__ = object.__hash__  # there is one of each; Enum's own hash is a Python call for every look-up


class Why(Enum):
    """Reasons as a rule names them; the two causes become `…_below_threshold` or `…_missing` by outcome."""

    MATCH = "the cause of the match failure"
    LIVENESS = "the cause of the liveness failure"
    MATCH_MARGINAL = "match_marginal"
    MATCH_PERSISTS = "match_failures_persist"
    LIVENESS_PERSISTS = "liveness_failures_persist"


class Rule(NamedTuple):
    """One row: when liveness and match stand so, then this."""

    liveness: tuple[CheckStatus, ...]
    match: tuple[CheckStatus, ...]
    decision: VerdictDecision
    action: VerdictAction
    reasons: tuple[Why, ...]


_GOOD = (CheckStatus.GOOD,)
_FINE = (CheckStatus.GOOD, CheckStatus.MARGINAL)
_MARGINAL = (CheckStatus.MARGINAL,)
_FIRST = (CheckStatus.FIRST,)
_AGAIN = (CheckStatus.AGAIN,)
_EARLY = (CheckStatus.FIRST, CheckStatus.AGAIN)
_PERSISTS = (CheckStatus.PERSISTS,)

RULES: Final = (
    Rule(_GOOD, _GOOD, "accept", "none", ()),
    Rule(_GOOD, _MARGINAL, "accept", "none", (Why.MATCH_MARGINAL,)),
    Rule(_GOOD, _FIRST, "retry", "reupload_document", (Why.MATCH,)),
    Rule(_GOOD, _AGAIN, "retry", "retake_selfie", (Why.MATCH,)),
    Rule(_GOOD, _PERSISTS, "refer", "manual_kyc_review", (Why.MATCH_PERSISTS, Why.MATCH)),
    Rule(_EARLY, _FINE, "retry", "retake_selfie", (Why.LIVENESS,)),
    Rule(_EARLY, _EARLY, "retry", "retake_selfie", (Why.LIVENESS, Why.MATCH)),
    Rule(_EARLY, _PERSISTS, "refer", "manual_kyc_review", (Why.MATCH_PERSISTS, Why.LIVENESS, Why.MATCH)),
    Rule(_PERSISTS, _FINE, "refer", "fraud_analyst_review", (Why.LIVENESS_PERSISTS, Why.LIVENESS)),
    Rule(_PERSISTS, _EARLY, "refer", "fraud_analyst_review", (Why.LIVENESS_PERSISTS, Why.LIVENESS, Why.MATCH)),
    Rule(
        _PERSISTS,
        _PERSISTS,
        "refer",
        "fraud_analyst_review",
        (Why.LIVENESS_PERSISTS, Why.MATCH_PERSISTS, Why.LIVENESS, Why.MATCH),
    ),
)


class Judgement(NamedTuple):
    """What the rules say about one transaction.

    `failed` is the sum of `MATCH_FAILED` and `LIVENESS_FAILED`; `message_code` names the text for the user and is
    empty for an accept. Instances are shared between transactions.
    """

    decision: VerdictDecision
    action: VerdictAction
    reasons: tuple[VerdictReason, ...]
    match_outcome: VerdictMatchOutcome
    liveness_outcome: VerdictLivenessOutcome
    failed: int
    liveness_persists: bool
    message_code: str


def judge(event: Transaction, policy: CompiledPolicy, before: Attempts) -> Judgement:
    """Return what happens to `event`, whose subject had `before` failures within the policy's window.

    Requested are the checks that upstream names, those that brought a score, and those that the policy requires.
    """
    score = event.match_score
    if score is None:
        requested = policy.match_required or "match" in event.checks
        match: VerdictMatchOutcome = "missing" if requested else "not_requested"
    elif score >= policy.marginal_below:
        match = "pass"
    else:
        match = "marginal" if score >= policy.match_threshold else "fail"
    score = event.liveness_score
    if score is None:
        requested = policy.liveness_required or "liveness" in event.checks
        liveness: VerdictLivenessOutcome = "missing" if requested else "not_requested"
    else:
        liveness = "pass" if score >= policy.liveness_threshold else "fail"
    if match == "pass" == liveness:  # nearly always
        return _PASSED
    accepted = _ACCEPTED.get((match, liveness))
    if accepted:
        return accepted
    limit = policy.limit
    match_at, liveness_at = check_status(match, before.match, limit), check_status(liveness, before.liveness, limit)
    return _JUDGEMENTS[match, liveness, match_at, liveness_at]


def attempts_left(judgement: Judgement, policy: CompiledPolicy, before: Attempts) -> int:
    """Return how many tries remain before a person decides: 0 for a referral."""
    if judgement.decision == "refer":
        return 0
    match = before.match + 1 if judgement.failed & MATCH_FAILED else 0
    liveness = before.liveness + 1 if judgement.failed & LIVENESS_FAILED else 0
    return policy.limit - max(match, liveness)


def check_status(outcome: VerdictMatchOutcome, before: int, limit: int) -> CheckStatus:
    """Return where a check stands whose outcome is this after `before` failures; `limit` failures persist."""
    if outcome not in _FAILURES:
        return CheckStatus.MARGINAL if outcome == "marginal" else CheckStatus.GOOD
    if before + 1 >= limit:
        return CheckStatus.PERSISTS
    return CheckStatus.FIRST if before == 0 else CheckStatus.AGAIN


def _possible(outcome: VerdictMatchOutcome) -> tuple[CheckStatus, ...]:
    if outcome in _FAILURES:
        return (*_EARLY, *_PERSISTS)
    return _MARGINAL if outcome == "marginal" else _GOOD


def _judgement(rule: Rule, match: VerdictMatchOutcome, liveness: VerdictLivenessOutcome) -> Judgement:
    causes: dict[Why, VerdictReason] = {
        Why.MATCH: "match_missing" if match == "missing" else "match_below_threshold",
        Why.LIVENESS: "liveness_missing" if liveness == "missing" else "liveness_below_threshold",
        Why.MATCH_MARGINAL: "match_marginal",
        Why.MATCH_PERSISTS: "match_failures_persist",
        Why.LIVENESS_PERSISTS: "liveness_failures_persist",
    }
    reasons = tuple(causes[why] for why in rule.reasons)
    return Judgement(
        decision=rule.decision,
        action=rule.action,
        reasons=reasons,
        match_outcome=match,
        liveness_outcome=liveness,
        failed=MATCH_FAILED * (match in _FAILURES) + LIVENESS_FAILED * (liveness in _FAILURES),
        liveness_persists=Why.LIVENESS_PERSISTS in rule.reasons,
        message_code="" if rule.decision == "accept" else f"{rule.action}.{reasons[0]}",
    )


_Case = tuple[VerdictMatchOutcome, VerdictLivenessOutcome, CheckStatus, CheckStatus]
# The table by outcomes and standings, so that judging is one look-up; a case that no rule lists raises KeyError.
_JUDGEMENTS: Final[dict[_Case, Judgement]] = {
    (match, liveness, match_at, liveness_at): _judgement(rule, match, liveness)
    for rule in RULES
    for match in get_args(VerdictMatchOutcome)
    for liveness in get_args(VerdictLivenessOutcome)
    for match_at in rule.match
    for liveness_at in rule.liveness
    if match_at in _possible(match) and liveness_at in _possible(liveness)
}
_ACCEPTED: Final = {
    (match, liveness): judgement
    for (match, liveness, _, _), judgement in _JUDGEMENTS.items()
    if judgement.decision == "accept"
}
_PASSED: Final = _ACCEPTED["pass", "pass"]
