"""The entries of an export, walked once: their order, their times, the keys they name, and the roots they lead to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from proofwatch.audit import export
from proofwatch.audit.entry import Entry, InvalidLeaf, entry_of
from proofwatch.audit.export import InvalidExport, Part
from proofwatch.audit.forks import fork_of
from proofwatch.audit.keys import InForce, InvalidKeys, LogKeys
from proofwatch.audit.merkle import Range, leaf_hash
from proofwatch.audit.published import Fault, Published, lines_of


@dataclass(slots=True)
class Met:
    """A checkpoint that the entries lead to; when its last entry was logged, and the first that it has not."""

    published: Published
    last: datetime | None
    following: datetime | None = None


class _Difference(NamedTuple):
    """The first checkpoint with another root than the entries have, and up to where all agreed before it."""

    published: Published
    begin: Range
    rest: Range
    agreed: int


class History:
    """Walks entries against checkpoints: ascending ones of this part, the last of them the one of the export."""

    def __init__(self, checkpoints: Sequence[Published], given: LogKeys, part: Part) -> None:
        self._ahead = list(reversed(checkpoints))
        self._last = checkpoints[-1]
        self._given, self._part = given, part
        self._keys = _known_at(given, part.before.end)
        self._tree = part.before.copy()
        self._agreed = part.before.end
        self._difference: _Difference | None = None
        self._logged: datetime | None = None
        self.met: list[Met] = []

    def walk(self, stream: Iterable[bytes], progress: Callable[[int], None]) -> None:
        """Take every line. `progress` is told the number of entries so far, now and then. Raises `Fault`."""
        begin, end = self._part.before.end, self._part.after.begin
        self._meet()
        for line in lines_of(export.ENTRIES, stream, begin):
            index = self._tree.end
            if index == end:
                raise Fault(export.ENTRIES, f"more entries than the {end} that were signed", index)
            self._take(index, line)
            self._meet()
            if not (index - begin) & 0xFFF:
                progress(index - begin)
        if self._tree.end != end:
            raise Fault(export.ENTRIES, f"the entries end where entry {self._tree.end} should be", self._tree.end)
        self._finish()

    def _take(self, index: int, line: bytes) -> None:
        try:
            found, leaf = export.leaf_of_line(line)
            if found != index:
                raise Fault(export.ENTRIES, f"entry {found} where entry {index} should be", index)
            entry = entry_of(leaf)
            self._keys.observe(index, entry)
        except (InvalidExport, InvalidLeaf, InvalidKeys) as error:
            raise Fault(export.ENTRIES, f"entry {index}: {error}", index) from None
        self._time(index, entry)
        digest = leaf_hash(leaf)
        self._tree.append(digest)
        if self._difference is not None:
            self._difference.rest.append(digest)

    def _time(self, index: int, entry: Entry) -> None:
        before, now = self._logged, entry.logged_at
        if before is not None and now < before:
            said = f"it was logged at {now.isoformat()}, and the entry before it at {before.isoformat()}"
            raise Fault(export.ENTRIES, f"entry {index}: the clock went back: {said}", index)
        if self.met and self.met[-1].following is None:
            self.met[-1].following = now
        self._logged = now

    def _meet(self) -> None:
        """Compare with the checkpoints of the size that is reached."""
        size = self._tree.end
        while self._ahead and self._ahead[-1].checkpoint.size == size:
            one = self._ahead.pop()
            if self._difference is not None:
                continue
            if self._tree.root() == one.checkpoint.root:
                self._agreed = size
                self.met.append(Met(one, self._logged))
            else:
                self._difference = _Difference(one, self._tree.copy(), Range.empty(size), self._agreed)

    def _finish(self) -> None:
        after = self._part.after
        self._tree.join(after)
        agrees = self._tree.root() == self._last.checkpoint.root
        if self._difference is not None:
            self._tell_difference(self._difference, agrees)
        if not agrees:
            message = f"of the entries from {self._agreed} on, one or more are not those that were signed"
            raise Fault(export.ENTRIES, message, self._agreed, until=after.begin - 1)
        if self._keys != _known_at(self._given, after.begin):
            raise Fault(export.KEYS, "the keys, or when they were added and retired, are not as the entries say")

    def _tell_difference(self, difference: _Difference, agrees: bool) -> None:
        """Raise what it means that a checkpoint has another root: the entries were changed, or the log has forked.

        Who signs history anew signs the checkpoints before the fork anew, too, so that none of those that agree says
        where it begins: it is any entry before the checkpoint that does not.
        """
        one, begin, rest, agreed = difference
        size = one.checkpoint.size
        if agrees and one is not self._last:
            rest.join(self._part.after)
            fork = fork_of(one.note, self._last.note, begin, rest)
            message = f"the log signed a tree of {size} entries that its later history contradicts: it has forked"
            raise Fault(export.CHECKPOINTS, message, 0, fork, until=size - 1)
        message = f"of the entries from {agreed} to {size - 1}, one or more are not those that were signed"
        raise Fault(export.ENTRIES, message, agreed, until=size - 1)


def _known_at(given: LogKeys, size: int) -> LogKeys:
    """Return what the first entries say of keys, as far as `given` tells it."""
    return LogKeys(
        [
            InForce(each.key, each.added, each.retired if each.retired is not None and each.retired < size else None)
            for each in given.keys
            if each.added < size
        ]
    )
