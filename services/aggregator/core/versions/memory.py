"""What is known of a tenant's versions, and how five minutes move it. Pure: (memory, five minutes, usual) → memory."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.versions.change import Reading
from services.aggregator.core.versions.comparison import FIVE_MS, Comparison, Moved, State, absent, present
from services.aggregator.core.versions.part import Five, Part
from services.aggregator.core.versions.sums import Usual

_FIRST: Final = 500
"""Transactions of a tenant, and an hour, whose versions were there before."""
_FORGOTTEN_MS: Final = 28 * DAY_MS
_AT_ONCE: Final = 8
"""New versions of one dimension that are compared at a time; further ones wait."""
_KNOWN: Final = 64
"""Versions of one dimension that are remembered, the last seen ones."""
_SHOWN_MS: Final = DAY_MS


class Marker(Struct, frozen=True):
    """A version that began to carry real traffic. `since_ms`: its first transaction; `known_ms`: when it had enough.

    `previous`: what had most of the traffic before; `share`: of the tenant's transactions since then, as of the last
    look; `ended_ms`: when its comparison was over, 0: it is not.
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


class Ending(Struct, array_like=True, frozen=True):
    """A finding that ended in the five minutes from `start_ms` on, by a reading; None: its traffic did."""

    start_ms: int
    reading: Reading | None


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


_Versions = dict[str, dict[str, int]]
_Open = dict[str, dict[str, Comparison]]


def next_memory(memory: Memory, five: Five, usual: Usual, rule: VersionRule) -> Memory:
    """Return the memory after five minutes; `usual`: what ran before, an hour ago at least."""
    start_ms = five.start_ms
    first_ms = memory.first_ms or start_ms
    known = {name: dict(each) for name, each in memory.known.items()}
    opened = {name: dict(each) for name, each in memory.open.items()}
    begins = memory.n < _FIRST or start_ms - first_ms < HOUR_MS
    for name, versions in five.versions.items():
        _met(name, known.setdefault(name, {}), opened.setdefault(name, {}), versions, start_ms, begins=begins)
        if len(known[name]) > _KNOWN:
            known[name] = dict(sorted(known[name].items(), key=lambda each: (-each[1], each[0]))[:_KNOWN])
    markers = {key: each for key, each in memory.markers.items() if not _past(each.ended_ms, start_ms)}
    endings = {key: each for key, each in memory.endings.items() if not _past(each.start_ms, start_ms)}
    for name, comparisons in opened.items():
        for version, comparison in list(comparisons.items()):
            moved = _moved(comparison, five, five.versions.get(name, {}).get(version, _NONE), usual, rule)
            key = key_of(name, version, comparison.since_ms)
            if moved.comparison is not None:
                comparisons[version] = moved.comparison
            else:
                del comparisons[version]
                if moved.state in ("no_change", "as_before"):
                    known.setdefault(name, {})[version] = start_ms
            if marker := _marker(name, version, markers.get(key), moved, start_ms):
                markers[key] = marker
            endings |= {f"{key}\x1f{each.metric}": Ending(start_ms, each.reading) for each in moved.ended}
    return Memory(start_ms, first_ms, memory.n + five.whole.n, known, opened, markers, endings)


def is_known(known: Mapping[str, int], version: str, now_ms: int) -> bool:
    """Return whether a version was seen in the last four weeks."""
    seen_ms = known.get(version)
    return seen_ms is not None and now_ms - seen_ms < _FORGOTTEN_MS


def _met(
    name: str,
    known: dict[str, int],
    comparisons: dict[str, Comparison],
    versions: dict[str, Part | None],
    start_ms: int,
    *,
    begins: bool,
) -> None:
    """Note the versions of one dimension: those that are known are seen again, others are compared from now on."""
    for version, part in sorted(versions.items()):
        if version in comparisons or (part is not None and not part.n):
            continue
        if begins or is_known(known, version, start_ms):
            known[version] = start_ms
        elif len(comparisons) < _AT_ONCE:
            comparisons[version] = Comparison(name, start_ms, _previous(known, versions))


_NONE: Final = Part()


def _moved(comparison: Comparison, five: Five, part: Part | None, usual: Usual, rule: VersionRule) -> Moved:
    mine = five.whole if part is None else part
    return present(comparison, five, mine, usual, rule) if mine.n else absent(comparison, five)


def _marker(name: str, version: str, known: Marker | None, moved: Moved, start_ms: int) -> Marker | None:
    comparison = moved.comparison
    if comparison is not None and comparison.marked_ms:
        return Marker(
            name, version, comparison.previous, comparison.since_ms, comparison.marked_ms, comparison.n,
            comparison.share, moved.state,
        )  # fmt: skip
    if known is None or known.ended_ms:
        return known
    return Marker(
        name, version, known.previous, known.since_ms, known.known_ms, known.n, known.share, moved.state,
        start_ms + FIVE_MS,
    )  # fmt: skip


def _previous(known: dict[str, int], now: dict[str, Part | None]) -> str | None:
    """Return the known version that was seen last, of several the one with most of these five minutes."""
    return min(known, key=lambda each: (-known[each], -_transactions(now.get(each)), each), default=None)


def _transactions(part: Part | None) -> int:
    return part.n if part else 0


def _past(ended_ms: int, now_ms: int) -> bool:
    return bool(ended_ms) and now_ms - ended_ms > _SHOWN_MS
