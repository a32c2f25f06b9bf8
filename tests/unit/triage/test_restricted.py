"""What nobody does with a case of somebody whose processing is restricted: every deed, every stage, every role."""

from itertools import product
from typing import get_args

import pytest

from proofwatch.access.roles import Role
from services.triage.core.assignments import USES, Change, Deed, Refusal, decided, is_restricted
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.judgements import LONGEST_SNOOZE, Asked, judged
from services.triage.core.life import STAGES
from tests.unit.triage.test_assignments import NOW, case, somebody

OF_WORK = frozenset[Deed]({"take", "assign", "release", "refer", "close"})
OF_PARTS = frozenset[Deed]({"merge", "unmerge"})
PENDING = Proposal("d", Finding.of("cleared", "x"), "bob", NOW, 1)
KEEP = frozenset[Deed]({"take", "assign", "release", "close", "snooze", "wake", "reject", "unmerge"})


def test_each_deed_uses_what_is_stored_or_does_not() -> None:
    """A new one has to be decided on."""
    assert set(get_args(Deed)) == USES | KEEP
    assert not USES & KEEP


def test_the_refusal_names_each_deed_that_is_left() -> None:
    refused = is_restricted(case("me", restricted=True), "clear")
    assert refused is not None
    assert {each for each in get_args(Deed) if f"`{each}`" in refused.sentence} == KEEP


@pytest.mark.parametrize("deed", sorted(set(get_args(Deed)) - OF_PARTS - {"escalate"}))
def test_what_uses_it_is_refused_and_what_does_not_is_as_ever(deed: Deed) -> None:
    """By whoever asks and wherever the case is. What is found a threat is escalated with it, by nobody's own deed."""
    refused = 0
    for stage, role in product(STAGES, Role):
        state = "closed" if stage == "closed" else "open"
        at = case("me", stage=stage, state=state, pending=PENDING)
        found: list[Change | Refusal] = []
        for each in (at, at._replace(restricted=True)):
            finding = Finding.of("threat", "") if deed in ("clear", "threat") else None
            asked = Asked(deed, finding, NOW + LONGEST_SNOOZE)
            session = somebody(role)
            found.append(decided(each, session, deed) if deed in OF_WORK else judged(each, session, asked, NOW))
        free, restricted = found
        if deed in USES and isinstance(free, Change):
            refused += 1
            assert isinstance(restricted, Refusal)
            assert restricted.why == "processing_restricted"
        elif deed not in USES:
            assert restricted == free
    assert refused > 0 or deed not in USES
