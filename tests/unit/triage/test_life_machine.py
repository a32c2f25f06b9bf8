"""A case led by anybody in any order, and what befalls it: what must hold at each step does."""

from datetime import datetime, timedelta
from typing import Any, get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.triage.core.assignments import CaseNow, Change, Deed, Refusal, Worker, decided, is_there
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.due import rested
from services.triage.core.judgements import Asked, judged, path
from services.triage.core.life import TABLE, UNDECIDED, Stage, after, shown_as, stage_of
from services.triage.core.parts import merged, taken_out

AT = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
SPAN = timedelta(hours=24)
PEOPLE = {
    "ada": (Role.ANALYST,), "bob": (Role.ANALYST,), "carl": (Role.CHECKER,), "both": (Role.ANALYST, Role.CHECKER),
    "rita": (Role.RESEARCHER,), "root": (Role.ADMIN,),
}  # fmt: skip
OF_MERGING = ("merge", "unmerge")
OF_WORK = ("take", "assign", "release", "refer", "close")
FINDINGS = {"clear": Finding.of("cleared", "x"), "threat": Finding.of("threat", "x", species="mask")}


def session(name: str) -> Session:
    return Session("s", name, None, frozenset(PEOPLE[name]), AT, AT, AT + SPAN)


class Life(RuleBasedStateMachine):
    """One case as the database keeps it: its columns, who works on it, what waits, and what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.now = AT
        self.stored: Stage = "new"
        self.case = CaseNow("c", "acme", "open", "medium", "soc", None, due_at=AT + SPAN)
        self.slept = timedelta(0)
        self.decisions: list[tuple[str, Finding, int, int]] = []
        self.walked: list[tuple[Stage, Stage]] = []
        self.whole = CaseNow("w", "acme", "open", "medium", "soc", None, due_at=AT)
        """Another case, which it may become a part of."""
        self.before: CaseNow | None = None

    def become(self, **given: Any) -> None:
        self.case = self.case._replace(**given)
        stage = stage_of(self.stored, self.case.state, self.case.assignee)
        self.walked.append((self.case.stage, stage))
        self.case = self.case._replace(stage=stage)

    @rule(minutes=st.integers(1, 600))
    def time_passes(self, minutes: int) -> None:
        later = self.now + timedelta(minutes=minutes)
        if until := self.case.snoozed_until:
            self.slept += max(timedelta(0), min(later, until) - self.now)
        self.now = later

    @rule(name=st.sampled_from([*PEOPLE]), deed=st.sampled_from(get_args(Deed)), to=st.sampled_from([*PEOPLE]),
          minutes=st.integers(-10, 600), four_eyes=st.booleans())  # fmt: skip
    def somebody_does_something(self, name: str, deed: Deed, to: str, minutes: int, four_eyes: bool) -> None:
        who, case = session(name), self.case
        if not is_there(case, who):
            return
        if deed in OF_MERGING:
            self.somebody_merges_it(who, deed)
            return
        if deed in OF_WORK:
            found = decided(case, who, deed, Worker(to, None, frozenset(PEOPLE[to])))
        else:
            until = self.now + timedelta(minutes=minutes)
            found = judged(case, who, Asked(deed, FINDINGS.get(deed), until, four_eyes), self.now)
        if isinstance(found, Refusal):
            if found.why == "evidence_changed":
                self.become(pending=None)
            return
        self.done(who, deed, found)

    def somebody_merges_it(self, who: Session, deed: Deed) -> None:
        case, whole = self.case, self.whole
        found = merged(case, whole, who) if deed == "merge" else taken_out(case, (case.part_of and whole) or None, who)
        if isinstance(found, Refusal) or not found.is_anything:
            return
        assert path(case, deed, found) == ()
        if found.merge_into:
            assert case.stage in UNDECIDED
            self.before = case
            self.become(part_of="w", joined_at=self.now)
            self.whole = whole._replace(parts=1)
        else:
            self.become(part_of=None, joined_at=None)
            assert self.case == self.before, "it is what it was, but for what came of itself"
            self.whole, self.before = whole._replace(parts=0), None

    @precondition(lambda self: self.case.part_of is not None)
    @rule(name=st.sampled_from([*PEOPLE]))
    def somebody_judges_the_whole(self, name: str) -> None:
        """What is decided of the whole is decided of the part, which stays."""
        if Role.ANALYST in PEOPLE[name] and self.whole.judged_at is None:
            self.whole = self.whole._replace(judged_at=self.now)
            assert isinstance(taken_out(self.case, self.whole, session(name)), Refusal)

    @precondition(lambda self: self.case.part_of is None and self.case.state != "closed")
    @rule(name=st.sampled_from(["ada", "carl"]))
    def it_is_merged(self, name: str) -> None:
        self.somebody_merges_it(session(name), "merge")

    @precondition(lambda self: self.case.part_of is not None)
    @rule(name=st.sampled_from(["ada", "carl"]))
    def it_is_taken_out(self, name: str) -> None:
        self.somebody_merges_it(session(name), "unmerge")

    @precondition(lambda self: self.case.assignee is None and self.case.state != "closed")
    @rule(name=st.sampled_from(["ada", "both", "rita"]))
    def somebody_takes_it(self, name: str) -> None:
        self.somebody_does_something(name, "take", name, 0, four_eyes=True)

    @precondition(lambda self: self.case.assignee is not None)
    @rule(deed=st.sampled_from(get_args(Deed)), four_eyes=st.booleans())
    def who_works_on_it_does_something(self, deed: Deed, four_eyes: bool) -> None:
        self.somebody_does_something(self.case.assignee or "", deed, "bob", 60, four_eyes)

    @precondition(lambda self: self.case.pending is not None)
    @rule(name=st.sampled_from([*PEOPLE]), deed=st.sampled_from(["approve", "reject"]))
    def somebody_settles_what_waits(self, name: str, deed: Deed) -> None:
        self.somebody_does_something(name, deed, name, 0, four_eyes=True)

    def done(self, who: Session, deed: Deed, change: Change) -> None:
        case = self.case
        stages = path(case, deed, change)
        for before, stage in zip((case.stage, *stages), stages, strict=False):
            assert stage in {to for (at, _), to in TABLE.items() if at == before}
        if change.propose:
            self.become(pending=Proposal("d", change.propose, who.person_id, self.now, case.revision))
        if change.settle == "rejected":
            self.become(pending=None)
        if change.decide:
            self.judge(who, change.decide, approved=change.settle == "approved")
        if change.snooze_until or change.wake:
            assert case.due_at
            due_at = rested(case.due_at, case.snoozed_until, self.now, change.snooze_until)
            self.become(snoozed_until=change.snooze_until, due_at=due_at)
        if stages:
            self.stored = stages[-1]
        assignee = change.assign_to or (None if change.release else case.assignee)
        queue = "research" if change.refer else case.queue
        state = shown_as(stages[-1], case.state) if stages else case.state
        self.become(assignee=assignee, queue=queue, state=state)
        if change.close or change.reopen:
            self.become(revision=self.case.revision + 1)
            self.news()
        if change.reopen:
            self.become(due_at=self.now + SPAN)
            self.slept = timedelta(0)

    def judge(self, who: Session, finding: Finding, *, approved: bool) -> None:
        case = self.case
        proposer = case.pending.proposed_by if approved and case.pending else who.person_id
        if approved:
            assert case.pending
            assert (proposer != who.person_id, case.pending.finding) == (True, finding)
            assert case.pending.on_revision == case.revision
        assert Role.ANALYST in PEOPLE[proposer]
        self.decisions.append((who.person_id, finding, case.revision, 2 if approved else 1))
        self.become(pending=None)
        if finding.verdict == "threat":
            self.become(revision=case.revision + 1, state="escalated")
            self.news()

    def news(self) -> None:
        """What the trigger of the database does when the revision goes up."""
        if (until := self.case.snoozed_until) and self.case.due_at:
            self.become(due_at=self.case.due_at - max(timedelta(0), until - self.now), snoozed_until=None)

    @precondition(lambda self: self.case.state != "closed")
    @rule(grave=st.booleans())
    def evidence_comes(self, grave: bool) -> None:
        expected = after(self.case.stage, "evidence")
        if self.stored == "cleared":
            self.stored = "new"
        state = "escalated" if grave else self.case.state
        self.become(revision=self.case.revision + 1, state=state)
        self.news()
        if self.before:  # evidence comes to a part as it comes to any case
            of = self.case
            self.before = self.before._replace(
                revision=of.revision, state=state, snoozed_until=of.snoozed_until, due_at=of.due_at
            )
        assert self.case.stage in (expected, "assigned"), "whoever works on it goes on"

    @precondition(lambda self: self.case.state == "closed")
    @rule()
    def it_comes_again(self) -> None:
        self.stored = "new"
        self.become(revision=self.case.revision + 1, state="escalated", due_at=self.now + SPAN)
        self.slept = timedelta(0)
        assert self.case.stage == after("closed", "again")

    @invariant()
    def what_is_closed_is_nobodys_and_what_is_found_is_escalated(self) -> None:
        case = self.case
        assert (case.stage == "closed") is (case.state == "closed")
        if case.stage == "closed":
            assert case.assignee is None
        assert case.state == shown_as(case.stage, case.state)
        assert (case.stage == "assigned") <= (case.assignee is not None)
        assert (case.stage == "new") <= (case.assignee is None)

    @invariant()
    def a_part_is_led_by_nobody(self) -> None:
        if self.before:
            assert (self.case.stage, self.case.assignee) == (self.before.stage, self.before.assignee)

    @invariant()
    def what_is_judged_was_decided(self) -> None:
        """What the Research Group was handed before anybody judged it, it may call known or novel."""
        if self.case.stage in ("cleared", "threat", "escalated"):
            assert self.decisions[-1][1].verdict == ("cleared" if self.case.stage == "cleared" else "threat")

    @invariant()
    def only_the_time_that_it_rested_is_added_to_what_people_have(self) -> None:
        case = self.case
        left = max(timedelta(0), case.snoozed_until - self.now) if case.snoozed_until else timedelta(0)
        assert case.due_at is not None
        assert case.due_at - left - self.slept <= self.now + SPAN


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=40)
