"""Whom labels name as impostors among those whom the face match refused: nobody was rejected wrongly by that. Pure.

A tenant with many impostors has many failed matches, and labels say so weeks later, day by day. What an incident of
failed matches says of people is less those whom labels name by then, of its slice and its days; of attacks the proof
says as much (`detection.proofs`).
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Final

from proofwatch.detection.findings import FindingHistory, Panel, Slice, Tables
from proofwatch.instants import ms_of
from proofwatch.local_time import local

_FAILED: Final = "match_fail_rate"
_IMPOSTORS: Final = "fmr"
"""Its trials are impostors, its errors those who matched."""
_DAY_S: Final = 86_400
_MOST_DAYS: Final = 60
_INSTANT: Final = timedelta(microseconds=1)


def labelled_days(finding: FindingHistory) -> list[Panel]:
    """Return the tenant's days of a finding of failed matches, as labels count impostors; of any other none."""
    worst = finding.worst
    if worst is None or worst.metric != _FAILED or worst.direction == "down":
        return []
    last = finding.latest.window_start if finding.latest.state == "resolved" else finding.latest.window_end - _INSTANT
    first = local(finding.since, worst.time_zone)
    many = min(_MOST_DAYS, (local(last, worst.time_zone).date() - first.date()).days + 1)
    midnight = datetime.combine(first.date(), time(), first.tzinfo)
    return [Panel(_IMPOSTORS, _DAY_S, ms_of(midnight + timedelta(days=day))) for day in range(many)]


def impostors_rejected(findings: Iterable[FindingHistory], where: Slice, tables: Tables) -> int:
    """Return how many impostors of a slice labels name on the days of these findings whom the match refused."""
    days = {day for each in findings if each.where == where for day in labelled_days(each)}
    counts = (tables.get(day, {}).get(where, (0, 0)) for day in days)
    return sum(max(0, n - k) for k, n in counts)
