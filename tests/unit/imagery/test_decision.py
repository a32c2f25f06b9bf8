"""Who may open imagery: one condition after the other, and every fact removed or of another kind."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofwatch.governance.purposes import Purpose
from services.imagery.adapters.policy_files import shipped_policy
from services.imagery.core.decision import WORDS, ImageryPolicy, InvalidPolicy
from services.imagery.core.facts import CaseFacts, ImageryFacts, Limits, Request, Viewer

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
POLICY = shipped_policy()
GOOD = Request(
    act="view",
    viewer=Viewer("anna", "s1", frozenset({"analyst"}), frozenset({"kestrel"}), NOW - timedelta(minutes=2)),
    case=CaseFacts("c1", "kestrel", open=True, high_risk=False, assignee="anna", has_transaction=True),
    imagery=ImageryFacts("kestrel", "t1", flagged=True, located=True, erased=False, consented=False),
    purpose=Purpose.PROVIDE_FEATURES,
    reason="two handsets, one face",
    at=NOW,
    last_seen_at=NOW,
    views_today=0,
    break_glass=False,
    limits=Limits(),
)


def viewer(**changed: Any) -> Request:
    return GOOD._replace(viewer=GOOD.viewer._replace(**changed))


def case(**changed: Any) -> Request:
    return GOOD._replace(case=GOOD.case._replace(**changed))


def imagery(**changed: Any) -> Request:
    return GOOD._replace(imagery=GOOD.imagery._replace(**changed))


def test_all_of_it_together_opens() -> None:
    assert POLICY.decide(GOOD).allowed


@dataclass
class Refused:
    request: Request
    reason: str


REFUSALS = [
    Refused(viewer(roles=frozenset()), "no_role"),
    Refused(viewer(roles=frozenset({"auditor", "approver", "author", "privacy"})), "no_role"),
    Refused(viewer(roles=frozenset({"researcher"})), "no_role"),
    Refused(viewer(roles=frozenset({"analyst", "admin"})), "administrator"),
    Refused(viewer(tenants=frozenset()), "other_tenant"),
    Refused(viewer(tenants=frozenset({"heron"})), "other_tenant"),
    Refused(case(tenant="heron"), "other_tenant"),
    Refused(imagery(tenant="heron"), "other_tenant"),
    Refused(imagery(flagged=False), "not_flagged"),
    Refused(case(has_transaction=False), "not_in_case"),
    Refused(case(open=False), "case_closed"),
    Refused(case(assignee=None), "case_not_assigned"),
    Refused(case(assignee="ben"), "case_not_assigned"),
    Refused(GOOD._replace(reason=" \n"), "reason_missing"),
    Refused(GOOD._replace(purpose=Purpose.BILLING), "purpose_denied"),
    Refused(GOOD._replace(purpose=Purpose.MAINTAIN_AND_DELIVER_STATISTICS), "purpose_denied"),
    Refused(GOOD._replace(purpose=Purpose.IMPROVE_AND_DEVELOP), "consent_missing"),
    Refused(imagery(erased=True), "erased"),
    Refused(imagery(restricted_by="hold-1"), "processing_restricted"),
    Refused(imagery(located=False), "reference_refused"),
    Refused(viewer(confirmed_at=NOW - timedelta(seconds=901)), "confirmation_old"),
    Refused(viewer(confirmed_at=NOW + timedelta(seconds=1)), "confirmation_old"),
    Refused(GOOD._replace(views_today=200), "quota_spent"),
    Refused(GOOD._replace(last_seen_at=NOW + timedelta(milliseconds=1)), "clock_set_back"),
]


@pytest.mark.parametrize("refused", REFUSALS, ids=[f"{at}-{each.reason}" for at, each in enumerate(REFUSALS)])
def test_each_condition_refuses_by_itself_and_says_which(refused: Refused) -> None:
    for act in ("lease", "view"):
        decision = POLICY.decide(refused.request._replace(act=act))
        assert not decision.allowed
        assert decision.reasons == (refused.reason,)
        assert decision.sentence == WORDS[refused.reason]


def test_every_reason_has_a_case_above() -> None:
    assert {each.reason for each in REFUSALS} == set(WORDS) - {"not_decidable"}


@pytest.mark.parametrize(
    "request_",
    [
        viewer(roles=frozenset({"checker"})),
        viewer(tenants=None),
        GOOD._replace(
            viewer=GOOD.viewer._replace(roles=frozenset({"researcher"})), case=GOOD.case._replace(high_risk=True)
        ),
        case(assignee="ben")._replace(break_glass=True),
        imagery(restricted_by="hold-1")._replace(use_permitted=True),
        imagery(consented=True)._replace(purpose=Purpose.IMPROVE_AND_DEVELOP),
        GOOD._replace(purpose=Purpose.TROUBLESHOOTING),
        viewer(confirmed_at=NOW - timedelta(seconds=900)),
        GOOD._replace(views_today=199),
    ],
    ids=[
        "checker",
        "all_tenants",
        "researcher",
        "break_glass",
        "restricted_and_permitted",
        "consented",
        "troubleshooting",
        "just_recent",
        "last_view",
    ],
)
def test_what_else_opens(request_: Request) -> None:
    assert POLICY.decide(request_).allowed


def test_a_researcher_opens_no_other_case_by_breaking_the_glass() -> None:
    request = case(assignee="ben")._replace(
        viewer=GOOD.viewer._replace(roles=frozenset({"researcher"})), break_glass=True
    )
    assert POLICY.decide(request).reasons == ("no_role",)


def test_of_several_reasons_the_first_is_told_that_the_person_can_do_least_about() -> None:
    request = case(open=False, assignee=None)._replace(reason="")
    assert POLICY.decide(request).reasons == ("case_closed", "case_not_assigned", "reason_missing")


@pytest.mark.parametrize("act", ["lease", "view", "export", 'view" || true || "'])
def test_every_fact_that_is_missing_or_of_another_kind_is_a_refusal(act: str) -> None:
    parts = (GOOD.person(), GOOD.resource(), GOOD.context())
    tried = 0
    for at, part in enumerate(parts):
        for name in part:
            values: tuple[Any, ...] = (None, 3.5, [], {}, [[]], "", "x", 7, True, False)
            others: list[dict[str, Any]] = [{**part, name: value} for value in values]
            others = [each for each in others if type(each[name]) is not type(part[name])]
            for changed in ({key: value for key, value in part.items() if key != name}, *others):
                given = [*parts]
                given[at] = changed
                assert not POLICY.decide_on(act, *given).allowed, (name, changed.get(name))
                tried += 1
    assert tried > 200


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_fact_too_many_is_a_refusal(at: int) -> None:
    parts = [GOOD.person(), GOOD.resource(), GOOD.context()]
    parts[at] = {**parts[at], "more": True}
    assert not POLICY.decide_on("view", *parts).allowed


def test_a_policy_that_says_nothing_or_nonsense_stops_the_start() -> None:
    schema = "entity Person; entity Imagery; action view appliesTo { principal: [Person], resource: [Imagery] };"
    with pytest.raises(InvalidPolicy, match="cannot be read"):
        ImageryPolicy("permit(", schema)
    with pytest.raises(InvalidPolicy, match="no words"):
        ImageryPolicy('@id("because") forbid(principal, action, resource);', schema)
    with pytest.raises(InvalidPolicy, match="schema"):
        ImageryPolicy("permit(principal is Robot, action, resource);", schema)
