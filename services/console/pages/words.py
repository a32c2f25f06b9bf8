"""Cases and times in words, for pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Generic, NamedTuple, TypeVar

from proofwatch.detection.case_words import QUEUES, reason_words
from services.triage.api.bodies import (
    TASKS,
    Attack,
    Attempts,
    Case,
    CaseReason,
    Deed,
    Finding,
    ListedCase,
    Note,
    Part,
    Proposed,
    Similar,
)
from services.triage.api.rereview_bodies import Agreement, Blind, Pair
from services.triage.api.rereview_bodies import Finding as OfTwo

__all__ = ["TASKS"]

KINDS: Final[Mapping[str, str]] = {
    "subject": "one person", "incident": "an incident", "access": "access to imagery", "cohort": "a cohort",
    "cluster": "an attack cluster",
}  # fmt: skip
T = TypeVar("T")
MOST_SHOWN: Final = 12
"""Of a case's reasons and parts, one by one; more are folded by their kind."""
STATES: Final[Mapping[str, str]] = {"open": "open", "escalated": "escalated", "closed": "closed", "absent": "not there"}
SEVERITIES: Final[Mapping[str, str]] = {"high": "grave", "medium": "medium", "low": "slight"}
DEEDS: Final[Mapping[str, str]] = {
    "take": "take the case", "assign": "give the case to somebody", "release": "release the case",
    "refer": "refer the case to the Research Group", "close": "close the case", "clear": "say that it is no threat",
    "threat": "say that it is a threat", "approve": "agree to what was proposed", "reject": "send it back",
    "review": "begin to review the case", "know": "say that it is known", "novel": "say that it is novel",
    "high_risk": "say that it is of high risk", "snooze": "let the case rest", "wake": "let it rest no more",
    "reopen": "open the case anew", "merge": "make the case a part of another",
    "unmerge": "take the case out of the one that it is a part of",
}  # fmt: skip
TOLD: Final[Mapping[str, str]] = {
    "none": "Nothing waits for you.",
    "unchosen": "Nothing was done: choose cases first, then what is to be done with them.",
    "enough": "You were given none: you hold as many cases as one person may. Close or release one first.",
    "grave": "It is yours. It came first because it is grave, and nobody worked on it.",
    "overdue": "It is yours. Nothing graver waits, and its time is over.",
    "oldest": "It is yours. Nothing graver or overdue waits, and it is the oldest.",
    "take": "It is yours.", "assign": "It is given to them.", "release": "Nobody works on it now.",
    "refer": "The Research Group has it now.", "close": "It is closed.", "clear": "It is said that it is no threat.",
    "threat": "It is said that it is a threat.", "approve": "It is agreed.", "reject": "It was sent back.",
    "review": "It is under review.", "know": "It is known.", "novel": "It is novel.",
    "high_risk": "It is of high risk.", "snooze": "It rests until then, or until something happens to it.",
    "wake": "It rests no more.", "reopen": "It is open again.",
    "merge": "The two are one case now: what both hold is here.", "unmerge": "It goes on by itself again.",
    "note": "It is noted.", "alike": "Both found the same.", "differs": "You found something else than the first.",
    "no-rereview": "Nothing is there for you to judge again.",
    "part": "The case that you asked for goes on as a part of this one.",
}  # fmt: skip
"""What is said on a page after a deed, by the word that its address has: an address can say nothing else."""
_MOVES: Final[Mapping[str, str]] = {
    "closed_by_person": "closed by a person", "reason_added": "a reason was added", "merged": "became part of another",
    "traffic_ended": "its traffic ended", "rose_again": "rose again", "subject_erased": "the person was erased",
}  # fmt: skip
_TOLD_ELSEWHERE: Final = frozenset({"take", "assign", "release", "clear", "threat"})
"""Deeds that history has from who worked on the case, and from what they found."""
_ACTS: Final[Mapping[str, str]] = {
    "refer": "referred it to the Research Group", "close": "closed it", "reopen": "opened it again",
    "approve": "agreed", "reject": "sent back what was proposed", "review": "began to review it",
    "escalate": "escalated it", "know": "found it to be known", "novel": "found it to be novel",
    "high_risk": "found it to be of high risk", "snooze": "let it rest", "wake": "woke it",
}  # fmt: skip


_DONE: Final[Mapping[str, str]] = {
    "case.assigned": "Took a case, or was given one", "case.released": "Released a case",
    "case.closed": "Closed a case", "case.referred": "Referred a case to the Research Group",
    "case.proposed": "Proposed what a case is", "case.approved": "Agreed to what a case is",
    "case.rejected": "Sent back what was proposed", "case.noted": "Noted something on a case",
    "case.staged": "Moved a case on", "cases.read": "Looked at cases", "data.asked": "Asked for data",
    "imagery.view_intended": "Was to be shown imagery", "imagery.view_ended": "Has seen imagery",
    "imagery.glass_asked": "Asked to break glass", "imagery.glass_begun": "Broke glass",
    "log.begun": "The log began", "log.key_added": "A key of the log was added",
    "log.key_retired": "A key of the log was retired", "access.signed_in": "Signed in",
    "access.signed_out": "Signed out",
}  # fmt: skip


def done(action: str) -> str:
    """Return what somebody did, by the code that an entry of the audit log has."""
    return _DONE.get(action, sentence(action.replace(".", ": ").replace("_", " ")))


class Form(NamedTuple):
    """How a deed is asked for: the label of its reason, if it has one; whether that is needed; what the button says."""

    button: str
    why: str = ""
    needed: bool = True
    main: bool = False


FORMS: Final[Mapping[Deed, Form]] = {
    "take": Form("Take it", main=True),
    "approve": Form("Agree", main=True),
    "reject": Form("Send it back", "Send it back: why"),
    "review": Form("Begin to review it"),
    "threat": Form("Say that it is a threat", "It is a threat: why"),
    "clear": Form("Say that it is none", "It is no threat: why"),
    "close": Form("Close the case", "Close it: why"),
    "know": Form("Say that it is known", "It is a known threat: why"),
    "novel": Form("Say that it is novel", "It is a novel threat: why"),
    "high_risk": Form("Say that it is of high risk", "It is of high risk: why"),
    "snooze": Form("Let it rest", "Let it rest: why"),
    "wake": Form("Let it rest no more"),
    "reopen": Form("Open it anew", "Open it anew: why"),
    "refer": Form("Refer the case", "Refer it to the Research Group: why"),
    "merge": Form("Compare the two"),
    "unmerge": Form("Take it out", "Take it out of the case that it is a part of: why"),
    "assign": Form("Give the case"),
    "release": Form("Release it: work on it no more"),
}
"""In the order of the page."""
MANY: Final[Mapping[Deed, str]] = {
    "take": "Take", "approve": "Agree to", "reject": "Send back", "review": "Begin to review",
    "threat": "Call a threat", "clear": "Clear", "close": "Close",
    "know": "Call known", "novel": "Call novel", "high_risk": "Call of high risk", "snooze": "Let rest",
    "wake": "Wake", "reopen": "Open anew", "refer": "Refer", "merge": "Merge", "assign": "Give", "release": "Release",
}  # fmt: skip
"""What is done with many cases at once, as its button says it, in the order of the page."""
RESTS: Final[Mapping[str, str]] = {"1": "an hour", "4": "4 hours", "24": "a day", "72": "3 days", "168": "a week"}
"""For how long a case may rest from its page, by hours; the API takes any time within 30 days."""
ATTACKS: Final[Mapping[Attack, str]] = {
    "presentation": "presented to the camera", "injection": "injected behind the camera",
    "impostor": "another person's own face",
}  # fmt: skip


WHY_LEFT: Final[Mapping[str, str]] = {
    "person": "somebody said so", "whole_closed": "this one was closed", "whole_retired": "this one was removed",
}  # fmt: skip


def part(part: Part) -> str:
    """Return what a part is, and why it is one; or that it was taken out, and why."""
    kind, state = KINDS.get(part.kind, part.kind), STATES.get(part.state, part.state)
    if part.why is None or part.reasons is None:
        marked = ", restricted (GDPR Art. 18)" if part.restricted else ""
        return f"{kind}, {state}{marked}; {'taken out, and ' if part.left_at else ''}why is not shown"
    what = f"{kind}, {_count(part.reasons, 'reason')}, {state}"
    if part.left_why is not None:
        return f"{what}; taken out, because {WHY_LEFT.get(part.left_why, part.left_why.replace('_', ' '))}"
    return f"{what}; because {part.words}"


def similar(case: Similar) -> str:
    """Return what a case beside another is, what they have in common, and what it was found to be."""
    of = f"{KINDS.get(case.kind, case.kind)}{f' of {cases(case.parts)}' if case.parts else ''}"
    said = {"threat": "a threat", "cleared": "no threat"}.get(case.verdict or "", "")
    found = f"; found to be {said}{f' ({case.attack})' if case.attack else ''}" if said else ""
    return f"{of}, {STATES.get(case.state, case.state)}: {case.words}{found}"


def attempts(found: Attempts) -> str:
    """Return how many attempts there are beside a case, whose, and how many were accepted."""
    who = "1 person" if found.people == 1 else f"{found.people:,} people"
    others = found.total - found.of_people
    common = f" {others:,} of them are of others: on the same handset, or with what the case is made by."
    return f"{_count(found.total, 'attempt')} of {who}; {found.accepted:,} accepted.{common if others else ''}"


def blind(of: Blind) -> str:
    """Return what is judged again."""
    return f"{KINDS.get(of.kind, of.kind)}{f' of {cases(of.parts)}' if of.parts else ''}"


def pair(pair: Pair) -> tuple[str, str]:
    """Return what the first and the second of two found."""
    return _of_two(pair.first), _of_two(pair.second)


def _of_two(found: OfTwo) -> str:
    kind = next((said for attack, said in ATTACKS.items() if attack == found.attack), found.attack)
    said = ": ".join(filter(None, (kind, found.species)))
    return f"a threat{f' ({said})' if said else ''}" if found.verdict == "threat" else "no threat"


def agreement(found: Agreement) -> str:
    """Return how far two agree, and how sure that is."""
    if not found.n:
        return "nobody has judged a case again in this time"
    told = f"{found.agreed:,} of {found.n:,} alike"
    if found.kappa is None:
        return f"{told}; kappa cannot be told, for both always said the same"
    return f"{told}; kappa {found.kappa:.2f}, with 95 % confidence between {found.low:.2f} and {found.high:.2f}"


class Folded(NamedTuple, Generic[T]):
    """What is of one kind: in words, from when to when, the range of its numbers (or nothing), each, newest first."""

    words: str
    first: datetime
    last: datetime
    numbers: str
    each: Sequence[T]


def _folded(
    found: Iterable[T], kind: Callable[[T], str], at: Callable[[T], datetime], numbers: Callable[[Sequence[T]], str]
) -> list[Folded[T]]:
    """Return what is of one kind together, the most first."""
    by = dict[str, list[T]]()
    for each in sorted(found, key=at, reverse=True):
        by.setdefault(kind(each), []).append(each)
    folded = [Folded(words, at(own[-1]), at(own[0]), numbers(own), own) for words, own in by.items()]
    return sorted(folded, key=lambda each: -len(each.each))


def folded_reasons(case: Case) -> list[Folded[CaseReason]]:
    """Return reasons by kind, where they are too many to be read one by one; else nothing."""
    if len(case.why) <= MOST_SHOWN:
        return []
    return _folded(case.why, lambda each: each.words, lambda each: each.at, _range)


def folded_parts(case: Case) -> list[Folded[Part]]:
    """Return parts by what they are and why, where they are too many to be read one by one; else nothing."""
    if len(case.members) <= MOST_SHOWN:
        return []
    return _folded(case.members, part, lambda each: each.left_at or each.joined_at, lambda _: "")


def _range(reasons: Sequence[CaseReason]) -> str:
    names = dict.fromkeys(name for each in reasons for name in each.evidence)
    told = []
    for name in names:
        values = [each.evidence[name] for each in reasons if name in each.evidence]
        low, high = min(values), max(values)
        told.append(f"{name.replace('_', ' ')} {low:g}" + ("" if low == high else f" to {high:g}"))
    return ", ".join(told)


def left_out(case: Case) -> str:
    """Return how many parts are left out of what is judged; nothing where none is."""
    if not case.left_out or case.restricted:
        return ""
    are = "1 of them is" if case.left_out == 1 else f"{case.left_out:,} of them are"
    return f"{are} restricted (GDPR Art. 18) and left out: of why it is here, of what you judge, and of labels."


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}{'' if number == 1 else 's'}"


def many(cases: Iterable[ListedCase]) -> list[Deed]:
    """Return what may be done with at least one of these cases."""
    there = {deed for each in cases for deed in each.deeds}
    return [deed for deed in MANY if deed in there]


def cases(number: int) -> str:
    """Return so many cases, in words."""
    return _count(number, "case")


def what(case: ListedCase) -> str:
    """Return what a case is about: its newest reason."""
    if case.restricted:
        return "Restricted: what it is about is not shown"
    return sentence(reason_words(case.reasons[0])) if case.reasons else "A case without a reason"


def reasons(case: ListedCase) -> str:
    """Return how many reasons a case has."""
    if case.restricted:
        return "reasons are not shown"
    return _count(len(case.reasons), "reason")


def sentence(text: str) -> str:
    """Return words as they begin a sentence."""
    return text[:1].upper() + text[1:]


def queue(case: ListedCase) -> str:
    """Return who is to look at a case."""
    return next((words for name, words in QUEUES.items() if name == case.queue), case.queue)


FOUND: Final[Mapping[str, str]] = {
    "proposed": "a second person is asked", "decided": "decided", "approved": "two agreed", "rejected": "sent back",
    "voided": "void: the evidence had changed", "replaced": "replaced by another",
}  # fmt: skip


def found(said: Finding) -> str:
    """Return what somebody found a case to be, and what became of that."""
    return f"{proposed(said)}; {FOUND.get(said.state, said.state)}"


def note(note: Note) -> str:
    """Return what somebody noted."""
    return note.text if note.text is not None else "what cannot be read here, or no more"


def because(reason: str | None) -> str:
    """Return why, behind what it is the reason of; nothing where it is not shown."""
    return f": {reason}" if reason else ""


def ended(case: Case) -> str:
    """Return why a person closed a case."""
    if case.restricted:
        return "why is not shown"
    return (case.ended and case.ended.reason) or "no reason was given"


def proposed(said: Proposed | Finding) -> str:
    """Return what somebody proposed that a case is."""
    if said.verdict is None:
        return "not shown"
    kind = f" ({said.attack}{f', {said.species}' if said.species else ''})" if said.attack else ""
    return f"a threat{kind}" if said.verdict == "threat" else "no threat"


def who(case: ListedCase) -> str:
    """Return who works on a case."""
    return case.assignee_name or case.assignee or "nobody"


_CAME: Final[Mapping[str, str]] = {
    "grave": "it is grave", "overdue": "nothing graver waited, and its time is over",
    "oldest": "nothing graver or overdue waited, and it is the oldest",
}  # fmt: skip


def came(case: Case, me: str) -> str:
    """Return why a case came to who works on it, where that is known; `me`: who reads it."""
    work = next((each for each in reversed(case.work) if each.released_at is None), None)
    if work is None or work.why is None:
        return ""
    whom = "you" if work.person_id == me else work.name or work.person_id
    if work.why == "take":
        return f"{'You' if whom == 'you' else whom} took it."
    if work.why == "assign":
        return f"{'You' if work.assigned_by == me else work.assigned_by_name or 'Somebody'} gave it to {whom}."
    if work.why == "turn":
        return (
            f"It was {'your' if whom == 'you' else 'the'} turn{'' if whom == 'you' else f' of {whom}'}: new cases "
            "of this task go around among who is there."
        )
    return f"It came to {whom} as the next case: {_CAME[work.why]}."


def age(since: datetime, now: datetime) -> str:
    """Return how long something has been, in the two largest units: "3 d 4 h", "12 min"."""
    minutes = max(0, (now - since) // timedelta(minutes=1))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days:,} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def due(case: ListedCase, now: datetime) -> str:
    """Return how a case stands with its due time: "overdue by 3 h 2 min", "due in 12 min", "rests", or nothing."""
    if case.state == "closed":
        return ""
    if case.snoozed_until and case.snoozed_until > now:
        return f"rests for {age(now, case.snoozed_until)}"
    if case.due_at is None:
        return ""
    if case.due_at <= now:
        return f"overdue by {age(case.due_at, now)}"
    return f"due in {age(now, case.due_at)}"


def newest(case: Case) -> CaseReason | None:
    """Return the reason that came last."""
    return case.why[-1] if case.why else None


def history(case: Case) -> list[tuple[datetime, str]]:
    """Return what became of a case, who worked on it and what they said, the newest first."""
    names = {each.person_id: each.name for each in case.work if each.name}
    found = [
        (each.at, _MOVES.get(each.why, each.why.replace("_", " ")))
        for each in case.moves
        if not (each.is_deed and case.acts)
    ]
    for work in case.work:
        name = names.get(work.person_id, work.person_id)
        given = "took it" if work.assigned_by == work.person_id else "was given it"
        found.append((work.assigned_at, f"{name} {given}"))
        if work.released_at:
            found.append((work.released_at, f"{name} stopped working on it"))
    said = [(each.proposed_at, names.get(each.proposed_by, each.proposed_by), _judged(each)) for each in case.said]
    found += [(at, f"{name} {what}") for at, name, what in said]
    for act in case.acts:
        if act.deed not in _TOLD_ELSEWHERE:
            done = f"{_ACTS.get(act.deed, act.deed)}{because(act.reason)}"
            found.append((act.at, f"{names.get(act.person_id, act.person_id)} {done}"))
    found += [(each.at, f"{each.name or each.person_id} noted: {note(each)}") for each in case.notes]
    return _told_once(sorted(found, key=lambda each: each[0], reverse=True))


def _told_once(found: Iterable[tuple[datetime, str]]) -> list[tuple[datetime, str]]:
    """Return what is told several times in a row once, with how often it was so, at the last time."""
    told = list[tuple[datetime, str]]()
    for text, same in groupby(found, key=lambda each: each[1]):
        rows = list(same)
        told.append((rows[0][0], text if len(rows) == 1 else f"{text}, {len(rows)} times"))
    return told


def _judged(said: Finding) -> str:
    if said.verdict is None:
        return "said what it is: not shown"
    return f"said that it is {'a threat' if said.verdict == 'threat' else 'no threat'}{because(said.reason)}"
