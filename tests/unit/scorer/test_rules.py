"""The rule table, row by row."""

from itertools import product
from typing import Any, get_args

import pytest

from proofwatch.events.enumerations import VerdictReason
from proofwatch.events.types import Attempts
from services.scorer.core import rules
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import attempts_left, judge
from tests.unit.scorer.samples import COMPILED, POLICY, transaction

M, ML, MM = "match_below_threshold", "match_missing", "match_marginal"
L, LL = "liveness_below_threshold", "liveness_missing"
MP, LP = "match_failures_persist", "liveness_failures_persist"
BAD, NONE = 0.5, None
LOW_MATCH: dict[str, Any] = {"match_score": BAD}
LOW_LIVE: dict[str, Any] = {"liveness_score": BAD}
BOTH = LOW_MATCH | LOW_LIVE


def before(match: int = 0, liveness: int = 0) -> Attempts:
    return Attempts(match=match, liveness=liveness)


@pytest.mark.parametrize(
    ("fields", "match", "liveness", "decision", "action", "reasons"),
    [
        ({}, 0, 0, "accept", "none", ()),
        ({}, 9, 9, "accept", "none", ()),
        ({"match_score": 0.87}, 2, 0, "accept", "none", (MM,)),
        (LOW_MATCH, 0, 0, "retry", "reupload_document", (M,)),
        (LOW_MATCH, 1, 0, "retry", "retake_selfie", (M,)),
        (LOW_MATCH, 2, 0, "refer", "manual_kyc_review", (MP, M)),
        (LOW_MATCH, 7, 0, "refer", "manual_kyc_review", (MP, M)),
        ({"match_score": NONE}, 0, 0, "retry", "reupload_document", (ML,)),
        ({"match_score": NONE}, 2, 0, "refer", "manual_kyc_review", (MP, ML)),
        (LOW_LIVE, 0, 0, "retry", "retake_selfie", (L,)),
        (LOW_LIVE, 0, 1, "retry", "retake_selfie", (L,)),
        (LOW_LIVE | {"match_score": 0.87}, 0, 0, "retry", "retake_selfie", (L,)),
        (LOW_LIVE, 0, 2, "refer", "fraud_analyst_review", (LP, L)),
        ({"liveness_score": NONE}, 0, 0, "retry", "retake_selfie", (LL,)),
        ({"liveness_score": NONE}, 0, 2, "refer", "fraud_analyst_review", (LP, LL)),
        (BOTH, 0, 0, "retry", "retake_selfie", (L, M)),
        (BOTH, 1, 1, "retry", "retake_selfie", (L, M)),
        ({"match_score": NONE, "liveness_score": NONE}, 0, 0, "retry", "retake_selfie", (LL, ML)),
        (BOTH, 0, 2, "refer", "fraud_analyst_review", (LP, L, M)),
        (BOTH, 2, 0, "refer", "manual_kyc_review", (MP, L, M)),
        (BOTH, 2, 2, "refer", "fraud_analyst_review", (LP, MP, L, M)),
        (LOW_MATCH, 0, 2, "retry", "reupload_document", (M,)),
        (LOW_LIVE, 2, 0, "retry", "retake_selfie", (L,)),
    ],
)
def test_every_row_of_the_table(
    fields: dict[str, Any], match: int, liveness: int, decision: str, action: str, reasons: tuple[str, ...]
) -> None:
    """A referral outranks a retry, liveness leads between equals, each check has a counter of its own."""
    judgement = judge(transaction(**fields), COMPILED, before(match, liveness))
    assert (judgement.decision, judgement.action, judgement.reasons) == (decision, action, reasons)


@pytest.mark.parametrize(
    ("score", "outcome"), [(0.0, "fail"), (0.8499, "fail"), (0.85, "marginal"), (0.8999, "marginal"), (0.9, "pass")]
)
def test_match_limits_are_inclusive_from_below(score: float, outcome: str) -> None:
    """Accept when score ≥ threshold; marginal up to, not including, marginal_below."""
    assert judge(transaction(match_score=score), COMPILED, before()).match_outcome == outcome


@pytest.mark.parametrize(("score", "outcome"), [(0.0, "fail"), (0.9949, "fail"), (0.995, "pass"), (1.0, "pass")])
def test_the_liveness_limit_is_inclusive_from_below(score: float, outcome: str) -> None:
    """Accept when score ≥ threshold; a score of zero is a failure, not a missing score."""
    assert judge(transaction(liveness_score=score), COMPILED, before()).liveness_outcome == outcome


@pytest.mark.parametrize(
    ("checks", "required", "match_score", "liveness_score", "outcomes"),
    [
        (("match",), (), 0.95, None, ("pass", "not_requested")),
        (("match",), (), 0.95, 0.2, ("pass", "fail")),
        (("match",), ("liveness",), 0.95, None, ("pass", "missing")),
        (("liveness",), (), None, 0.999, ("not_requested", "pass")),
        (("liveness",), ("match",), None, 0.999, ("missing", "pass")),
        (("match", "liveness"), (), None, None, ("missing", "missing")),
    ],
)
def test_a_check_is_requested_by_upstream_by_its_score_or_by_the_policy(
    checks: tuple[str, ...],
    required: tuple[str, ...],
    match_score: float | None,
    liveness_score: float | None,
    outcomes: tuple[str, str],
) -> None:
    """Only a requested check can be missing."""
    compiled = CompiledPolicy.of(POLICY.model_copy(update={"required_checks": required}))
    event = transaction(checks=checks, match_score=match_score, liveness_score=liveness_score)
    judgement = judge(event, compiled, before())
    assert (judgement.match_outcome, judgement.liveness_outcome) == outcomes


def test_the_first_failure_refers_under_a_limit_of_one() -> None:
    """The limit counts this transaction."""
    attempts = POLICY.attempts.model_copy(update={"limit": 1})
    compiled = CompiledPolicy.of(POLICY.model_copy(update={"attempts": attempts}))
    assert judge(transaction(**LOW_MATCH), compiled, before()).action == "manual_kyc_review"


@pytest.mark.parametrize(
    ("fields", "match", "liveness", "left"),
    [(LOW_MATCH, 0, 0, 2), (LOW_MATCH, 1, 0, 1), (LOW_MATCH, 2, 0, 0), (BOTH, 0, 1, 1), (LOW_LIVE, 1, 0, 2)],
)
def test_attempts_left_is_the_least_over_the_failed_checks(
    fields: dict[str, Any], match: int, liveness: int, left: int
) -> None:
    """What upstream may tell the user."""
    judgement = judge(transaction(**fields), COMPILED, before(match, liveness))
    assert attempts_left(judgement, COMPILED, before(match, liveness)) == left


def test_the_rules_list_every_possible_case_exactly_once() -> None:
    """Nothing falls through the table, and no two rows contradict each other."""
    cases = [(match, liveness) for rule in rules.RULES for match, liveness in product(rule.match, rule.liveness)]
    liveness = [status for status in rules.CheckStatus if status is not rules.CheckStatus.MARGINAL]
    assert sorted(cases, key=str) == sorted(product(rules.CheckStatus, liveness), key=str)


def test_every_reason_that_leads_gives_a_message_code() -> None:
    """Guidance can always name a text; an accept needs none."""
    outcomes: tuple[str, ...] = get_args(VerdictReason)
    for match_score, liveness_score, m, n in product((None, 0.1, 0.87, 0.95), (None, 0.1, 1.0), range(3), range(3)):
        event = transaction(match_score=match_score, liveness_score=liveness_score)
        judgement = judge(event, COMPILED, before(m, n))
        action, _, reason = judgement.message_code.partition(".")
        assert (judgement.decision == "accept") == (judgement.message_code == "")
        assert judgement.decision == "accept" or (action == judgement.action and reason in outcomes)
