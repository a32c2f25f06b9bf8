"""One new version beside the old ones: a marker once it carries real traffic, looks at fixed sizes, a finding, its end.

Looks are at 50, 63, 79, 100 … 12,800 transactions of the version, three to each doubling: what drifts slowly is looked
at again before it has gone on for days. Their number times `change.TESTS` shares the false alarms that the policy
allows a release (union bound), so that looking 25 times does not make 25 times as many. What is found is looked at at
each step, for as long as it stands. It ends when two further stretches of traffic are as it was
before, or when the version's traffic ends.
"""

import math
from typing import Final

from msgspec.structs import replace

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.times import DAY_MS
from services.aggregator.core.touches import TOUCHES
from services.aggregator.core.versions.accused import Accused
from services.aggregator.core.versions.change import TESTS, readings
from services.aggregator.core.versions.ends import still_gone
from services.aggregator.core.versions.part import Five, Part, difference
from services.aggregator.core.versions.people import factor, plus
from services.aggregator.core.versions.reading import Dispersion, People, Reading
from services.aggregator.core.versions.state import FIVE_MS, Comparison, Ended, Found, Moved, State
from services.aggregator.core.versions.sums import DESIGN, Sums, Usual

_FIRST: Final = 50
_TO_DOUBLE: Final = 3
"""Looks until the transactions have doubled."""
LOOKS: Final = tuple(round(_FIRST * math.pow(2, at / _TO_DOUBLE)) for at in range(25))
_STRETCH: Final = 200
"""Transactions of the version by which it is asked whether all is as before: not fewer than it was found by."""
_QUIET: Final = 2
_WEEK: Final = 7
"""Days beyond a week are not taken to differ by themselves."""
_BESIDE: Final = 4
"""Old versions are looked at beside the new one where they have at least a quarter of its transactions."""


def present(
    comparison: Comparison, five: Five, part: Part, usual: Usual, rule: VersionRule, accused: Accused | None = None
) -> Moved:
    """Return what follows from five minutes of the tenant with `part` of the version; `usual` is as of now.

    `accused`: an earlier version that is told to have changed something, and its part.
    """
    if comparison.gone is not None:
        return still_gone(comparison, five, part.n, rule)
    end_ms, rest = five.start_ms + FIVE_MS, difference(five.whole, part)
    before = comparison.usual if comparison.marked_ms or comparison.by else usual
    if accused is not None:
        comparison, before, rest = _without(accused, comparison), accused.usual, difference(rest, accused.part)
    moved = replace(
        comparison,
        last_ms=five.start_ms,
        n=comparison.n + part.n,
        of=comparison.of + five.whole.n,
        missing=0.0,
        new=comparison.new.plus(five.hour_of_day, part),
        old=comparison.old.plus(five.hour_of_day, rest),
        people=plus(comparison.people, five.whole, part, before.slices),
    )
    if not moved.marked_ms:
        if moved.n >= rule.least and moved.share >= rule.share:
            moved = replace(moved, marked_ms=end_ms, usual=before)
        elif five.start_ms - moved.since_ms >= DAY_MS:
            return Moved(None, "comparing")
        else:
            return Moved(moved, "comparing")
    if moved.found:
        moved = replace(
            moved,
            stretch_new=moved.stretch_new.plus(five.hour_of_day, part),
            stretch_old=moved.stretch_old.plus(five.hour_of_day, rest),
        )
    ended: tuple[Ended, ...] = ()
    if moved.stretch_new.n >= max(_STRETCH, *(each.n for each in moved.found.values()), 0):
        moved, ended = _stretched(moved, rule)
        if not moved.found:
            return Moved(None, "as_before", ended)
    if moved.n >= _next_look(moved.looks):
        moved = _looked(moved, five.start_ms, rule)
    settled = moved.looks >= len(LOOKS) and not moved.found
    return Moved(None if settled else moved, "no_change" if settled else _state(moved), ended)


def _without(accused: Accused, comparison: Comparison) -> Comparison:
    """Return a comparison with what ran before an accused version, and nothing of what that did beside it."""
    if comparison.usual == accused.usual:
        return comparison
    return replace(comparison, usual=accused.usual, old=Sums(), stretch_old=Sums())


def _state(comparison: Comparison) -> State:
    return "changed" if comparison.found else "comparing"


def _next_look(looks: int) -> int:
    return round(_FIRST * math.pow(2, looks / _TO_DOUBLE))


def _looked(comparison: Comparison, start_ms: int, rule: VersionRule) -> Comparison:
    looks = comparison.looks
    while comparison.n >= _next_look(looks):
        looks += 1
    found = dict(comparison.found)
    fires = comparison.looks < len(LOOKS)  # what was spent is spent: later looks only tell more of what is known
    for each in _read(comparison, comparison.new, comparison.old, rule, days=_days(comparison)):
        known = found.get(each.metric)
        if known is None and each.beyond and fires:
            found[each.metric] = Found(start_ms, start_ms, looks, comparison.n, each)
        elif known is not None and each.direction == known.reading.direction and each.beyond:
            sure = each if known.reading.explained else each._replace(explained=False)
            found[each.metric] = replace(known, at_ms=start_ms, look=looks, reading=sure)
    return replace(comparison, looks=looks, found=found)


def _stretched(comparison: Comparison, rule: VersionRule) -> tuple[Comparison, tuple[Ended, ...]]:
    found, ended = dict(comparison.found), []
    for each in _read(comparison, comparison.stretch_new, comparison.stretch_old, rule):
        known = found.get(each.metric)
        if known is None:
            continue
        back = each.within or each.direction != known.reading.direction
        if back and known.quiet + 1 >= _QUIET:
            del found[each.metric]
            ended.append(Ended(each.metric, each))
        else:
            found[each.metric] = replace(known, quiet=known.quiet + 1 if back else 0)
    return replace(comparison, found=found, stretch_new=Sums(), stretch_old=Sums()), tuple(ended)


def _days(comparison: Comparison) -> float:
    """Return over how many days its counts are spread, no more than a week, nor than the days before it."""
    span = (comparison.last_ms + FIVE_MS - comparison.since_ms) / DAY_MS
    return max(1.0, min(span, _WEEK, len(comparison.usual.days)))


def _read(comparison: Comparison, new: Sums, old: Sums, rule: VersionRule, days: float = 1.0) -> list[Reading]:
    """Return what can be said of what it has a part in; `days`: that the counts of `new` are spread over.

    What runs beside it tells more, unless there is little of it; what its people may explain beside others they may not
    explain against the days before, where everybody is counted.
    """
    alpha = rule.false_alarms / (TESTS * len(LOOKS))
    mine, usual = concerned(comparison), comparison.usual
    spread = _spread(usual, days)
    before = {
        each.metric: each for each in readings(new, usual.sums, rule, alpha, spread, _people(comparison, beside=False))
    }
    found = list(before.values())
    if old.n * _BESIDE >= new.n:
        beside = readings(new, old, rule, alpha, _retries, _people(comparison, beside=True))
        found = [
            each._replace(explained=each.explained and not _sure(before.get(each.metric), each)) for each in beside
        ]
    return [each for each in found if each.metric in mine]


def _spread(usual: Usual, days: float) -> Dispersion:
    """Return the dispersion of counts of so many days: what differs by days differs by each day's part of them."""
    return lambda name, expected: usual.dispersion(name, expected / days)


def _sure(before: Reading | None, beside: Reading) -> bool:
    return before is not None and before.direction == beside.direction and before.beyond and not before.explained


def _people(comparison: Comparison, *, beside: bool) -> People:
    return lambda metric, up: factor(comparison.people, metric, up=up, beside=beside)


def concerned(comparison: Comparison) -> frozenset[str]:
    """Return the metrics that it has a part in, so that an attack is not taken for its doing."""
    return TOUCHES[comparison.name].compared if comparison.touches is None else frozenset(comparison.touches)


def _retries(name: str, expected: float) -> float:
    return DESIGN
