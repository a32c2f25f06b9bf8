"""Notes of people on cases, and what has no place in one: names of nobody, numbers of nobody, addresses of nobody.

A note is about what was done and seen. Whose case it is, the case knows by a tag; a note that says it in words would
be found by nobody who has to erase it.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

LONGEST: Final = 2_000
_KNOWN: Final = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # of cases, and what the house makes of events
    r"|\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?"
    r"|\b\d{1,3}\.\d+\b",
    re.IGNORECASE,
)
"""What has digits and is nobody's: ids of ours, times, scores."""
_KINDS: Final = (
    ("a mail address", re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]{2,}")),
    ("a number of a person, such as that of a telephone or a document", re.compile(
        r"(?<!\w)[A-Z]{5}\d{4}[A-Z](?!\w)|\+?\d(?:[ .\-/()\u00a0\u2011-\u2013]{0,3}\d){6,}", re.IGNORECASE)),
    ("the name of a field of personal data", re.compile(
        r"\b(?:subject_ref|imagery_ref|device_id|ip_address|full_name|first_name|last_name|given_name|family_name"
        r"|date_of_birth|birth_date|passport_no|document_number|account_number|phone_number|email_address)\b"
        r"|\b(?:name|surname|dob|date of birth|born|passport|aadhaar|pan|ssn|iban|phone|mobile|telephone|e-?mail"
        r"|address|account)\b\s*(?:no\.?|number)?\s*[:=]", re.IGNORECASE)),
)  # fmt: skip


class Note(NamedTuple):
    """What somebody noted on a case, or on a part of it; `text` None: it cannot be read, or not now."""

    note_id: str
    case_id: str
    at: datetime
    person_id: str
    name: str | None
    text: str | None


class Personal(NamedTuple):
    """Something in a text that looks personal: what it looks like, and from which character to which, from 1."""

    what: str
    begin: int
    end: int


def personal(text: str) -> list[Personal]:
    """Return what in a text looks as if it said who somebody is, from left to right; it repeats nothing of it."""
    return sorted(_found(text), key=lambda each: (each.begin, each.end))


def unfit(text: str) -> str | None:
    """Return why a text is no note, and where, with what would be right; None: it is one."""
    if not text.strip():
        return "the note must say something"
    if len(text) > LONGEST:
        return f"a note has at most {LONGEST:,} characters"
    found = personal(text)
    if not found:
        return None
    said = "; ".join(f"characters {each.begin} to {each.end} look like {each.what}" for each in found[:5])
    return f"{said}: leave it out, the case knows whose it is"


def _found(text: str) -> Iterator[Personal]:
    plain = _KNOWN.sub(lambda each: " x" * (len(each[0]) // 2) + "x" * (len(each[0]) % 2), text)
    for what, pattern in _KINDS:
        for each in pattern.finditer(plain):
            yield Personal(what, each.start() + 1, each.end())
