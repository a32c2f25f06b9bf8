"""One version under several spellings: `4.2.0`, `v4.2.0`, `4.2.0-RC1` and `4.2.0-rc1`, or with a build behind a plus.

SDKs of two platforms, or two builds, write one release differently. Segments keep what upstream says; here it is one
version, under the spelling that was seen first. What follows a plus says nothing of which release it is (Semantic
Versioning 2.0.0, item 10): so builds of each handset are no releases.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache

from msgspec.structs import replace

from services.aggregator.core.versions.part import Five, Part, added


@lru_cache(maxsize=16_384)
def canonical(version: str) -> str:
    """Return what all spellings of a version have in common."""
    text = version.strip().casefold().partition("+")[0].rstrip()
    return text[1:] if text[:1] == "v" and text[1:2].isdigit() else text


def gathered(five: Five, known: Mapping[str, Collection[str]]) -> Five:
    """Return the five minutes with each version once, under its known spelling; `known`: spellings by dimension."""
    versions = {name: _one_each(five.whole, each, known.get(name, ())) for name, each in five.versions.items()}
    return five if versions == five.versions else replace(five, versions=versions)


def _one_each(whole: Part, versions: dict[str, Part | None], known: Collection[str]) -> dict[str, Part | None]:
    if all(each in known for each in versions):
        return versions
    spelled = {canonical(each): each for each in sorted(known, reverse=True)}
    found: dict[str, Part | None] = {}
    for version, part in sorted(versions.items()):
        place = version if version in known else spelled.setdefault(canonical(version), version)
        found[place] = _sum(whole, found[place], part) if place in found else part
    return found


def _sum(whole: Part, one: Part | None, other: Part | None) -> Part | None:
    if one is None or other is None:
        return None
    rates = tuple(map(sum, zip(one.rates, other.rates, strict=True)))
    bins = {name: added(one.bins.get(name, {}), other.bins.get(name, {})) for name in {**one.bins, **other.bins}}
    total = Part(one.n + other.n, rates, bins)
    return None if total == whole else total
