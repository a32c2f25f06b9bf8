"""How a comparison begins: by traffic of a version that is not known, or by a governed marker.

A governed marker makes its version new once more, though it ran before, and says what it touches; where nothing in the
traffic names what was changed, all of it is the new version's from then on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.touches import POLICY, VENDOR
from services.aggregator.core.versions.part import Five, Part
from services.aggregator.core.versions.spelling import canonical
from services.aggregator.core.versions.state import FORGOTTEN_MS, Comparison
from services.aggregator.core.versions.sums import Usual

AT_ONCE: Final = 8
"""New versions of one dimension that are compared at a time; further ones wait."""

Versions = dict[str, dict[str, int]]
"""By dimension and version: when it was seen last."""
Open = dict[str, dict[str, Comparison]]


def is_known(known: Mapping[str, int], version: str, now_ms: int) -> bool:
    """Return whether a version was seen in the last four weeks."""
    seen_ms = known.get(version)
    return seen_ms is not None and now_ms - seen_ms < FORGOTTEN_MS


def met(
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
        elif sum(each.gone is None for each in comparisons.values()) < AT_ONCE:
            running = {each: one.last_ms for each, one in comparisons.items() if one.marked_ms and one.gone is None}
            running |= {each: start_ms for each in running if _transactions(versions.get(each))}
            comparisons[version] = Comparison(name, start_ms, _previous({**known, **running}, versions))


def begin_unnamed(declared: Sequence[GovernedMarker], five: Five, known: Versions, opened: Open) -> None:
    """Begin what nothing in the traffic names: all of it is the declared version's from then on."""
    for marker in declared:
        named = marker.name != VENDOR and (marker.name == POLICY or five.versions.get(marker.name))
        comparisons = opened.setdefault(marker.name, {})
        if not named and marker.version not in comparisons:
            for version in [version for version, each in comparisons.items() if each.everybody]:
                del comparisons[version]
            previous = _previous(known.get(marker.name, {}), {})
            comparisons[marker.version] = Comparison(marker.name, five.start_ms, previous, everybody=True)


def note_words(governed: Sequence[GovernedMarker], opened: Open, usual: Usual, start_ms: int) -> None:
    """Say of what is compared whose word it is, if it is anybody's, what that touches, and what was usual before.

    Traffic may have named it sooner: a policy is in force from within five minutes on, a release from a canary on.
    """
    for marker in sorted(governed, key=lambda each: each.at_ms):
        if not 0 <= start_ms - marker.at_ms < FORGOTTEN_MS:
            continue
        comparisons = opened.get(marker.name, {})
        for version, each in comparisons.items():
            same = version == marker.version or canonical(version) == canonical(marker.version)
            if same and not each.by:
                comparisons[version] = replace(
                    each,
                    touches=tuple(sorted(marker.compared)),
                    by=marker.by,
                    reason=marker.reason,
                    usual=each.usual if each.marked_ms else usual,
                )


def _previous(known: dict[str, int], now: dict[str, Part | None]) -> str | None:
    """Return the version that was seen last, of several the one with most of these five minutes."""
    return min(known, key=lambda each: (-known[each], -_transactions(now.get(each)), each), default=None)


def _transactions(part: Part | None) -> int:
    return part.n if part else 0
