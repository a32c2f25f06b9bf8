"""DET curves from sketches: each point is what counting the scores themselves gives."""

import random

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.sketch_sum import SketchSum
from proofwatch.biometrics.trials import GENUINE, IMPOSTOR
from services.aggregator.core.det import MOST, det_curves
from services.aggregator.core.span import Truth


def sum_of(scores: list[float], thresholds: tuple[float, ...]) -> SketchSum:
    edges, found = edge_set(thresholds), SketchSum()
    bins: dict[int, int] = {}
    for score in scores:
        bins[edges.bin_of(score)] = bins.get(edges.bin_of(score), 0) + 1
    found.add(*Sketch(edges, bins).to_wire())
    return found


def test_every_point_is_counted_and_the_threshold_in_force_is_one() -> None:
    rng = random.Random(7)
    genuine, impostor = [rng.betavariate(8, 2) for _ in range(500)], [rng.betavariate(2, 8) for _ in range(300)]
    known = Truth(scores={GENUINE: sum_of(genuine, (0.85,)), IMPOSTOR: sum_of(impostor, (0.85,))})
    (curve,) = det_curves(known, "match", 0.85)
    assert (curve.accepts, curve.accepts_n, curve.rejects, curve.rejects_n) == ("fmr", 300, "fnmr", 500)
    assert 10 < len(curve.points) <= MOST
    for each in (*curve.points, curve.at):
        assert each is not None
        assert each.accepted == sum(score >= each.threshold for score in impostor)
        assert each.rejected == sum(score < each.threshold for score in genuine)
    accepted, rejected = [p.accepted for p in curve.points], [p.rejected for p in curve.points]
    assert accepted == sorted(accepted, reverse=True)
    assert rejected == sorted(rejected)


def test_without_a_side_there_is_no_curve_and_beside_the_edges_no_point() -> None:
    known = Truth(scores={GENUINE: sum_of([0.9], (0.85,)), IMPOSTOR: sum_of([0.1], (0.8,))})
    (curve,) = det_curves(known, "match", 0.85)
    assert curve.at is None, "one side was never counted at it"
    assert det_curves(known, "liveness", 0.5) == []
    assert det_curves(Truth(scores={IMPOSTOR: sum_of([0.1], ())}), "match", 0.5) == []
