"""Velocity: too many proofs under one key (a subject, a handset) within a sliding window of event time.

What counts for a proof Q are the proofs P of its key that lie before it on the log, appended less than a horizon
before Q (`Proofs`, log time), and occurred within the window (event time). So what is told is a function of one
horizon of the log, and reading that much again after a restart gives the same.

A rule is crossed by the proof that turns a stretch without excess into one with: some window that ends with a proof
and contains Q holds `limit` proofs with Q, none of them did without Q, and neither did the window that ends with the
proof before Q. With limit 3 and a window of 10 minutes:

    occurred   0:00   0:04   0:08       0:12       0:30   0:34   0:35
    in window   1      2      3          3          1      2      3
                              crossed    the same                 crossed again

In order that is the window (Q - length, Q] alone; the others matter when Q arrives late.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Final, NamedTuple

from proofwatch.detection.generations import Generations
from proofwatch.governance.policy import VelocityRule

MINUTE_MS: Final = 60_000
LATENESS_MS: Final = 10 * MINUTE_MS
"""Proofs of one window still meet when one reached the log so much later than the other."""

_FEW: Final = 32
"""So many numbers of a key, two for each proof, are kept as a value that is made anew with each proof."""

_Few = tuple[int, ...]
"""A key's few proofs in log order: log time and event time of each, in milliseconds."""


class Limit(NamedTuple):
    """A velocity rule for the hot path: `limit` proofs within `window_ms` are an excess."""

    window_ms: int
    limit: int


class Crossing(NamedTuple):
    """A rule that a proof crossed: `counted` proofs within `window_minutes`, where `limit` are an excess."""

    window_minutes: int
    limit: int
    counted: int


def limits_of(rules: Sequence[VelocityRule]) -> tuple[Limit, ...]:
    """Return the rules of a policy for the hot path."""
    return tuple(Limit(rule.window_minutes * MINUTE_MS, rule.limit) for rule in rules)


def horizon_ms(limits: Sequence[Limit]) -> int:
    """Return how much log time `Proofs` must keep for these rules: the longest window and `LATENESS_MS`; 0 for none.

    Where policies differ, give the rules of all of them.
    """
    return max((limit.window_ms for limit in limits), default=-LATENESS_MS) + LATENESS_MS


def least(limits: Sequence[Limit]) -> int:
    """Return how many proofs of one key there must be for any of the rules to be crossed."""
    return max(2, min((limit.limit for limit in limits), default=2))


def crossings(times: Sequence[int], occurred_ms: int, limits: Sequence[Limit]) -> tuple[Crossing, ...]:
    """Return the rules that the proof of `occurred_ms` crosses.

    `times`: when the proofs of its key occurred, ascending, itself included (as `Proofs.see` returns them).
    """
    crossed: tuple[Crossing, ...] = ()
    for limit in limits:
        if len(times) >= limit.limit and _crosses(times, occurred_ms, limit):
            crossed += (Crossing(limit.window_ms // MINUTE_MS, limit.limit, limit.limit),)
    return crossed


def _crosses(times: Sequence[int], occurred_ms: int, rule: Limit) -> bool:
    """Return whether the proof crosses the rule; the window after it is looked through only as far as it must."""
    window_ms, limit = rule
    own = bisect_right(times, occurred_ms) - 1  # of equal times the proof is the last
    if own and _count(times, own - 1, window_ms) >= limit:
        return False
    reached = False
    for at in range(own, len(times)):
        if times[at] >= occurred_ms + window_ms:
            break
        count = _count(times, at, window_ms)
        if count > limit:
            return False  # without this proof it was in excess already
        reached = reached or count == limit
    return reached


def _count(times: Sequence[int], at: int, window_ms: int) -> int:
    """Return how many of `times[: at + 1]` lie in the window that ends with `times[at]`."""
    return at + 1 - bisect_right(times, times[at] - window_ms, 0, at + 1)


class _Many:
    """The proofs of a key that has more than a few: log times and event times in log order, and `times` ascending."""

    __slots__ = ("logged", "occurred", "times")

    def __init__(self, few: _Few) -> None:
        self.logged, self.occurred, self.times = [*few[::2]], [*few[1::2]], _times(few)

    def add(self, logged_ms: int, occurred_ms: int, at: int) -> None:
        self.logged.insert(at, logged_ms)
        self.occurred.insert(at, occurred_ms)
        insort(self.times, occurred_ms)

    def drop(self, at: int) -> _Few:
        logged_ms, occurred_ms = self.logged.pop(at), self.occurred.pop(at)
        del self.times[bisect_left(self.times, occurred_ms)]
        return logged_ms, occurred_ms


class Proofs(Generations[bytes, _Few | _Many, tuple[bytes, _Few] | tuple[_Many, _Few | None]]):
    """Which key proved when, in one partition, for one horizon of log time.

    A key with one proof takes about 230 bytes. Nothing of this is ever written down.

    Log time is expected to ascend, as log-append time does; where it does not, a proof that is nearly a horizon old
    may be missed.
    """

    __slots__ = ()

    def see(self, timestamp_ms: int, key: bytes, occurred_ms: int, least: int = 2) -> list[int] | None:
        """Remember a proof; return when those of its key occurred that count, ascending, itself included.

        None: there are fewer than `least` (2 or more). The list may be the memory's own: read it before the next call,
        and do not change it. Call it once for a transaction: repeats must not count.
        """
        # setdefault gives `proof` back, the very object, when the key is new: one look-up instead of two.
        proof = (timestamp_ms, occurred_ms)
        known = self._young.setdefault(key, proof)
        if known is proof:
            if key not in self._old:
                return None
            known = self._old[key]
        elif isinstance(known, tuple):  # many notes its own changes
            self._undo.append((key, known))
        oldest_ms = timestamp_ms - self._horizon_ms  # was logged a horizon ago
        if isinstance(known, tuple):
            while known and known[0] <= oldest_ms:
                known = known[2:]
            if len(known) < _FEW:
                few = self._young[key] = known + proof
                return _times(few) if len(few) >= 2 * least else None
            known = _Many(known)
        self._young[key] = known
        return self._add(known, proof, oldest_ms, least)

    def _add(self, many: _Many, proof: tuple[int, int], oldest_ms: int, least: int) -> list[int] | None:
        while many.logged and many.logged[0] <= oldest_ms:
            self._undo.append((many, many.drop(0)))
        many.add(*proof, at=len(many.logged))
        self._undo.append((many, None))
        return many.times if len(many.times) >= least else None

    def _take_back(self) -> None:
        while self._undo:
            what, before = self._undo.pop()
            if not isinstance(what, _Many):
                assert before is not None
                self._young[what] = before
            elif before is None:
                what.drop(-1)
            else:
                logged_ms, occurred_ms = before
                what.add(logged_ms, occurred_ms, at=0)
        self._forget_new_keys()


def _times(few: _Few) -> list[int]:
    return sorted(few[1::2])
