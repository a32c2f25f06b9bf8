"""How old events are when something has come of them, several topics later: a header says when they were."""

from collections.abc import Iterable, Iterator
from typing import Final

from proofwatch.bus.records import Headers, Record

NEWEST: Final = "proofwatch.newest_ms"
"""When the newest event that a record is made of occurred, in milliseconds since the Unix epoch, as decimal digits."""


def newest_header(at_ms: int) -> Headers:
    """Return the header that says so."""
    return ((NEWEST, b"%d" % at_ms),)


def newest_of(records: Iterable[Record]) -> Iterator[int]:
    """Yield what the headers of records say; those without it, or with something else in it, are left out."""
    for record in records:
        for name, value in record.headers:
            if name == NEWEST and value.isdigit() and len(value) <= 15:
                yield int(value)
