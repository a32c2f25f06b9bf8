"""Whether a threshold, or a scale that a mapping names, can be in the units of a file's scores.

Percent beside fractions is the commonest mistake of a first run, and gives figures that look like figures: everybody
passes, or nobody. What is certainly wrong is refused; what may be meant is read as it stands.
"""

from collections.abc import Mapping
from typing import Final

from proofwatch.biometrics.curve_figures import ThresholdChoice
from proofwatch.scorefile.account import Facts
from proofwatch.scorefile.mapping import Mapping as MappingFile
from proofwatch.scorefile.mapping import Score
from proofwatch.scorefile.scores import Scale
from proofwatch.tabular import TableError

_LEAST: Final = 10
"""So many scores are needed to say that a mapping's scale is another one."""
_WIDE: Final = 10
"""A scale so wide, or a threshold so many times the largest score, is of other units."""


def check_units(
    file: str, given: Mapping[Score, ThresholdChoice | None], facts: Mapping[str, Facts], mapping: MappingFile
) -> None:
    """Raise `TableError` where a threshold (file's units) or a scale of the mapping cannot be that of the scores.

    `facts`: the numbers of each score as they stand in the file. The message says what stands where, and what is right.
    """
    for name, threshold in given.items():
        found = facts.get(name)
        if found is None or not found.n:
            continue
        number = None if threshold is None or threshold == "eer" else threshold
        if problem := _of_scale(name, mapping.scale_of(name), found) or _of_threshold(name, number, found):
            raise TableError(f"{file}: {problem}")


def _of_scale(name: Score, scale: Scale, found: Facts) -> str:
    low, high = scale.low, scale.high
    if low is None or high is None or found.n < _LEAST or high - low < _WIDE or not _fractions(found):
        return ""
    return (
        f"{name}: the mapping says that its scale is {low} to {high}, but {_seen(found)}, as on a scale from 0 to 1; "
        f"right is `{name}: [0, 1]` under `scale`, or none"
    )


def _of_threshold(name: Score, number: float | None, found: Facts) -> str:
    if number is None:
        return ""
    option = f"--{name.removesuffix('_score')}-threshold"
    if _fractions(found) and not 0 <= number <= 1:
        right = f"{option} {number / 100:g}" if 1 < number <= 100 else f"a number from 0 to 1, such as {option} 0.85"
        return f"{name}: {option} {number:g} is of another scale, for {_seen(found)}; right is {right}"
    largest = max(abs(found.low), abs(found.high))
    if 0 < number < 1 and not found.negative and 2 * found.above_one > found.n and found.high > _WIDE:
        right = f"{option} {number * 100:g}" if found.high <= 100 else f"{option} in the file's own units"
        return f"{name}: {option} {number:g} is of another scale, for {_seen(found)}; right is {right}"
    if abs(number) >= _WIDE * largest > 0 and not found.low <= number <= found.high:
        return f"{name}: {option} {number:g} is of another scale, for {_seen(found)}; right is a number among them"
    return ""


def _fractions(found: Facts) -> bool:
    return found.low >= 0 and found.high <= 1


def _seen(found: Facts) -> str:
    return f"its {found.n:,} scores lie from {found.low:g} to {found.high:g}"
