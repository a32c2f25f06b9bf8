"""What is known of a tenant's versions, and how five minutes move it. Pure: (memory, five minutes, usual) → memory."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.governed_markers import GovernedMarker, due
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.versions.accused import Accused, accused_before
from services.aggregator.core.versions.beginnings import AT_ONCE, begin_unnamed, met, note_words
from services.aggregator.core.versions.comparison import present
from services.aggregator.core.versions.ends import absent, ceased
from services.aggregator.core.versions.part import Five, Part
from services.aggregator.core.versions.reading import Reading
from services.aggregator.core.versions.spelling import gathered
from services.aggregator.core.versions.state import FIVE_MS, Comparison, Moved, State
from services.aggregator.core.versions.sums import Usual

_FIRST: Final = 500
"""Transactions of a tenant, and an hour, whose versions were there before."""
_KNOWN: Final = 64
"""Versions of one dimension that are remembered, the last seen ones."""
_SHOWN_MS: Final = DAY_MS


class Marker(Struct, frozen=True):
    """A version that began to carry real traffic. `since_ms`: its first transaction; `known_ms`: when it had enough.

    `previous`: what had most of the traffic before; `share`: of the tenant's transactions since then, as of the last
    look; `ended_ms`: when its comparison was over, 0: it is not. `by` whom it was governed, and the `reason`: empty
    where it was only seen.
    """

    name: str
    version: str
    previous: str | None
    since_ms: int
    known_ms: int
    n: int
    share: float
    state: State
    ended_ms: int = 0
    by: str = ""
    reason: str = ""


class Ending(Struct, array_like=True, frozen=True):
    """A finding that ended in the five minutes from `start_ms` on, by a reading; None: its traffic did, `since_ms`."""

    start_ms: int
    reading: Reading | None
    since_ms: int = 0


class Memory(Struct, array_like=True, frozen=True):
    """After the five minutes that began at `start_ms`; `first_ms` and `n`: of the tenant.

    `known`: by dimension and version when it was last seen; `open`: comparisons; `markers`: those whose comparison goes
    on, or ended within a day; `endings`: of findings, by marker and metric, of the last day.
    """

    start_ms: int = 0
    first_ms: int = 0
    n: int = 0
    known: dict[str, dict[str, int]] = {}
    open: dict[str, dict[str, Comparison]] = {}
    markers: dict[str, Marker] = {}
    endings: dict[str, Ending] = {}


def key_of(name: str, version: str, since_ms: int) -> str:
    """Return the key of a marker."""
    return f"{name}\x1f{version}\x1f{since_ms}"


def next_memory(
    memory: Memory, five: Five, usual: Usual, rule: VersionRule, governed: Sequence[GovernedMarker] = ()
) -> Memory:
    """Return the memory after five minutes; `usual`: what ran before, an hour ago at least; `governed`: all markers."""
    start_ms = five.start_ms
    first_ms = memory.first_ms or start_ms
    known = {name: dict(each) for name, each in memory.known.items()}
    opened = {name: dict(each) for name, each in memory.open.items()}
    declared = due(governed, memory.start_ms or -1, start_ms)
    for marker in declared:
        known.get(marker.name, {}).pop(marker.version, None)  # it is new once more
    five = gathered(five, {name: {**known.get(name, {}), **opened.get(name, {})} for name in five.versions})
    begins = memory.n < _FIRST or start_ms - first_ms < HOUR_MS
    for name, versions in five.versions.items():
        met(name, known.setdefault(name, {}), opened.setdefault(name, {}), versions, start_ms, begins=begins)
        if len(known[name]) > _KNOWN:
            known[name] = dict(sorted(known[name].items(), key=lambda each: (-each[1], each[0]))[:_KNOWN])
    begin_unnamed(declared, five, known, opened)
    note_words(governed, opened, usual, start_ms)
    return _compared(memory, five, usual, rule, Memory(start_ms, first_ms, memory.n + five.whole.n, known, opened))


def _compared(memory: Memory, five: Five, usual: Usual, rule: VersionRule, new: Memory) -> Memory:
    """Return the new memory with its comparisons moved on, and what became of them."""
    start_ms = five.start_ms
    markers = {key: each for key, each in memory.markers.items() if not _past(each.ended_ms, start_ms)}
    endings = {key: each for key, each in memory.endings.items() if not _past(each.start_ms, start_ms)}
    for name, comparisons in new.open.items():
        for version, comparison in list(comparisons.items()):
            part = None if comparison.everybody else five.versions.get(name, {}).get(version, _NONE)
            moved = _moved(comparison, five, part, usual, rule, accused_before(comparisons, version, five))
            key = key_of(name, version, comparison.since_ms)
            if moved.comparison is not None:
                comparisons[version] = moved.comparison
            else:
                del comparisons[version]
                if moved.state in ("no_change", "as_before"):
                    new.known.setdefault(name, {})[version] = start_ms
            if marker := _marker(name, version, markers.get(key), moved, start_ms):
                markers[key] = marker
            endings |= _endings(key, moved, start_ms)
        gone = sorted((each.gone.since_ms, version) for version, each in comparisons.items() if each.gone)
        for _, version in gone[:-AT_ONCE]:
            del comparisons[version]
    return replace(new, markers=markers, endings=endings)


def silenced(memory: Memory, until_ms: int) -> Memory:
    """Return the memory after the tenant has been silent up to then: no version has traffic any more."""
    opened = {name: dict(each) for name, each in memory.open.items()}
    markers, endings = dict(memory.markers), dict(memory.endings)
    start_ms = until_ms - FIVE_MS
    for name, comparisons in opened.items():
        for version, comparison in list(comparisons.items()):
            if not comparison.standing:
                continue
            moved = ceased(comparison)
            key = key_of(name, version, comparison.since_ms)
            assert moved.comparison is not None, "what has findings is remembered"
            comparisons[version] = moved.comparison
            if marker := _marker(name, version, markers.get(key), moved, start_ms):
                markers[key] = marker
            endings |= _endings(key, moved, start_ms)
    return replace(memory, open=opened, markers=markers, endings=endings)


def stands(memory: Memory) -> bool:
    """Return whether something is found that silence would end."""
    return any(each.standing for versions in memory.open.values() for each in versions.values())


def _endings(key: str, moved: Moved, start_ms: int) -> dict[str, Ending]:
    return {f"{key}\x1f{each.metric}": Ending(start_ms, each.reading, each.since_ms) for each in moved.ended}


_NONE: Final = Part()


def _moved(
    comparison: Comparison, five: Five, part: Part | None, usual: Usual, rule: VersionRule, accused: Accused | None
) -> Moved:
    mine = five.whole if part is None else part
    return present(comparison, five, mine, usual, rule, accused) if mine.n else absent(comparison, five)


def _marker(name: str, version: str, known: Marker | None, moved: Moved, start_ms: int) -> Marker | None:
    comparison = moved.comparison
    if comparison is not None and comparison.marked_ms and comparison.gone is None:
        return Marker(
            name, version, comparison.previous, comparison.since_ms, comparison.marked_ms, comparison.n,
            comparison.share, moved.state, 0, comparison.by, comparison.reason,
        )  # fmt: skip
    if known is None or known.ended_ms:
        return known
    return replace(known, state=moved.state, ended_ms=start_ms + FIVE_MS)


def _past(ended_ms: int, now_ms: int) -> bool:
    return bool(ended_ms) and now_ms - ended_ms > _SHOWN_MS
