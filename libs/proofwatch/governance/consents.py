"""Which word of a data subject about one purpose holds, and what is in force at a time.

Words may come late, twice and in any order: which of two prevails depends on them alone, so the one that holds at the
end is the same. When in doubt it is the one that allows less: of two of one instant the withdrawal, of two grants the
one that ends first. Pure.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from proofwatch.governance.purposes import Purpose
from proofwatch.governance.release import ConsentState
from proofwatch.instants import us_of


class ConsentKey(NamedTuple):
    """Whose consent for what; the subject by tag (`pseudonyms`), never by reference."""

    tenant: str
    subject_tag: str
    purpose: Purpose


class Word(NamedTuple):
    """What was said: granted or withdrawn, when, and until when it holds; None: until it is withdrawn."""

    granted: bool
    asserted_at: datetime
    expires_at: datetime | None = None


def prevailing(held: Word | None, said: Word) -> Word:
    """Return which of the two holds: what was asserted later, whichever came first."""
    return said if held is None or _weight(said) > _weight(held) else held


def state_of(held: Word | None, at: datetime) -> ConsentState:
    """Return what is in force at an instant. The instant of its end is past it."""
    if held is None:
        return ConsentState.NONE
    if not held.granted:
        return ConsentState.WITHDRAWN
    if held.expires_at is not None and held.expires_at <= at:
        return ConsentState.EXPIRED
    return ConsentState.GRANTED


def told(granted: bool, asserted_at: datetime, expires_at: datetime | None, logged_at: datetime) -> Word:
    """Return the word of a record that was logged at `logged_at`.

    Nobody speaks in the future: a grant whose clock is ahead would outlast each withdrawal until then. So what claims
    to be asserted later than it was logged counts as asserted when it was logged. Raises `OverflowError` for instants
    that are not of the years 1 to 9999 in UTC.
    """
    asserted = min(asserted_at.astimezone(UTC), logged_at)
    return Word(granted, asserted, None if expires_at is None or not granted else expires_at.astimezone(UTC))


def _weight(word: Word) -> tuple[datetime, bool, bool, int]:
    ends = word.expires_at
    return word.asserted_at, not word.granted, ends is not None, 0 if ends is None else -us_of(ends)
