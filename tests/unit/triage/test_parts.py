"""Who may merge which cases and take them apart: a table, and properties over all that decides."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.triage.core.assignments import NOTHING, CaseNow, Change, Refusal, decided
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.judgements import Asked, judged
from services.triage.core.life import STAGES, UNDECIDED
from services.triage.core.parts import merged, taken_out
from tests.unit.triage.test_assignments import NOW, case, somebody

ADA, CARL, RITA = somebody(Role.ANALYST), somebody(Role.CHECKER), somebody(Role.RESEARCHER)
PENDING = Proposal("d", Finding.of("cleared", "x"), "bob", NOW, 1)
LATER = NOW + timedelta(hours=1)


def whole(**given: Any) -> CaseNow:
    return case(given.pop("assignee", None), **({"case_id": "w"} | given))


MERGES: list[tuple[Session, CaseNow, CaseNow | None, str | None]] = [
    (ADA, case(), whole(), None),
    (ADA, case("me"), whole(assignee="me"), None),
    (CARL, case("ada"), whole(assignee="bob"), None),
    (ADA, case("bob"), whole(), "not_yours"),
    (ADA, case(), whole(assignee="bob"), "not_yours"),
    (RITA, case(queue="research"), whole(queue="research"), "role_missing"),
    (ADA, case(), None, "no_such_whole"),
    (ADA, case(), case(), "no_such_whole"),
    (ADA, case(), whole(tenant="other"), "no_such_whole"),
    (ADA, case(), whole(part_of="x"), "part_of_another"),
    (ADA, case(part_of="x"), whole(), "part_of_another"),
    (ADA, case(parts=1), whole(), "has_parts"),
    (ADA, case(), whole(parts=3), None),
    (ADA, case(state="closed", stage="closed"), whole(), "case_closed"),
    (ADA, case(), whole(state="closed", stage="closed"), "case_closed"),
    (ADA, case(stage="cleared"), whole(), "not_at_this_stage"),
    (ADA, case(), whole(stage="known", state="escalated"), "not_at_this_stage"),
    (ADA, case(), whole(queue="research"), "another_queue"),
    (ADA, case(pending=PENDING), whole(), "being_approved"),
    (ADA, case(), whole(pending=PENDING), "being_approved"),
    (ADA, case(), whole(pending=PENDING, revision=2), None),
    (ADA, case(due_at=NOW), whole(due_at=LATER), "due_before"),
    (ADA, case(due_at=NOW), whole(), "due_before"),
    (ADA, case(due_at=LATER), whole(due_at=NOW), None),
    (ADA, case(about=frozenset({"me"})), whole(), "about_yourself"),
    (ADA, case(), whole(about=frozenset({"me"})), "about_yourself"),
    (ADA, case(restricted=True), whole(), "processing_restricted"),
    (ADA, case(), whole(restricted=True), "processing_restricted"),
]


def why(found: Change | Refusal) -> str | None:
    return found.why if isinstance(found, Refusal) else None


@pytest.mark.parametrize(("who", "part", "into", "refused"), MERGES)
def test_who_merges_what(who: Session, part: CaseNow, into: CaseNow | None, refused: str | None) -> None:
    """What hides nothing, escapes no due time and no second person."""
    found = merged(part, into, who)
    assert why(found) == refused
    if refused is None:
        assert found == Change(merge_into="w")


def test_merging_again_is_nothing() -> None:
    """It is so already."""
    assert merged(case(part_of="w"), whole(parts=1), ADA) == NOTHING


@pytest.mark.parametrize(
    ("who", "of", "refused"),
    [
        (ADA, whole(parts=1), None),
        (ADA, whole(assignee="bob"), "not_yours"),
        (CARL, whole(assignee="bob"), None),
        (RITA, whole(), "role_missing"),
        (ADA, whole(state="closed"), "case_closed"),
        (ADA, whole(judged_at=LATER), "is_judged"),
        (ADA, whole(judged_at=NOW - timedelta(hours=1)), None),
        (ADA, whole(pending=PENDING), "being_approved"),
        (ADA, None, "no_part"),
        (ADA, whole(about=frozenset({"me"})), "about_yourself"),
    ],
)
def test_who_takes_what_out(who: Session, of: CaseNow | None, refused: str | None) -> None:
    """Not what was judged with the whole."""
    found = taken_out(case(part_of="w" if of else None, joined_at=NOW), of, who)
    assert why(found) == refused
    if refused is None:
        assert found == Change(unmerge=True)


@given(
    deed=st.sampled_from(["take", "assign", "release", "refer", "close", "review", "snooze", "wake", "reopen", "know"]),
    stage=st.sampled_from(STAGES),
    role=st.sampled_from([*Role]),
)
def test_nothing_is_done_with_a_part_alone(deed: Any, stage: Any, role: Role) -> None:
    """It is worked on with the whole."""
    part, who = case("me", part_of="w", stage=stage, state="closed" if stage == "closed" else "open"), somebody(role)
    work = deed in ("take", "assign", "release", "refer", "close")
    found = decided(part, who, deed) if work else judged(part, who, Asked(deed), NOW)
    assert why(found) == "part_of_another"


@given(
    stages=st.tuples(st.sampled_from(STAGES), st.sampled_from(STAGES)),
    dues=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    parts=st.integers(0, 1),
    queues=st.tuples(st.sampled_from(["soc", "research"]), st.sampled_from(["soc", "research"])),
)
def test_whatever_is_merged_can_be_taken_out_again(
    stages: Any, dues: tuple[int, int], parts: int, queues: tuple[Any, Any]
) -> None:
    """At once, by the same person; nothing of it has changed but that it is a part."""
    one, other = (
        case(case_id=name, stage=stage, state="closed" if stage == "closed" else "open", queue=queue,
             due_at=NOW + timedelta(hours=due))
        for name, stage, due, queue in zip("cw", stages, dues, queues, strict=True)
    )  # fmt: skip
    one = one._replace(parts=parts)
    found = merged(one, other, CARL)
    if isinstance(found, Refusal):
        return
    assert set(stages) <= UNDECIDED
    assert dues[0] >= dues[1]
    assert (parts, len(set(queues))) == (0, 1)
    part = one._replace(part_of=found.merge_into, joined_at=NOW)
    assert taken_out(part, other._replace(parts=1), CARL) == Change(unmerge=True)
