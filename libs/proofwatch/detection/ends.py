"""When a cause is over: by evidence of the time after it, and not by a day that remembers it. Pure.

A day that holds a bad morning is above its limit until midnight, and three and seven days are for as long as they
hold it. So where shorter windows found a cause for sure, they say when it is over too: a chart that came back. Days
by themselves go on until one is within, for nothing else looks at what only they could prove.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from proofwatch.detection.findings import FindingHistory
from proofwatch.instants import ms_of

_OF_DAYS: Final = "twice_baseline"
_BY_LABELS: Final = frozenset({"fmr", "fnmr", "apcer", "bpcer"})
"""What labels prove of a day is no memory of what was told already."""


def remembers(finding: FindingHistory) -> bool:
    """Return whether a finding is of days as a whole, which say nothing of what became of a part of them."""
    latest = finding.latest
    return latest.rule == _OF_DAYS and latest.cadence == "daily" and latest.metric.partition(":")[0] not in _BY_LABELS


def deciding(findings: Sequence[FindingHistory]) -> list[FindingHistory]:
    """Return the findings of a cause whose ends are its end: all but days, if anything shorter was sure of it."""
    shorter = [each for each in findings if not remembers(each)]
    return shorter if any(each.sure for each in shorter) else list(findings)


def until_of(findings: Sequence[FindingHistory]) -> int | None:
    """Return when a cause was over, in ms since 1970; None: it goes on."""
    ends = [each.until_ms for each in deciding(findings)]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def known_of(findings: Sequence[FindingHistory]) -> datetime:
    """Return when it became known that a cause is over, if it is."""
    return max((each.latest.known_at or each.latest.window_end for each in deciding(findings)), key=ms_of)
