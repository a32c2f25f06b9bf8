"""Who may do what with a case: `(case, session, deed) → change | refusal`. Deny is the default.

One person works on a case at a time. What is novel or grave is referred to the Research Group (the queue `research`),
which has those cases alone, and sees no others.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol

from proofwatch.access.roles import Act, Role, may
from proofwatch.access.session import Session
from proofwatch.events.enumerations import EscalationSeverity, EscalationStatus
from proofwatch.events.types import Access
from services.triage.core.cases import Queue
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.firing import QUIET, Agreed, Firing, hindrance
from services.triage.core.life import Deed as Deed
from services.triage.core.life import Stage, is_listed
from services.triage.core.tasks import Task

Why = Literal[
    "role_missing", "case_closed", "assigned_to_another", "not_assigned", "not_yours", "not_for_them", "about_yourself",
    "enough_in_hand", "not_at_this_stage", "nothing_proposed", "your_own", "evidence_changed", "being_approved",
    "is_final", "no_such_time", "part_of_another", "no_such_whole", "has_parts", "another_queue", "due_before",
    "no_part", "is_judged", "still_fires", "second_person", "processing_restricted",
]  # fmt: skip
RESEARCH: Final = "research"
USES: Final = frozenset[Deed](
    {"review", "clear", "threat", "approve", "escalate", "know", "novel", "high_risk", "refer", "merge", "reopen"}
)
"""Deeds that work with what is known of the person.

To take a case does not, nor to give it on, send it back, let it rest, take it out of another or close it.
"""


class CaseNow(NamedTuple):
    """What decides of a case; `assignee`: the id of who works on it; `about`: whose acts it is about.

    `pending`: what somebody proposed that it is. `is_final`: it was closed for good.
    `due_s`: how many seconds of work people have for it.
    `part_of`: the case that it goes on with, since `joined_at`; `parts`: how many go on with it; `firing`: since when
    it, and these, do; `judged_at`: when somebody last decided what it is, and `agreed` what. `restricted`: the
    processing of its person's data is (GDPR Art. 18), of a cluster that of each part, and nobody has permitted it.
    """

    case_id: str
    tenant: str
    state: EscalationStatus
    severity: EscalationSeverity
    queue: Queue
    assignee: str | None
    about: frozenset[str] = frozenset()
    stage: Stage = "new"
    revision: int = 1
    snoozed_until: datetime | None = None
    pending: Proposal | None = None
    is_final: bool = False
    due_at: datetime | None = None
    due_s: int | None = None
    part_of: str | None = None
    parts: int = 0
    firing: Firing = QUIET
    agreed: Agreed | None = None
    joined_at: datetime | None = None
    judged_at: datetime | None = None
    restricted: bool = False


class Who(Protocol):
    """Somebody with roles and tenants, signed in or not."""

    @property
    def person_id(self) -> str: ...  # noqa: D102
    @property
    def machine(self) -> str | None: ...  # noqa: D102
    def may(self, act: Act, /) -> bool: ...  # noqa: D102
    def sees(self, tenant: str, /) -> bool: ...  # noqa: D102


class Placed(Protocol):
    """What is of a tenant, and in a queue."""

    @property
    def tenant(self) -> str: ...  # noqa: D102
    @property
    def queue(self) -> Queue: ...  # noqa: D102


class Worker(NamedTuple):
    """Somebody whom a case is given to, as the register has them now; who was revoked has no roles."""

    person_id: str
    tenants: frozenset[str] | None
    roles: frozenset[Role]

    @property
    def machine(self) -> str | None:
        """Return no name of a machine: cases are people's."""
        return None

    def may(self, act: Act) -> bool:
        """Return whether their roles allow this."""
        return may(self.roles, act)

    def sees(self, tenant: str) -> bool:
        """Return whether what belongs to this tenant is there for them."""
        return self.tenants is None or tenant in self.tenants


class Change(NamedTuple):
    """What becomes of a case.

    `release`: who worked on it does no more; `assign_to`: who does now; `refer`: the Research Group has it from now on;
    `close`: it ends. `propose`: a second person is asked whether it is that; `decide`: that is what it is; `settle`:
    what became of what was proposed. `staged`: it goes on to its next stage. `snooze_until`: it rests; `wake`: no more.
    `merge_into`: it goes on as a part of that case; `unmerge`: by itself again.
    """

    release: bool = False
    assign_to: str | None = None
    refer: bool = False
    close: bool = False
    propose: Finding | None = None
    decide: Finding | None = None
    settle: Literal["approved", "rejected"] | None = None
    staged: bool = False
    snooze_until: datetime | None = None
    wake: bool = False
    reopen: bool = False
    merge_into: str | None = None
    unmerge: bool = False

    @property
    def is_anything(self) -> bool:
        """Return whether anything changes."""
        return self != NOTHING


class Refusal(NamedTuple):
    """Why not, in a word and in a sentence that says what would be right."""

    why: Why
    sentence: str


NOTHING: Final = Change()


def accounts(about: Access | None) -> frozenset[str]:
    """Return whose acts a case is about."""
    if about is None:
        return frozenset()
    return frozenset(each for each in (about.person, about.second_person) if each)


def only_queue(who: Who) -> Queue | None:
    """Return the queue whose cases alone are there for somebody; None: those of all."""
    return RESEARCH if _only_research(who) else None


def is_there(case: Placed, who: Who) -> bool:
    """Return whether a case exists for somebody: of their tenants; for the Research Group, referred to it."""
    if not (who.may(Act.READ_CASES) and who.sees(case.tenant)):
        return False
    return only_queue(who) in (None, case.queue)


def decided(case: CaseNow, session: Session, deed: Deed, to: Worker | None = None) -> Change | Refusal:
    """Return what the deed does to a case that is there for this session; `to`: whom it is assigned to."""
    if refusal := is_a_part(case):
        return refusal
    if case.state == "closed":
        return Refusal("case_closed", "the case is closed; what happens again opens it anew, or another")
    if refusal := about_yourself(case, session) or is_restricted(case, deed):
        return refusal
    if deed == "take":
        return _taken(case, session)
    if deed == "assign":
        return _assigned(case, session, to)
    if deed == "refer":
        return _referred(case, session)
    return _released(case, session) if deed == "release" else _closed(case, session)


def is_a_part(case: CaseNow) -> Refusal | None:
    """Return why a part is not worked on by itself; None: it is none."""
    if case.part_of is None:
        return None
    return Refusal("part_of_another", f"it is a part of {case.part_of}: work on that, or take it out with `unmerge`")


def about_yourself(case: CaseNow, session: Session) -> Refusal | None:
    """Return why somebody does nothing with a case about their own acts; None: it is not."""
    if session.person_id not in case.about:
        return None
    return Refusal("about_yourself", "the case is about what you did yourself: somebody else works on it")


def is_restricted(case: CaseNow, deed: Deed) -> Refusal | None:
    """Return why a deed would use what is stored of a person and not to be used; None: it would not."""
    if not case.restricted or deed not in USES:
        return None
    return Refusal(
        "processing_restricted",
        "the processing of the data that this case is about is restricted (GDPR Art. 18): what is left is `take`, "
        "`assign`, `release`, `reject`, `snooze`, `wake`, `unmerge` and `close`; for more a privacy officer permits it",
    )


def _taken(case: CaseNow, session: Session) -> Change | Refusal:
    if not may_work(case, session):
        return Refusal("role_missing", "to take this case you need the role analyst; researcher, once it is referred")
    if case.assignee == session.person_id:
        return NOTHING
    if case.assignee is not None:
        return Refusal("assigned_to_another", "somebody works on it already; a checker may give it to you")
    return Change(assign_to=session.person_id)


def _assigned(case: CaseNow, session: Session, to: Worker | None) -> Change | Refusal:
    if not session.may(Act.ASSIGN_CASE):
        return Refusal("role_missing", "to give cases to others you need the role checker")
    if to is None or not may_work(case, to):
        return Refusal(
            "not_for_them",
            "they cannot work on it: it takes somebody with the role analyst (once it is referred, researcher) who has "
            "its tenant and was not revoked",
        )
    if case.assignee == to.person_id:
        return NOTHING
    return Change(release=case.assignee is not None, assign_to=to.person_id)


def _released(case: CaseNow, session: Session) -> Change | Refusal:
    if case.assignee is None:
        return Refusal("not_assigned", "nobody works on it")
    if case.assignee != session.person_id and not session.may(Act.ASSIGN_CASE):
        return Refusal("not_yours", "somebody else works on it; they release it, or a checker does")
    return Change(release=True)


def _referred(case: CaseNow, session: Session) -> Change | Refusal:
    if not session.may(Act.REFER_CASE):
        return Refusal("role_missing", "to refer cases to the Research Group you need the role analyst or checker")
    if case.assignee != session.person_id and not session.may(Act.ASSIGN_CASE):
        return Refusal("not_yours", "take the case first; else a checker refers it")
    if case.queue == RESEARCH:
        return NOTHING
    if not is_listed(case.stage, "refer"):
        said = "what is cleared, or known, is nothing for the Research Group: say first that it is novel, or a threat"
        return Refusal("not_at_this_stage", said)
    return Change(release=case.assignee is not None, refer=True)


def _closed(case: CaseNow, session: Session) -> Change | Refusal:
    if not session.may(Act.CLOSE_CASE):
        return Refusal("role_missing", "to close cases you need the role analyst or checker")
    if case.assignee != session.person_id and not session.may(Act.ASSIGN_CASE):
        return Refusal("not_yours", "take the case first; else a checker closes it")
    if case.pending is not None and case.pending.on_revision == case.revision:
        return Refusal("being_approved", "a checker approves what was proposed, or sends it back, before it is closed")
    if hindered := hindrance(case.firing, case.stage, case.agreed, case.severity, session):
        return Refusal(*hindered)
    return Change(release=case.assignee is not None, close=True)


def may_work(case: CaseNow, who: Who) -> bool:
    """Return whether a case may be given to somebody: to nobody whose acts it is about."""
    if not is_there(case, who) or who.person_id in case.about:
        return False
    return who.may(Act.TAKE_HIGH_RISK_CASE if case.queue == RESEARCH else Act.TAKE_CASE)


def _only_research(who: Who) -> bool:
    return who.machine is None and not (who.may(Act.TAKE_CASE) or who.may(Act.ASSIGN_CASE))


class ListedCase(NamedTuple):
    """A case as lists have it; `reasons`: the codes, the newest first; `about`: of access, what of whose by whom.

    `proposed_by_name`: who proposed what is pending.
    `seen`: says nothing by itself, and is another one with everything that people would see of the case.
    """

    now: CaseNow
    kind: str
    opened_at: datetime
    changed_at: datetime
    assigned_at: datetime | None
    assignee_name: str | None
    reasons: tuple[str, ...]
    about: Access | None = None
    seen: str = ""
    proposed_by_name: str | None = None
    task: Task = "subject_suspicion"
