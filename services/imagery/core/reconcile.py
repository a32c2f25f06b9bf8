"""Holds what the store says was read against what the audit log says was opened, one to one.

The store's log is in the format of S3 server access logs, which S3-compatible servers write as well. A read belongs to
a view if it is of the view's object, and lies between the view's intent and its end, give or take the clocks' skew.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import unquote

_LINE: Final = re.compile(
    r"(?P<owner>\S+) (?P<bucket>\S+) \[(?P<at>[^\]]+)\] (?P<ip>\S+) (?P<requester>\S+) (?P<request>\S+) "
    r'(?P<operation>\S+) (?P<key>\S+) (?:"(?:[^"\\]|\\.)*"|-) (?P<status>\d{3}|-)(?: .*)?'
)
_READS: Final = re.compile(r"^(REST|WEBSITE|SOAP)\.(GET|COPY|HEAD)\.OBJECT|^REST\.(GET|SELECT)\.OBJECT\b")
_GIVEN: Final = ("200", "206", "304")


class Read(NamedTuple):
    """The store gave an object. `line`: where the log says so, from 1."""

    line: int
    at: datetime
    bucket: str
    key: str
    requester: str


class Opened(NamedTuple):
    """A view that the audit log knows, and the object it was of."""

    view_id: str
    bucket: str
    key: str
    begun: datetime
    ended: datetime | None
    fetched: bool
    """Whether bytes of it have left, or are presumed to."""


class Reconciled(NamedTuple):
    """What has its counterpart, and what has none."""

    matched: int
    unexplained: tuple[Read, ...]
    """Somebody read the object past the broker, or the broker did without an entry."""
    missing: tuple[Opened, ...]
    """Shown, and the store knows nothing of it: its log is not whole."""


class InvalidAccessLog(ValueError):
    """A line is no line of an access log; the message says which."""


def reads(lines: Iterable[str]) -> list[Read]:
    """Return the objects that the store gave. Raises `InvalidAccessLog`."""
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip("\r\n"))
        if match is None:
            raise InvalidAccessLog(f"line {number} is no line of an S3 server access log")
        if not _READS.match(match["operation"]) or match["status"] not in _GIVEN:
            continue
        try:
            at = datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z")
        except ValueError:
            raise InvalidAccessLog(f"line {number} has no time such as 06/Feb/2026:00:00:38 +0000") from None
        found.append(Read(number, at, match["bucket"], unquote(match["key"]), match["requester"]))
    return found


def reconciled(found: Sequence[Read], views: Sequence[Opened], skew: timedelta) -> Reconciled:
    """Return what has no counterpart. Reads and views of one object are matched in the order of their times.

    A view whose end nobody entered is open until the end of the log.
    """
    by_object: defaultdict[tuple[str, str], list[Opened]] = defaultdict(list)
    for view in sorted(views, key=lambda each: (each.begun, each.view_id)):
        by_object[view.bucket, view.key].append(view)
    unexplained = []
    matched = 0
    for read in sorted(found, key=lambda each: (each.at, each.line)):
        waiting = by_object[read.bucket, read.key]
        fitting = [view for view in waiting if _spans(view, read.at, skew)]
        if not fitting:
            unexplained.append(read)
            continue
        # the one that ends first, so that a later read finds what it needs
        waiting.remove(min(fitting, key=lambda view: (view.ended is None, view.ended or view.begun, view.view_id)))
        matched += 1
    left = [view for each in by_object.values() for view in each if view.fetched]
    return Reconciled(matched, tuple(unexplained), tuple(sorted(left, key=lambda view: (view.begun, view.view_id))))


def _spans(view: Opened, at: datetime, skew: timedelta) -> bool:
    # the store's log has whole seconds
    begun = view.begun.replace(microsecond=0) - skew
    return begun <= at and (view.ended is None or at <= view.ended + skew)
