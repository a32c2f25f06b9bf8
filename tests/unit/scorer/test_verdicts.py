"""What follows from a judgement, step-up MFA included."""

from typing import Any

import pytest

from proofwatch.events.types import Attempts, Mfa, Transaction, Verdict
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.step_up import with_step_up
from services.scorer.core.verdicts import guidance, verdict
from tests.unit.scorer.samples import COMPILED, transaction

NONE = Attempts(match=0, liveness=0)
ON = Mfa(control_id="6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11", since_ms=50, until_ms=150)


class Named:
    """Stands for a value; structs do not look at what they are made of."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def test_every_field_of_a_verdict_is_where_its_name_is() -> None:
    """What the rules say is theirs, the basis is given, and all else is the transaction's field of that name.

    A verdict is made by position: whoever adds a field to it, or moves one, is told here by its name.
    """
    values: dict[str, Any] = {
        name: Named(name) for name in {*Verdict.__struct_fields__, *Transaction.__struct_fields__}
    }
    event = Transaction(**{name: values[name] for name in Transaction.__struct_fields__})
    judgement = Judgement(**{name: values.get(name, Named(name)) for name in Judgement._fields})
    made = verdict(event, judgement, values["basis"])
    found = {name: getattr(made, name) for name in Verdict.__struct_fields__}
    assert found == {name: values[name] for name in Verdict.__struct_fields__} | {"schema_version": 1}


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
