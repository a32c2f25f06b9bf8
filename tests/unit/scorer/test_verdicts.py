"""What follows from a judgement, step-up MFA included."""

import pytest

from proofwatch.events.types import Attempts, Mfa
from services.scorer.core.rules import judge
from services.scorer.core.step_up import with_step_up
from services.scorer.core.verdicts import guidance, verdict
from tests.unit.scorer.samples import COMPILED, transaction

NONE = Attempts(match=0, liveness=0)
ON = Mfa(control_id="6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11", since_ms=50, until_ms=150)


def test_guidance_says_until_when_the_second_factor_is_asked_for() -> None:
    """An accepted user is asked for it; one who tries again is told too; nobody else is."""
    accepted, failed = transaction(), transaction(match_score=0.1)
    basis = COMPILED.basis(NONE)
    asked = guidance(accepted, with_step_up(judge(accepted, COMPILED, NONE)), COMPILED, basis, ON)
    assert (asked.action, asked.message_code) == ("step_up_mfa", "step_up_mfa.step_up_mfa_required")
    assert asked.step_up_until is not None
    assert asked.step_up_until.timestamp() == 0.150
    assert asked.attempts_left == COMPILED.limit
    again = guidance(failed, with_step_up(judge(failed, COMPILED, NONE)), COMPILED, basis, ON)
    assert (again.action, again.step_up_until) == ("reupload_document", asked.step_up_until)
    assert guidance(failed, judge(failed, COMPILED, NONE), COMPILED, basis).step_up_until is None
    assert verdict(accepted, with_step_up(judge(accepted, COMPILED, NONE)), basis).action == "step_up_mfa"


def test_an_accepted_user_gets_no_guidance_without_step_up() -> None:
    """There is nothing to tell them."""
    event = transaction()
    with pytest.raises(AssertionError, match="needs no guidance"):
        guidance(event, judge(event, COMPILED, NONE), COMPILED, COMPILED.basis(NONE))
