"""How many records of one partition may be dead-lettered before the service halts.

Pure: a tally of what was seen, moved on by batches. The verdict is about single records, so it does not depend on
where batches are cut. Two caps, each 0 when off: a share of the last records, and a number in a row.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

WINDOW: Final = 10_000
"""The share is taken of so many records, the last ones."""
LEAST: Final = 1_000
"""The share says nothing before so many records were seen."""
_PAST_A_MARKER: Final = 2


class Dead(NamedTuple):
    """A dead letter: which record of the partition it was, counted from the first that was seen, and why."""

    ordinal: int
    reason: str


class Tally(NamedTuple):
    """What the records of one partition came to, up to some position.

    `run`: dead letters in a row at the end. `dead`: those within the window, in order.
    """

    seen: int = 0
    run: int = 0
    dead: tuple[Dead, ...] = ()


class Breach(NamedTuple):
    """A cap is exceeded: `dead` of `of` records, at the record with this ordinal; `reason` is the most frequent."""

    kind: Literal["rate", "run"]
    ordinal: int
    dead: int
    of: int
    reason: str


@dataclass(frozen=True)
class Cap:
    """`rate`: more than this share of the last records is a breach. `run`: so many in a row are. 0: never.

    `by_tenant`: each tenant is held to it, and only what is everybody's halts (`dead_letters.tenants`).
    """

    rate: float
    run: int
    by_tenant: bool = False

    def add(self, before: Tally, records: int, refused: Sequence[tuple[int, str]]) -> Tally | Breach:
        """Return the tally after `records` more of which `refused` (index in the batch, reason) are dead letters.

        The first breach within the batch wins. `refused` ascends by index.
        """
        seen = before.seen + records
        if not refused:
            run = before.run if not records else 0
            return self._young(before.dead, before.seen, seen) or Tally(seen, run, _window(before.dead, seen))
        known, run, last = list(before.dead), before.run, before.seen - 1
        for index, reason in refused:
            each = Dead(before.seen + index, reason)
            if young := self._young(known, last + 1, each.ordinal):
                return young
            run = run + 1 if each.ordinal == last + 1 else 1
            known.append(each)
            last = each.ordinal
            if breach := self._breach(known, run, each.ordinal):
                return breach
        if young := self._young(known, last + 1, seen):
            return young
        return Tally(seen, run if last == seen - 1 else 0, _window(known, seen))

    def _breach(self, dead: Sequence[Dead], run: int, ordinal: int) -> Breach | None:
        """Judge at a dead letter, the last of `dead`."""
        if self.run and run >= self.run:
            return Breach("run", ordinal, run, run, _leading(dead[-run:]))
        return self._too_many(dead, ordinal + 1) if ordinal + 1 >= LEAST else None

    def _young(self, dead: Sequence[Dead], before: int, seen: int) -> Breach | None:
        """Judge the first `LEAST` records when their last one, no dead letter, is passed on the way to `seen`."""
        return self._too_many(dead, LEAST) if before < LEAST <= seen else None

    def _too_many(self, dead: Sequence[Dead], seen: int) -> Breach | None:
        first, of = _first(dead, seen), min(seen, WINDOW)
        count = len(dead) - first
        if self.rate and count > self.rate * of:
            return Breach("rate", seen - 1, count, of, _leading(dead[first:]))
        return None


def rebuild_tally(position: int, refused: Sequence[tuple[int, str]], cap: Cap) -> Tally:
    """Return the tally at `position`, rebuilt from the dead letters (offset, reason) that are left below it.

    Offsets stand for records here: the holes that transaction markers leave count as records for the share, which
    makes it smaller by that much, and a hole of one does not end a run. The run stays one below its cap, so that the
    next record decides.
    """
    seen = min(position, WINDOW)
    known = sorted({offset: reason for offset, reason in refused if position - seen <= offset < position}.items())
    run, expected, step = 0, position, 1  # a position is one past its last record, whatever that became
    for offset, _ in reversed(known):
        if expected - offset > step:
            break
        run, expected, step = run + 1, offset, _PAST_A_MARKER
    dead = tuple(Dead(seen - (position - offset), reason) for offset, reason in known)
    return Tally(seen, min(run, max(cap.run - 1, 0)), dead)


def _first(dead: Sequence[Dead], seen: int) -> int:
    return bisect_left(dead, (seen - WINDOW,))


def _window(dead: Sequence[Dead], seen: int) -> tuple[Dead, ...]:
    return tuple(dead[_first(dead, seen) :])


def _leading(dead: Sequence[Dead]) -> str:
    return Counter(each.reason for each in dead).most_common(1)[0][0]
