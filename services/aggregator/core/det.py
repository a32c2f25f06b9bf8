"""DET curves of a span (ISO/IEC 19795-1): at each threshold how many are accepted wrongly, and how many rejected.

Counted at the edges that all sketches of both sides have in common, so that every point is exact.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from proofwatch.biometrics.sketch_sum import SketchSum
from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR, INJECTION, is_attack
from services.aggregator.core.span import Truth
from services.aggregator.core.what_if import Check

MOST: Final = 200
"""Points of a curve, at most: more than a drawing tells apart."""
_ACCEPTED: Final = {ATTACK: "apcer", INJECTION: "injection_pass_rate"}
_REJECTED: Final[Mapping[Check, tuple[str, str]]] = {"match": (GENUINE, "fnmr"), "liveness": (BONA_FIDE, "bpcer")}


class Point(NamedTuple):
    """With this threshold so many of the others would be accepted, and so many genuine ones rejected."""

    threshold: float
    accepted: int
    rejected: int


class Curve(NamedTuple):
    """Others (`accepts`: the metric, with the species of attacks) against genuine ones (`rejects`), by threshold.

    `at`: the point of the threshold that was asked for; None: it is no edge of every sketch.
    """

    accepts: str
    accepts_n: int
    rejects: str
    rejects_n: int
    points: Sequence[Point]
    at: Point | None


def det_curves(known: Truth, check: Check, threshold: float) -> list[Curve]:
    """Return a curve for impostors, or for each kind of attack; none where a side has no scores."""
    genuine, rejects = _REJECTED[check]
    own = known.scores.get(genuine, SketchSum())
    if not own.total():
        return []
    return [
        _curve(metric, known.scores[name], rejects, own, threshold)
        for name, metric in _others(known.scores, check)
        if known.scores[name].total()
    ]


def _others(names: Iterable[str], check: Check) -> Iterator[tuple[str, str]]:
    if check == "match":
        yield from ((name, "fmr") for name in names if name == IMPOSTOR)
        return
    for name in sorted(filter(is_attack, names)):
        prefix, _, species = name.partition(":")
        yield name, f"{_ACCEPTED[prefix]}:{species}"


def _curve(accepts: str, others: SketchSum, rejects: str, own: SketchSum, threshold: float) -> Curve:
    below_others, below_own, n = others.below(), own.below(), others.total()
    points: list[Point] = []
    for edge in sorted(below_others.keys() & below_own.keys()):
        point = Point(edge, n - below_others[edge], below_own[edge])
        if not points or points[-1][1:] != point[1:]:
            points.append(point)
    at = None
    if threshold in below_others and threshold in below_own:
        at = Point(threshold, n - below_others[threshold], below_own[threshold])
    return Curve(accepts, n, rejects, own.total(), _thinned(points), at)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most `MOST` of the points, the first and the last among them."""
    if len(points) <= MOST:
        return points
    return [points[round(n * (len(points) - 1) / (MOST - 1))] for n in range(MOST)]
