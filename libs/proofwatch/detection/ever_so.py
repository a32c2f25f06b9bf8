"""What was so from the first day on: nothing happened, a policy expected something else. Pure.

Until a tenant's own rate is known, rules compare with what its policy expects. A tenant whose people always fail more
often than that is found by all of them, for weeks, and nothing went wrong. So it is asked whether the rate was ever
lower: by the week before the finding's begin, or its earliest if that is known to an interval only. Where nobody came
then, or as many failed, there is no earlier time to compare with.
"""

from math import sqrt
from typing import Final

from proofwatch.detection.begin import worst_of
from proofwatch.detection.findings import WHOLE, FindingHistory, Panel, Tables, panel_of
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.instants import ms_of

_BEFORE_S: Final = 7 * 86_400
_APART: Final = 3.0
_OF_RATES: Final = frozenset({"cusum", "twice_baseline"})


def is_guessed(finding: FindingHistory) -> bool:
    """Return whether a finding says that more of a whole tenant fails than its policy expects, for want of more."""
    worst = finding.worst
    if worst is None or finding.where != WHOLE or worst.rule not in _OF_RATES or worst.baseline_n:
        return False
    return harm_of(worst) in KEEPS_OUT


def before(finding: FindingHistory) -> Panel | None:
    """Return the week before a finding that compares with what the policy expects; None: it compares with more."""
    if not is_guessed(finding):
        return None
    begin_ms = ms_of(finding.since_low or finding.since)
    return Panel(panel_of(finding).metric, _BEFORE_S, begin_ms - _BEFORE_S * 1000)


def was_ever_so(finding: FindingHistory, tables: Tables) -> bool:
    """Return whether all that a finding says is that its policy expects fewer, and that from the first day on."""
    return is_guessed(finding) and not _was_lower(finding, tables)


def _was_lower(finding: FindingHistory, tables: Tables) -> bool:
    """Return whether fewer failed in the week before, by more than chance in either of the two counts.

    The finding's window is the worst of several that were looked at; few trials tell its rate roughly only.
    """
    week = before(finding)
    known = tables.get(week) if week else None
    if known is None:
        return True  # nobody knows
    k, n = known.get(WHOLE, (0, 0))
    worst = worst_of(finding)
    expected = n * worst.rate
    return expected - k >= _APART * sqrt(max(expected, 1.0) * (1 + n / max(worst.n, 1)))
