"""One new version beside the old ones: a marker once it carries real traffic, looks at fixed sizes, a finding, its end.

Looks are at 50, 100, 200 … 12,800 transactions of the version. Their number times `change.TESTS` shares the false
alarms that the policy allows a release, so that looking nine times does not make nine times as many. What is found is
looked at again whenever the transactions have doubled. It ends when two further stretches of traffic are as it was
before, or when the version's traffic ends.
"""

from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.versions.change import TESTS, Reading, concerned, readings
from services.aggregator.core.versions.part import Five, Part, difference
from services.aggregator.core.versions.sums import DESIGN, Sums, Usual

FIVE_MS: Final = 300_000
LOOKS: Final = tuple(50 * 2**i for i in range(9))
_STRETCH: Final = 200
"""Transactions of the version by which it is asked whether all is as before: not fewer than it was found by."""
_QUIET: Final = 2
_GONE: Final = 20
"""So many transactions of a version are missing when its traffic has ended."""
_GONE_MS: Final = 2 * HOUR_MS
_BESIDE: Final = 4
"""Old versions are looked at beside the new one where they have at least a quarter of its transactions."""

State = Literal["comparing", "no_change", "changed", "as_before", "no_traffic"]


class Found(Struct, array_like=True, frozen=True):
    """What is told of a metric: since which look, at how many transactions (`n`), and by which counts now."""

    fired_ms: int
    at_ms: int
    look: int
    n: int
    reading: Reading
    quiet: int = 0


class Comparison(Struct, array_like=True, frozen=True):
    """A new version of the dimension `name` since its first traffic at `since_ms`.

    `marked_ms`: when it had enough of it (0: not yet).

    `n` of the tenant's `of` transactions since then are its own; `missing`: how many were to be expected of it since
    they ceased. `looks` are done. `new`, `old`: of the version and of what ran beside it; `usual`: what ran before.
    `stretch_new`, `stretch_old`: since the last stretch of traffic after a finding.
    """

    name: str
    since_ms: int
    previous: str | None
    last_ms: int = 0
    marked_ms: int = 0
    n: int = 0
    of: int = 0
    missing: float = 0.0
    looks: int = 0
    new: Sums = Sums()
    old: Sums = Sums()
    usual: Usual = Usual()
    found: dict[str, Found] = {}
    stretch_new: Sums = Sums()
    stretch_old: Sums = Sums()

    @property
    def share(self) -> float:
        """Return its share in the tenant's transactions since its first."""
        return self.n / self.of if self.of else 0.0


class Ended(NamedTuple):
    """A finding that is over, by what was read last (None: nothing came any more)."""

    metric: str
    reading: Reading | None


class Moved(NamedTuple):
    """A comparison after five minutes (None: it is over), what it came to, and which findings are over."""

    comparison: Comparison | None
    state: State
    ended: tuple[Ended, ...] = ()


def absent(comparison: Comparison, five: Five) -> Moved:
    """Return what follows from five minutes of the tenant without the version."""
    since = replace(comparison, missing=comparison.missing + five.whole.n * comparison.share)
    if not since.marked_ms:
        over = five.start_ms - since.since_ms >= DAY_MS
        return Moved(None if over else replace(since, of=since.of + five.whole.n), "comparing")
    if since.missing < _GONE or five.start_ms - since.last_ms < _GONE_MS:
        return Moved(since, _state(since))
    return Moved(None, "no_traffic", tuple(Ended(metric, None) for metric in since.found))


def present(comparison: Comparison, five: Five, part: Part, usual: Usual, rule: VersionRule) -> Moved:
    """Return what follows from five minutes of the tenant with `part` of the version; `usual` is as of now."""
    end_ms, rest = five.start_ms + FIVE_MS, difference(five.whole, part)
    moved = replace(
        comparison,
        last_ms=five.start_ms,
        n=comparison.n + part.n,
        of=comparison.of + five.whole.n,
        missing=0.0,
        new=comparison.new.plus(five.start_ms, part),
        old=comparison.old.plus(five.start_ms, rest),
    )
    if not moved.marked_ms:
        if moved.n >= rule.least and moved.share >= rule.share:
            moved = replace(moved, marked_ms=end_ms, usual=usual)
        elif five.start_ms - moved.since_ms >= DAY_MS:
            return Moved(None, "comparing")
        else:
            return Moved(moved, "comparing")
    if moved.found:
        moved = replace(
            moved,
            stretch_new=moved.stretch_new.plus(five.start_ms, part),
            stretch_old=moved.stretch_old.plus(five.start_ms, rest),
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


def _state(comparison: Comparison) -> State:
    return "changed" if comparison.found else "comparing"


def _next_look(looks: int) -> int:
    first: int = LOOKS[0]
    return first << looks


def _looked(comparison: Comparison, start_ms: int, rule: VersionRule) -> Comparison:
    looks = comparison.looks
    while comparison.n >= _next_look(looks):
        looks += 1
    found = dict(comparison.found)
    fires = comparison.looks < len(LOOKS)  # what was spent is spent: later looks only tell more of what is known
    for each in _read(comparison, comparison.new, comparison.old, rule):
        known = found.get(each.metric)
        if known is None and each.beyond and fires:
            found[each.metric] = Found(start_ms, start_ms, looks, comparison.n, each)
        elif known is not None and each.direction == known.reading.direction and each.beyond:
            found[each.metric] = replace(known, at_ms=start_ms, look=looks, reading=each)
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


def _read(comparison: Comparison, new: Sums, old: Sums, rule: VersionRule) -> list[Reading]:
    alpha = rule.false_alarms / (TESTS * len(LOOKS))
    usual, mine = comparison.usual, concerned(comparison.name)
    if old.n * _BESIDE >= new.n:
        found = readings(new, old, rule, alpha, _retries)
    else:
        found = readings(new, usual.sums, rule, alpha, usual.dispersion)
    return [each for each in found if each.metric in mine]


def _retries(name: str, expected: float) -> float:
    return DESIGN
