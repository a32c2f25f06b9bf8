"""The life of a case: one table, whose every path ends, and which says what events show."""

from itertools import product
from typing import get_args

import pytest

from services.triage.core.life import (
    STAGES,
    TABLE,
    UNDECIDED,
    Deed,
    Happening,
    Stage,
    after,
    is_listed,
    shown_as,
    stage_of,
)
from services.triage.core.rows import UnlistedTransition

EVENTS = get_args(Happening)
DEEDS = get_args(Deed)


def reached(*begin: Stage) -> set[Stage]:
    found, new = set(begin), set(begin)
    while new:
        new = {to for (stage, _), to in TABLE.items() if stage in new} - found
        found |= new
    return found


def test_the_way_of_an_attack_that_nobody_knew() -> None:
    """New, assigned, under review, a threat, escalated, novel, high-risk, research, closed."""
    stage: Stage = "new"
    way: tuple[Deed, ...] = ("take", "review", "threat", "escalate", "novel", "high_risk", "refer", "close")
    seen = [stage := after(stage, deed) for deed in way]
    assert seen == ["assigned", "under_review", "threat", "escalated", "novel", "high_risk", "research", "closed"]


def test_every_stage_is_reached_and_from_every_stage_a_case_is_closed() -> None:
    """Nothing hangs."""
    assert reached("new") == set(STAGES)
    assert all("closed" in reached(stage) for stage in STAGES)


def test_what_is_closed_begins_anew_or_stays_closed() -> None:
    """No deed does anything else with it."""
    assert {(deed, to) for (stage, deed), to in TABLE.items() if stage == "closed" and to != "closed"} == {
        ("reopen", "new"),
        ("again", "new"),
    }


@pytest.mark.parametrize(("stage", "deed"), sorted({*product(STAGES, (*DEEDS, *EVENTS))} - set(TABLE)))
def test_an_unlisted_pair_raises(stage: Stage, deed: Deed) -> None:
    """It names both."""
    assert not is_listed(stage, deed)
    with pytest.raises(UnlistedTransition, match=f"stage {stage} and the deed {deed}"):
        after(stage, deed)


def test_only_a_finding_leads_out_of_what_is_undecided() -> None:
    """Or that the Research Group is to judge, or that it is closed."""
    out = {deed for (stage, deed), to in TABLE.items() if stage in UNDECIDED and to not in UNDECIDED}
    assert out == {"clear", "threat", "refer", "close", "merged", "erased"}


@pytest.mark.parametrize(
    ("stored", "state", "assignee", "stage"),
    [
        ("new", "open", None, "new"),
        ("new", "escalated", "ada", "assigned"),
        ("assigned", "open", None, "new"),
        ("under_review", "open", "ada", "under_review"),
        ("under_review", "open", None, "new"),
        ("cleared", "open", None, "cleared"),
        ("novel", "escalated", "ada", "novel"),
        ("novel", "closed", None, "closed"),
        ("closed", "escalated", None, "new"),
        ("closed", "escalated", "ada", "assigned"),
    ],
)
def test_the_stage_is_right_whoever_changed_the_case(
    stored: Stage, state: str, assignee: str | None, stage: Stage
) -> None:
    """Events, and processes of an older release, know no stages."""
    assert stage_of(stored, state, assignee) == stage  # type: ignore[arg-type]


@pytest.mark.parametrize("stage", STAGES)
def test_what_events_show_of_it(stage: Stage) -> None:
    """A threat is escalated, what is closed is closed; the rest is as the evidence has it."""
    found = {shown_as(stage, state) for state in ("open", "escalated")}
    if stage == "closed":
        assert found == {"closed"}
    elif stage in UNDECIDED or stage == "cleared":
        assert found == {"open", "escalated"}
    else:
        assert found == {"escalated"}
