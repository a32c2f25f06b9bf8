"""The bounds of what-if hold what the scores themselves say, wherever the thresholds lie and however they changed."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from proofwatch.biometrics.sketch import Bounds
from services.aggregator.core.found import Query
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Span, counted, truth
from services.aggregator.core.what_if import Thresholds, WhatIf, on_edges, what_if
from services.aggregator.queries.run_source import load_run
from tests.unit.aggregator.queries.runs import TENANT, Shot, shots, windows, write_run


def tried(directory: Path, taken: list[Shot], to: Thresholds) -> dict[str, WhatIf]:
    run = load_run(write_run(directory, windows(taken)), Query(TENANT, Span()))
    return {each.metric: each for each in what_if(counted(run.counted)[WHOLE], truth(run.labelled)[WHOLE], to)}


def scores(taken: Sequence[Shot], trial_class: str) -> list[float]:
    match = trial_class in ("genuine", "impostor")
    mine = (shot for shot in taken if trial_class in (shot.pair, shot.presentation))
    return [s for s in (shot.match if match else shot.liveness for shot in mine) if s is not None]


@pytest.mark.parametrize("seed", range(24))
def test_the_bounds_hold_the_exact_value(seed: int, tmp_path: Path) -> None:
    """Of every error rate, every failed check and everything rejected; also where policies changed in the span."""
    rng = random.Random(seed)
    taken = shots(800, seed, thresholds=((0.995,), (0.985, 0.991), (0.9, 0.97, 0.9), (63 / 64,))[seed % 4])
    match = None if seed % 5 == 1 else rng.choice((0.85, 0.8123, 1.0, 0.0, rng.random()))
    liveness = None if seed % 5 == 2 else rng.choice((0.995, 0.98, 0.99991, 1.0, 0.0, rng.uniform(0.9, 1)))
    found = tried(tmp_path, taken, Thresholds(match, liveness))
    exact: dict[str, int] = {}
    if match is not None:
        exact["fmr"] = sum(score >= match for score in scores(taken, "impostor"))
        exact["fnmr"] = sum(score < match for score in scores(taken, "genuine"))
        exact["match_fail_rate"] = exact["fnmr"] + sum(score < match for score in scores(taken, "impostor"))
    if liveness is not None:
        for species in ("mask", "print"):
            exact[f"apcer:{species}"] = sum(score >= liveness for score in scores(taken, f"attack:{species}"))
        exact["injection_pass_rate:camera"] = sum(score >= liveness for score in scores(taken, "injection:camera"))
        exact["bpcer"] = sum(score < liveness for score in scores(taken, "bona_fide"))
        exact["liveness_fail_rate"] = sum(s.liveness is not None and s.liveness < liveness for s in taken)
    exact["rejection_rate"] = sum(
        shot.rejected_at(
            shot.match_threshold if match is None else match, shot.liveness_threshold if liveness is None else liveness
        )
        for shot in taken
    )
    assert exact.keys() <= found.keys()
    for metric, k in exact.items():
        assert found[metric].would.low <= k <= found[metric].would.high, metric
    now = {"bpcer": "bona_fide", "fnmr": "genuine"}
    for metric in now.keys() & found.keys():
        assert found[metric].n == len(scores(taken, now[metric]))


def test_what_is_in_force_changes_nothing_and_is_exact(tmp_path: Path) -> None:
    """The threshold in force is an edge: as it would be is as it is."""
    found = tried(tmp_path, shots(500, 1), Thresholds(0.85, 0.995))
    for each in found.values():
        assert each.would == Bounds(each.k, each.k), each.metric


def test_off_the_edges_the_bounds_differ_and_it_is_said(tmp_path: Path) -> None:
    """A number between two edges is not made up."""
    taken = [shot._replace(liveness=0.98765) for shot in shots(100, 1)]
    found = tried(tmp_path, taken, Thresholds(liveness=0.98764))
    assert found["bpcer"].would.low == 0
    assert found["bpcer"].would.high == found["bpcer"].n
    assert found["apcer:mask"].would == Bounds(0, found["apcer:mask"].n)
    run = load_run(tmp_path, Query(TENANT, Span()))
    sketches = counted(run.counted)[WHOLE].sketches
    assert on_edges(sketches, Thresholds(0.85, 0.98764)) == {"match": True, "liveness": False}


def test_a_threshold_on_the_grid_says_less_of_who_was_judged_by_it(tmp_path: Path) -> None:
    """It is no edge of its own; the bounds are wider, and hold what was lowered all the same."""
    taken = shots(800, 5, thresholds=(63 / 64,))
    lower = tried(tmp_path, taken, Thresholds(liveness=0.5))["rejection_rate"].would
    assert lower.low <= sum(shot.rejected_at(0.85, 0.5) for shot in taken) <= lower.high


def test_lower_thresholds_never_reject_more_than_today(tmp_path: Path) -> None:
    """Nor higher ones less: the bounds know in which direction transactions can change sides."""
    taken = shots(800, 5)
    lower = tried(tmp_path / "a", taken, Thresholds(0.7, 0.9))["rejection_rate"]
    higher = tried(tmp_path / "b", taken, Thresholds(0.9, 0.999))["rejection_rate"]
    assert lower.would.high <= lower.k == higher.k <= higher.would.low
