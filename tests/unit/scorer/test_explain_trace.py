"""The trace tells the very judgement that the scorer makes, and exactly one row of the table applies."""

from itertools import product

import pytest

from proofwatch.events.types import Attempts
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import judge
from services.scorer.core.step_up import with_step_up
from services.scorer.core.trace import trace, why
from tests.unit.scorer.backtests import OLD, transaction

COMPILED = CompiledPolicy.of(OLD)
CASES = list(
    product((0.1, 0.87, 0.95, None), (0.1, 0.999, None), range(4), range(4), (("match",), ("match", "liveness")))
)


def test_every_case_is_told_as_it_is_judged() -> None:
    """All scores, all attempts, all requests: same judgement, same reasons, one row, its decision and action."""
    for match, liveness, before_match, before_liveness, checks in CASES:
        event = transaction(1, match_score=match, liveness_score=liveness, checks=checks)
        before = Attempts(match=before_match, liveness=before_liveness)
        judgement = judge(event, COMPILED, before)
        found = trace(event, COMPILED, before)
        assert found.judgement == judgement
        assert [row.applies for row in found.rows].count(True) == 1
        assert (found.applied.rule.decision, found.applied.rule.action) == (judgement.decision, judgement.action)
        assert [check.outcome for check in found.checks] == [judgement.match_outcome, judgement.liveness_outcome]
        assert trace(event, COMPILED, before, step_up=True).judgement == with_step_up(judgement)


@pytest.mark.parametrize(
    ("match", "before", "checks", "said"),
    [
        (0.95, 0, ("match",), "0.95 is at least 0.85"),
        (0.87, 0, ("match",), "0.87 is at least 0.85, but below 0.9: accepted, counted apart"),
        (0.84999999, 0, ("match",), "0.84999999 is below 0.85; the 1st failure that counts (3 would persist)"),
        (0.1, 2, ("match",), "0.1 is below 0.85; the 3rd failure that counts (failures persist)"),
        (0.1, 10, ("match",), "0.1 is below 0.85; the 11th failure that counts (failures persist)"),
        (None, 1, ("match",), "was asked for and brought no score; the 2nd failure that counts (3 would persist)"),
        (None, 0, ("liveness",), "neither upstream nor the policy asked for it"),
    ],
)
def test_each_outcome_says_why(match: float | None, before: int, checks: tuple[str, ...], said: str) -> None:
    """With the score as it is, the threshold as it is, and which failure it was."""
    event = transaction(1, match_score=match, checks=checks)
    assert why(trace(event, COMPILED, Attempts(match=before, liveness=0)).checks[0]) == said
