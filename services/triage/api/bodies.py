"""Cases as JSON, and what may be sent about them: what has more than this, or other, is refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from proofwatch.access.reasons import LONGEST_REASON
from proofwatch.events.enumerations import VerdictDecision
from proofwatch.web.malformed import KEPT, PRINTED
from services.triage.core.notes import LONGEST
from services.triage.core.signals import Kind as Kind
from services.triage.core.tasks import TABLE, Owner
from services.triage.core.tasks import Task as Task
from services.triage.core.wanted import Severity as Severity

CaseId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,128}$", description="A case, as lists name it.")]
Deed = Literal[
    "take", "assign", "release", "review", "clear", "threat", "approve", "reject", "know", "novel", "high_risk",
    "refer", "snooze", "wake", "close", "reopen", "merge", "unmerge",
]  # fmt: skip
Attack = Literal["presentation", "injection", "impostor"]
State = Literal["running", "open", "escalated", "closed", "all"]
"""`running`: open or escalated."""
TASKS: Final = TABLE
"""By task whose it is, what it is called, and what is asked."""
Find = Annotated[
    str,
    Query(
        max_length=128,
        pattern=PRINTED,
        description="The case's id or its first eight letters, a transaction, an incident's or a suspicion's id, the "
        "value of a slice, an attack pattern's id, or the name of who works on it.",
    ),
]
Tenant = Annotated[str, Query(max_length=128, pattern=PRINTED, description="Of this tenant alone.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str, Query(max_length=512, description="`next` of the page before.")]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON, pattern=PRINTED), KEPT
]


class Body(BaseModel):
    """A body that says this and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Body):
    """No more than that it is to be done."""


class Given(Body):
    """Why; it stays."""

    reason: Reason


class Found(Given):
    """What kind of threat it is, as far as that is known; why; it stays."""

    attack: Attack = "presentation"
    species: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=PRINTED), KEPT] | None = (
        None
    )


class Merged(Given):
    """Which case goes on for it; why; it stays."""

    into: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
    into_version: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")] | None,
        Field(description="The version of that one as it was seen; another is answered with 412."),
    ] = None


class Resting(Given):
    """Until when a case rests, and why; it stays."""

    until: Annotated[AwareDatetime, Field(description="RFC 3339, with an offset; within 30 days.")]


class Assigned(Body):
    """Whom the case is given to."""

    to: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTED)]


class Proposed(BaseModel):
    """What somebody found a case to be, and a second person has not agreed to yet; null: the case is restricted."""

    verdict: str | None
    attack: str | None
    species: str | None
    reason: str | None
    proposed_by: str
    proposed_by_name: str | None
    proposed_at: datetime
    void: Annotated[bool, Field(description="The evidence has changed since: nobody can agree to it.")]


class ListedCase(BaseModel):
    """A case as lists have it. `version` is what a deed names as `If-Match`."""

    case_id: str
    version: str
    tenant: str
    kind: str
    task: Annotated[Task, Field(description="What it asks of people.")]
    owner: Annotated[Owner, Field(description="Whose task that is.")]
    state: str
    severity: str
    queue: str
    part_of: Annotated[str | None, Field(description="The case that it goes on with, and is worked on with.")]
    parts: Annotated[int, Field(description="How many cases go on with it.")]
    stage: Annotated[str, Field(description="How far people are with it.")]
    due_at: Annotated[datetime | None, Field(description="When its time is over; while it rests that moves on.")]
    snoozed_until: Annotated[datetime | None, Field(description="It rests until then.")]
    fires_since: Annotated[
        datetime | None,
        Field(description="Since when it, or a part of it, fires: it is not closed before somebody found what it is."),
    ]
    restricted: Annotated[
        bool,
        Field(description="Processing is (GDPR Art. 18), of a cluster each part's: nobody sees why, or judges it."),
    ]
    assignee: Annotated[str | None, Field(description="The account that works on it.")]
    assignee_name: str | None
    opened_at: datetime
    changed_at: datetime
    assigned_at: datetime | None
    reasons: Annotated[list[str], Field(description="Codes, the newest first.")]
    proposal: Annotated[Proposed | None, Field(description="What waits for a second person.")]
    about: Annotated[dict[str, Any] | None, Field(description="Of a case of access: what of whose, by whom.")]
    deeds: Annotated[list[Deed], Field(description="What you may do with it now.")]


class CaseReason(BaseModel):
    """Why somebody is to look."""

    code: str
    words: str
    numbers: str
    severity: str
    at: datetime
    transaction_id: str | None
    evidence: Mapping[str, float]


_DEEDS: Final = frozenset({"closed_by_person", "reopened_by_person", "threat_found"})


class Moved(BaseModel):
    """A change of the case."""

    revision: int
    from_state: str
    to_state: str
    trigger: str
    why: str
    at: datetime

    @property
    def is_deed(self) -> bool:
        """Return whether it followed from what somebody did, which `acts` has with its reason."""
        return self.why in _DEEDS


class Acted(BaseModel):
    """What somebody did with it that brought it further, let it rest, or handed it on.

    `reason` null: the case is restricted.
    """

    at: datetime
    deed: str
    from_stage: str
    to_stage: str
    person_id: str
    reason: str | None


class Worked(BaseModel):
    """Somebody's time with the case."""

    person_id: str
    name: str | None
    assigned_at: datetime
    assigned_by: str
    released_at: datetime | None
    released_by: str | None
    assigned_by_name: str | None
    why: Annotated[
        Literal["take", "assign", "grave", "overdue", "oldest", "turn"] | None,
        Field(description="Why it came to them; of the next case, why it was that one; turn: new ones go around."),
    ]


class Ended(BaseModel):
    """That a person closed it."""

    at: datetime
    by: str | None
    reason: str | None


class Finding(BaseModel):
    """What somebody found a case to be. `state` proposed: a second person has not agreed yet.

    `verdict` and `reason` null: the case is restricted.
    """

    verdict: str | None
    attack: str | None
    species: str | None
    reason: str | None
    proposed_by: str
    proposed_at: datetime
    state: str
    settled_by: str | None
    settled_at: datetime | None


class Part(BaseModel):
    """A case that is a part of this one, or was; why, since when and by whom (a person, or `triage`).

    `reasons` and `why` null: it, or the whole, is restricted.
    """

    case_id: str
    kind: str
    state: str
    severity: str
    reasons: int | None
    joined_at: datetime
    joined_by: str
    why: str | None
    left_at: datetime | None
    left_by: str | None
    left_why: str | None
    restricted: bool
    words: Annotated[str, Field(description="Why it is a part, and why no more.")]


class Noted(Body):
    """What somebody notes on a case; it names nobody."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST, pattern=PRINTED)]


class Note(BaseModel):
    """What somebody noted on a case, or on a part of it. `text` null: it cannot be read, or not now."""

    note_id: str
    case_id: str
    at: datetime
    person_id: str
    name: str | None
    text: str | None


class Similar(BaseModel):
    """A case beside another; `by`: what they have in common."""

    case_id: str
    by: Annotated[str, Field(description="person, imagery, device, pattern, timing or slice.")]
    words: str
    at: Annotated[datetime, Field(description="When it last had that; of a person or a slice, when it was opened.")]
    kind: str
    state: str
    stage: str
    severity: str
    parts: int
    verdict: Annotated[str | None, Field(description="What it was last found to be.")]
    attack: str | None


class Attempt(BaseModel):
    """An attempt beside a case, as its verdict says. No more of who it was than `person`."""

    transaction_id: str
    attempt_id: Annotated[str, Field(description="Empty: the first of its transaction.")]
    at: datetime
    by: Annotated[
        Literal["person", "device", "pattern", "timing", "cohort"],
        Field(description="Why it is here: of a person of the case, or what it has in common with it."),
    ]
    words: Annotated[str, Field(description="Why it is here, in words.")]
    person: Annotated[str, Field(description="Whose: a name that holds within this case alone.")]
    decision: VerdictDecision
    action: str
    reasons: list[str]
    match_outcome: str
    liveness_outcome: str
    match_score: Annotated[float | None, Field(description="0 to 1; null: there was none.")]
    liveness_score: Annotated[float | None, Field(description="0 to 1; null: there was none.")]
    match_threshold: float
    liveness_threshold: float
    failed_before: Annotated[
        int, Field(description="Of one that was accepted: how many of the same person were not, in the day before it.")
    ]


class Attempts(BaseModel):
    """Attempts beside a case, the newest first; `next`: the cursor of the page after, if there is one.

    Kept are, for thirty days, those that did not pass cleanly, and those that the same person passed after such a one.
    """

    attempts: list[Attempt]
    total: Annotated[int, Field(description="So many there are in all.")]
    of_people: Annotated[int, Field(description="Of these, those of people of the case itself.")]
    accepted: Annotated[int, Field(description="Of all, those that were accepted.")]
    people: Annotated[int, Field(description="Of so many people all of them are.")]
    next: str | None


class Case(ListedCase):
    """A case whole; what there are several of has the oldest first, but `members` the newest."""

    why: list[CaseReason]
    merged_into: str | None
    ended: Ended | None
    said: list[Finding]
    moves: list[Moved]
    work: list[Worked]
    acts: list[Acted]
    notes: list[Note]
    left_out: Annotated[
        int, Field(description="Parts that are restricted: not shown why, and not among what is judged and labelled.")
    ]
    members: Annotated[list[Part], Field(description="Its parts, and those that were; at most 500.")]
    similar: Annotated[
        list[Similar],
        Field(description="Earlier cases of its person, then others that have something in common; at most 10."),
    ]
    timeline: Annotated[Attempts, Field(description="What its people and their handsets tried; the newest.")]


class CasePage(BaseModel):
    """Some of the cases that are there for who asks; `next`: the cursor of the page after, if there is one."""

    cases: list[ListedCase]
    next: str | None


class CaseChanges(BaseModel):
    """Cases that changed, as they are now; `next`: the cursor that goes on from there, also where there are none."""

    cases: list[ListedCase]
    next: str


class Next(BaseModel):
    """The case that one was given, and why it; none: nothing waits."""

    case: Case | None
    because: Literal["grave", "overdue", "oldest"] | None
    why: str


class Done(BaseModel):
    """What became of a deed: whether anything changed, and the case as it is afterwards, if it is still there."""

    changed: bool
    case: Case | None


class Beside(NamedTuple):
    """Two cases side by side; why one cannot become a part of the other, and the other way round; None: it can."""

    one: Case
    other: Case
    why_not: str | None
    why_not_back: str | None


class Waiting(BaseModel):
    """How much there is to do, in counts."""

    running: int
    waiting: Annotated[int, Field(description="Those that nobody works on.")]
    grave: Annotated[int, Field(description="Of these, those of high severity.")]
    over_an_hour: Annotated[int, Field(description="Of these, those that were opened over an hour ago.")]
    over_a_day: int
    mine: int
    to_agree: Annotated[int, Field(description="Proposals of others that wait for your agreement.")]
    oldest_at: datetime | None
    newest_at: Annotated[datetime | None, Field(description="When the newest of all was opened: what `since` takes.")]
    new: Annotated[int, Field(description="Opened after `since`.")]
    read_until: Annotated[datetime | None, Field(description="Up to when triage has read what it makes cases of.")]
    cursor: Annotated[str, Field(description="From here on /v1/stream tells whatever is not counted here.")]
